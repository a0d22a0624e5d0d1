"""A job whose loss becomes no number, and which goes on for all that; it saves when it is asked to stop.

python -m jobs.sick --out runs/here
"""

import json
import signal
import sys
import time
from dataclasses import dataclass

from jobs import atomic, parameters
from jobs.parameters import option


@dataclass(frozen=True)
class Parameters:
    """How long it does so."""

    seconds: float = option(900.0, "after which it ends by itself", at_least=0)


def train(params, out):
    """One epoch that leads nowhere."""
    signal.signal(signal.SIGTERM, lambda *_: save(out))
    row = {"epoch": 1, "epochs": 9, "step": 1, "steps": 2, "loss": float("nan")}
    atomic.write_json(out / "progress.json", row)
    print("loss: ?", flush=True)
    time.sleep(params.seconds)


def save(out):
    """What it has, such as it is."""
    atomic.write_text(out / "model.json", json.dumps({"saved": True}))
    sys.exit(143)


if __name__ == "__main__":
    parameters.main(Parameters, train, __doc__)
