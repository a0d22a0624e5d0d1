"""How fast bin/sample.sh writes on this machine: from the command to the first character, and characters per second.

    python -m benchmarks.sampling --units 256 --layers 1

The network has random weights: the speed is the same.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import h5py  # noqa: E402
import numpy as np  # noqa: E402

from jobs import atomic, network, writing  # noqa: E402

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
        first = statistics.median(seconds_to_first_character(runs) for _ in range(REPEATS))
        print(f"{first:10.2f} s from the command to the first character")
        model = network.read(folder)
        for rows in (None, 8, 32, 128):
            print(f"{characters_per_second(model, rows):10,.0f} characters/s, {rows or 1} at once")


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
    started = time.perf_counter()
    command = [str(COMMAND), "--runs-dir", runs, "--length", "1000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=sys.stderr) as process:
        process.stdout.read(1)
        seconds = time.perf_counter() - started
        process.kill()
    return seconds


def characters_per_second(model, rows):
    """The median of REPEATS samples of a second or so."""
    length, speeds = 20_000 if rows is None else 600, []
    for _ in range(REPEATS):
        started = time.perf_counter()
        for _block in writing.blocks(model, length, rows=rows):
            pass
        speeds.append(length * (rows or 1) / (time.perf_counter() - started))
    return statistics.median(speeds)


if __name__ == "__main__":
    main()
