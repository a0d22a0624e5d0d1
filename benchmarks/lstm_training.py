"""How fast a character LSTM learns on this machine: ours beside the way of the tutorials, and torch where installed.

    python -m benchmarks.lstm_training                      # throughput, interleaved, about a minute
    python -m benchmarks.lstm_training --until 2.72         # and the time to this held-out loss: 20 minutes more

All in one process, in turn, step by step, so that other load on the machine hits all alike. A tutorial's step learns
one target from a window of 100 characters; ours one after each of 50 characters. GFLOPS count the matrix products of
the recurrent and output layers, forwards and backwards, that the steps made; the peak is this machine's best product
of two 2048 x 2048 matrices just before.
"""

import argparse
import importlib.util
import os
import platform
import statistics
import time
from dataclasses import dataclass

import numpy as np

from benchmarks import engines
from jobs import lstm_aiw, training

ROUNDS = 5
ENGINES = {"tutorial": engines.tutorial, "keras": engines.keras_streams, "numpy": engines.numpy_streams}
ENGINES |= {"torch": engines.torch_streams} if importlib.util.find_spec("torch") else {}


@dataclass(frozen=True)
class Speed:
    """What one engine did."""

    targets_per_s: float
    gflops: float
    cores: float  # that it had or used, on average: under 1 when others have the machine


def main():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    given = _arguments()
    peak = matrix_peak_gflops()
    training.make_repeatable(0)
    vocabulary, text = lstm_aiw.data(lstm_aiw.Parameters())
    found = [ENGINES[name](text, len(vocabulary), given.units) for name in given.engines.split(",")]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; peak {peak:.0f} GFLOPS")
    for engine, speed in zip(found, throughput(found, given.steps), strict=True):
        share = f"{speed.gflops:6.0f} GFLOPS {100 * speed.gflops / peak:4.0f} % of peak"
        print(f"{engine.name:28} {speed.targets_per_s:9,.0f} targets/s {share}, {speed.cores:.1f} cores", flush=True)
    if given.until:
        for engine in found:
            seconds = time_to_loss(engine, given.until, given.most_seconds)
            print(f"{engine.name:28} {seconds:9,.1f} s of training to a held-out loss of {given.until}", flush=True)


def throughput(found, steps):
    """The median Speed of each engine over ROUNDS rounds of `steps` steps each, in turn; a first round warms up."""
    seconds = {engine.name: [] for engine in found}
    for _ in range(1 + ROUNDS):
        for engine in found:
            began, used = time.perf_counter(), time.process_time()
            for _ in range(steps):
                engine.step()
            seconds[engine.name].append(((time.perf_counter() - began) / steps, (time.process_time() - used) / steps))
    medians = [
        [statistics.median(column) for column in zip(*seconds[engine.name][1:], strict=True)] for engine in found
    ]
    return [
        Speed(engine.targets / lasted, engine.flop / lasted / 1e9, used / lasted)
        for engine, (lasted, used) in zip(found, medians, strict=True)
    ]


def time_to_loss(engine, loss, most_seconds):
    """Seconds of training, evaluation not counted, until the held-out loss is reached; infinity if it is not.

    The engine goes on from where it is: make a new one for a fair start.
    """
    engine.restart()
    spent = 0.0
    while spent < most_seconds:
        started = time.perf_counter()
        for _ in range(engine.steps_between_looks):
            engine.step()
        spent += time.perf_counter() - started
        if engine.held_out_loss() <= loss:
            return spent
    return float("inf")


def matrix_peak_gflops(size=2048, times=5):
    """The best of a few products of two square float32 matrices, in GFLOPS."""
    matrix = np.random.default_rng(0).random((size, size), dtype=np.float32)
    best = float("inf")
    for _ in range(times):
        started = time.perf_counter()
        matrix @ matrix
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best / 1e9


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=256)
    parser.add_argument("--engines", default=",".join(ENGINES), help="some of the default's")
    parser.add_argument("--steps", type=int, default=20, help="of each engine in each round")
    parser.add_argument("--until", type=float, default=0.0, help="a held-out loss in nats per character")
    parser.add_argument("--most-seconds", type=float, default=900.0, help="of training, to reach it")
    return parser.parse_args()


if __name__ == "__main__":
    main()
