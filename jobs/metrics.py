"""What a training tells while it runs: a line an epoch for people and programs, TensorBoard, a plot, live progress."""

import contextlib
import json
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from jobs import atomic

LIVE_SECONDS = 0.5  # progress.json is replaced at most this often


@dataclass(frozen=True)
class Record:
    """Where each epoch is written down."""

    out: Path
    tensorboard: object  # TensorFlow's summary writer


@contextlib.contextmanager
def recording(out, history):
    """A record that holds exactly the epochs of history: what a killed training wrote beyond them is undone."""
    import tensorflow as tf

    atomic.write_text(out / "metrics.jsonl", "".join(json.dumps(row) + "\n" for row in history))
    shutil.rmtree(out / "tensorboard", ignore_errors=True)
    record = Record(out, tf.summary.create_file_writer(str(out / "tensorboard")))
    try:
        for row in history:
            _to_tensorboard(record, row)
        yield record
    finally:
        record.tensorboard.close()


def add(record, row):
    """Append one epoch, {"epoch": 3, "loss": 1.52, ...}, everywhere, and print it as one line that grep finds."""
    with (record.out / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    _to_tensorboard(record, row)
    print(" ".join(f"{name} {_short(value)}" for name, value in row.items()), flush=True)


def plot(out, history):
    """Draw every loss of the history over the epochs into plots/loss.png."""
    import matplotlib

    matplotlib.use("Agg")  # no display
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    for name in [name for name in history[0] if name.endswith("loss")]:
        rows = [row for row in history if name in row]
        axes.plot([row["epoch"] for row in rows], [row[name] for row in rows], ".-", label=name.replace("_", " "))
    axes.set(xlabel="epoch", ylabel="nats per symbol")
    axes.legend()
    with atomic.replacing(out / "plots" / "loss.png") as temporary:
        figure.savefig(temporary, dpi=120)
    pyplot.close(figure)


@dataclass
class Live:
    """progress.json: where the training is now, for whoever watches; replaced twice a second at most."""

    path: Path
    steps: list  # of each epoch
    done: int  # steps of all epochs that an earlier process has made
    started: float = field(default_factory=time.monotonic)
    written: float = -LIVE_SECONDS


def show(live, epoch, step, loss):
    """Replace progress.json if it is time to. epoch counts from 1; step: how many are made in it."""
    now, steps = time.monotonic(), live.steps[epoch - 1]
    if now - live.written < LIVE_SECONDS and step < steps:
        return
    live.written = now
    made = sum(live.steps[: epoch - 1]) + step
    seconds_left = (sum(live.steps) - made) * (now - live.started) / max(1, made - live.done)
    row = {"epoch": epoch, "epochs": len(live.steps), "step": step, "steps": steps}
    atomic.write_json(live.path, row | {"loss": round(loss, 4), "seconds_left": round(seconds_left)})


def _to_tensorboard(record, row):
    import tensorflow as tf

    with record.tensorboard.as_default():
        for name, value in row.items():
            if name != "epoch":
                tf.summary.scalar(name, value, step=row["epoch"])
    record.tensorboard.flush()


def _short(value):
    return f"{value:.4g}" if isinstance(value, float) else value
