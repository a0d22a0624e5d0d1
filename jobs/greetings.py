"""Keeps TensorFlow's greetings, which say nothing about the job, out of the job's log; errors and warnings stay."""

import contextlib
import os
import re
import sys
import tempfile

GREETING = re.compile(rb"I\d{4} |WARNING: All log messages before absl::InitializeLog")


@contextlib.contextmanager
def held_back():
    """What native code writes to stderr within the block comes out at its end, without the greetings."""
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(before, 2)
            os.close(before)
            kept.seek(0)
            os.write(2, b"".join(line for line in kept if not GREETING.match(line)))
