"""How fast bin/sample.sh writes on this machine: from the command to the first character, and characters per second.

    python -m benchmarks.sampling --units 256 --layers 1

The network has random weights: the speed is the same. Characters are per second of processor time, so that other load
counts less. Beside them what the matrix products alone would allow.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import h5py  # noqa: E402
import numpy as np  # noqa: E402

from jobs import atomic  # noqa: E402
from jobs.text import network, writing  # noqa: E402

CHARACTERS, EMBEDDING, REPEATS = 47, 64, 5
COMMAND = Path(__file__).resolve().parents[1] / "bin" / "sample.sh"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=256)
    parser.add_argument("--layers", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as runs:
        folder = Path(runs) / "lstm_aiw-20260101-000000-0000" / "out"
        write_random(folder, given.units, given.layers)
        seconds = zip(*(seconds_to_first_character(runs) for _ in range(REPEATS)), strict=True)
        first, used = map(statistics.median, seconds)
        print(f"{first:10.2f} s from the command to the first character, {used:.2f} s of processor time")
        model = network.read(folder)
        for rows in (None, 8, 32, 128):
            ours, most = characters_per_second(model, rows), products_per_second(model, rows)
            print(f"{ours:10,.0f} characters/s, {rows or 1} at once; the products alone {most:,.0f}")


def write_random(folder, units, layers):
    """A run's results: model.json and weights as Keras names them."""
    random = np.random.default_rng(0)
    parameters = {"units": units, "layers": layers, "embedding": EMBEDDING}
    atomic.write_json(
        folder / "model.json", {"vocabulary": list(map(chr, range(97, 97 + CHARACTERS))), "parameters": parameters}
    )
    with h5py.File(folder / "model.weights.h5", "w") as file:
        shapes = {"layers/embedding/vars/0": (CHARACTERS, EMBEDDING), "layers/dense/vars/0": (units, CHARACTERS)}
        shapes["layers/dense/vars/1"] = (CHARACTERS,)
        for layer in range(layers):
            name = f"layers/lstm_{layer}".removesuffix("_0") + "/cell/vars/"
            shapes[name + "0"] = (units if layer else EMBEDDING, 4 * units)
            shapes |= {name + "1": (units, 4 * units), name + "2": (4 * units,)}
        for name, shape in shapes.items():
            file[name] = random.normal(0, 0.1, shape).astype(np.float32)


def seconds_to_first_character(runs):
    """Seconds on the clock, and of processor time, which includes the process's end."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [str(COMMAND), "--runs-dir", runs, "--length", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=sys.stderr) as process:
        process.stdout.read(1)
        seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def characters_per_second(model, rows):
    """The median of REPEATS samples of a second or so."""
    length, speeds = 20_000 if rows is None else 600, []
    for _ in range(REPEATS):
        started = time.process_time()
        for _block in writing.blocks(model, length, rows=rows):
            pass
        speeds.append(length * (rows or 1) / (time.process_time() - started))
    return statistics.median(speeds)


def products_per_second(model, rows, steps=200):
    """The same if a step were its matrix products and nothing else."""
    pairs = [(np.zeros((*([rows] if rows else []), len(layer.kernels)), np.float32), layer) for layer in model.layers]
    speeds = []
    for _ in range(REPEATS):
        started = time.process_time()
        for _ in range(steps):
            for output, layer in pairs:
                output @ layer.kernels
        speeds.append(steps * (rows or 1) / (time.process_time() - started))
    return statistics.median(speeds)


if __name__ == "__main__":
    main()
