"""A job without TensorFlow that keeps the contract of jobs/: what tests of a run's life train, in a second or two.

python -m jobs.tiny --out runs/here --epochs 3
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from jobs import atomic, parameters
from jobs.parameters import option


@dataclass(frozen=True)
class Parameters:
    """What a test may ask of it. Epochs count from 1; 0 where an epoch is expected means never."""

    epochs: int = option(3, "how many", at_least=1)
    lines: int = option(4, "log lines in an epoch", at_least=0)
    seconds: float = option(0.05, "that an epoch takes", at_least=0, at_most=60)
    text: str = option("", "a file or folder whose size goes into the log", file=True)
    hold: int = option(0, "epoch after which it waits for a file `go` in the run's folder")
    hold_again: int = option(0, "another such epoch")
    fail: int = option(0, "epoch in which it raises")
    die: int = option(0, "epoch in which it kills itself with SIGKILL")
    deaf: bool = option(False, "ignore SIGTERM instead of saving")
    children: int = option(0, "processes to fork and leave behind")
    megabytes: int = option(0, "size of a file of results", at_least=0)
    fill: bool = option(False, "write results until the disk is full")
    odd: str = option("", "odd things to write", choices=["", "files", "log", "harm"])


def train(params, out):
    """Count through the epochs, from where the checkpoint was left."""
    stop = listen(params.deaf)
    done = resume(out)
    print(f"tiny: text of {size(params.text)} bytes, from epoch {done + 1}", flush=True)
    for _ in range(params.children):
        subprocess.Popen(["sleep", "600"])
    if params.odd:
        ODD[params.odd](out)
    for epoch in range(done + 1, params.epochs + 1):
        work(params, out, epoch)
        save(params, out, epoch)
        while epoch in (params.hold, params.hold_again) and not (out.parent / "go").exists() and not stop:
            time.sleep(0.02)
        if stop:
            print(f"tiny: stopped after epoch {epoch}, saved", flush=True)
            raise SystemExit(128 + signal.SIGTERM)


def listen(deaf):
    """A list that SIGTERM fills, unless deaf."""
    stop = []
    signal.signal(signal.SIGTERM, signal.SIG_IGN if deaf else lambda number, _frame: stop.append(number))
    return stop


def resume(out):
    """The last epoch that is saved."""
    kept = out / "checkpoint" / "epoch"
    return int(kept.read_text()) if kept.exists() else 0


def work(params, out, epoch):
    """One epoch: log lines, and whatever the test has ordered for it."""
    for line in range(1, params.lines + 1):
        print(f"epoch {epoch} line {line} of {params.lines}", flush=True)
        time.sleep(params.seconds / params.lines)
        row = {"epoch": epoch, "epochs": params.epochs, "step": line, "steps": params.lines, "loss": 1 / epoch}
        atomic.write_json(out / "progress.json", row)
    if epoch == params.fail:
        raise RuntimeError("ordered to fail")
    if epoch == params.die:
        os.kill(os.getpid(), signal.SIGKILL)
    if params.fill:
        with (out / "filling").open("wb") as file:
            while True:
                file.write(bytes(1 << 16))


def save(params, out, epoch):
    """Results and checkpoint of a finished epoch."""
    import h5py  # as Keras writes weights

    with atomic.replacing(out / "model.weights.h5") as temporary, h5py.File(temporary, "w") as file:
        file["layers/dense/vars/0"] = [[float(epoch)] * 4] * 4
    if params.megabytes:
        with atomic.replacing(out / "big.bin") as temporary, temporary.open("wb") as file:
            for _ in range(params.megabytes):
                file.write(os.urandom(1 << 20))
    with (out / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"epoch": epoch, "loss": 1 / epoch}) + "\n")
    atomic.write_json(out / "model.json", {"job": "tiny", "metrics": {"loss": 1 / epoch}})
    atomic.write_text(out / "checkpoint" / "epoch", str(epoch))


def size(path):
    """Bytes of a file, or of all files below a folder; 0 for none."""
    if not path:
        return 0
    found = [Path(path)] if Path(path).is_file() else Path(path).rglob("*")
    return sum(one.stat().st_size for one in found if one.is_file())


def odd_files(out):
    """File names that a careless program would trip over, each the content of its file; and links that lead out."""
    for name in ("-rf", "a b", "quo'te\"s", "$(touch gotcha)", "`touch gotcha`", "semi;colon", "star*", "ünïcode 文"):
        (out / name).write_text(name)
    (out / "passwd").symlink_to("/etc/passwd")
    (out / "up").symlink_to("../..")


def odd_log(_out):
    """What may stand in a log: escape sequences that fool a terminal, bytes that are no UTF-8, a very long line."""
    raw = sys.stdout.buffer
    raw.write(b"\x1b]0;owned\x07 \x1b[2J\x1b[31mred \x9b31m \x08\x08\r \x00\n")
    raw.write(bytes(range(128, 256)) + b"\xff\xfe end\n")
    raw.write(b"x" * 5_000_000 + b"\n")
    raw.flush()


def odd_harm(out):
    """A name that would write on the terminal; the other files are as ever."""
    (out / "two\nlines\x1b[2J").write_text("harm")


ODD = {"files": odd_files, "log": odd_log, "harm": odd_harm}

if __name__ == "__main__":
    parameters.main(Parameters, train, __doc__)
