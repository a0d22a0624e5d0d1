"""The job that the kill matrix trains: it counts, and keeps a journal outside its instance of what it has done.

The journal is what results are compared with: a JSON line for each start, before each log line, and for each epoch
that is completed and saved, with the SHA-256 of its files. An instance may vanish at any moment; the journal stays.
"""

import hashlib
import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from jobs import atomic
from jobs.parameters import main, option


@dataclass(frozen=True)
class Parameters:
    """What a case may ask of it."""

    journal: str = option("", "the file to keep the journal in")
    epochs: int = option(3, "how many", at_least=1)
    lines: int = option(3, "log lines in an epoch", at_least=1)
    seconds: float = option(0.15, "that an epoch takes", at_least=0)
    large: int = option(100_000, "bytes of a file that comes home over a connection of its own", at_least=0)


def train(params, out):
    """Count through the epochs, from where the checkpoint was left."""
    stop = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stop.append(number))
    kept = out / "checkpoint"
    done = int(kept.read_text()) if kept.exists() else 0
    write(params, {"start": done})
    for epoch in range(done + 1, params.epochs + 1):
        for line in range(1, params.lines + 1):
            say(params, f"epoch {epoch} line {line} of {params.lines}, start {os.getpid()}")
            time.sleep(params.seconds / params.lines)
        save(params, out, epoch)
        if stop:
            raise SystemExit(128 + signal.SIGTERM)


def say(params, text):
    """A line in the journal, then in the log."""
    write(params, {"line": text})
    print(text, flush=True)


def save(params, out, epoch):
    """The results of an epoch; it is completed when its checkpoint has its name."""
    files = {"model.json": json.dumps({"job": "count", "epoch": epoch}), "checkpoint": str(epoch)}
    files["weights.bin"] = hashlib.sha256(str(epoch).encode()).hexdigest() * (params.large // 64)
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()}
    write(params, {"saving": epoch, "files": digests})
    for name in ("weights.bin", "model.json", "checkpoint"):
        atomic.write_text(out / name, files[name])
    write(params, {"saved": epoch})


def write(params, entry):
    """Append to the journal."""
    with Path(params.journal).open("a") as journal:
        journal.write(json.dumps(entry) + "\n")


if __name__ == "__main__":
    main(Parameters, train, __doc__)
