"""A job's log has its errors and warnings, not TensorFlow's greetings."""

import os

import pytest

from jobs import greetings

LINES = b"""WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795312633.123679    8543 port.cc:153] oneDNN custom operations are on.
W0000 00:00:1795312633.123679    8543 gpu.cc:12] Cannot dlopen some GPU libraries.
Killed
"""


def test_greetings_are_left_out_and_all_else_stays(capfd):
    with greetings.held_back():
        os.write(2, LINES)
        os.write(1, b"a result\n")
    os.write(2, b"after\n")
    told = capfd.readouterr()
    assert told.out == "a result\n"
    assert told.err.splitlines() == [*LINES.decode().splitlines()[2:], "after"]


def test_an_error_in_the_block_hides_nothing(capfd):
    with pytest.raises(ImportError), greetings.held_back():
        os.write(2, b"libcudnn is missing\n")
        raise ImportError
    assert capfd.readouterr().err == "libcudnn is missing\n"
