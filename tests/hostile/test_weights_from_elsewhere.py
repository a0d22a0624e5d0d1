"""Weights and model.json that are cut off, no HDF5, or promise what nobody could hold: one clear line, at once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SYMBOLS, EMBEDDING, UNITS = 5, 3, 4
MODEL = {"vocabulary": list("abcd\n"), "parameters": {"embedding": EMBEDDING, "units": UNITS, "layers": 1}}
SHAPES = {
    "layers/embedding/vars/0": (SYMBOLS, EMBEDDING),
    "layers/lstm/cell/vars/0": (EMBEDDING, 4 * UNITS),
    "layers/lstm/cell/vars/1": (UNITS, 4 * UNITS),
    "layers/lstm/cell/vars/2": (4 * UNITS,),
    "layers/dense/vars/0": (UNITS, SYMBOLS),
    "layers/dense/vars/1": (SYMBOLS,),
}
RECURRENT = "layers/lstm/cell/vars/1"
# The sampler with 2 GiB of address space: an allocation of what a file merely promises fails at once.
SAMPLE = (
    "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30));"
    "from jobs.sample import main; sys.exit(main(sys.argv[1:]))"
)
# Each line of stdin is a seed: bytes of the file are changed, or its end cut off; then it is read.
MUTATE = """
import random, sys
from pathlib import Path
from jobs.text import network
from jobs.parameters import BadInput
folder = Path(sys.argv[1])
for name in ("model.weights.h5", "model.json"):
    whole = (folder / name).read_bytes()
    for seed in range(int(sys.argv[2])):
        chance = random.Random(seed)
        spoilt = bytearray(whole[: chance.choice([len(whole), chance.randrange(len(whole))])])
        for _ in range(chance.choice([1, 1, 4, 40])):
            if spoilt:
                spoilt[chance.randrange(len(spoilt))] = chance.choice([0, 255, chance.randrange(256)])
        (folder / name).write_bytes(spoilt)
        try:
            network.read(folder)
        except BadInput as told:
            assert "\\n" not in str(told)
    (folder / name).write_bytes(whole)
print("all told")
"""


@pytest.fixture
def out(tmp_path):
    """The results of a finished run, to spoil."""
    folder = tmp_path / "lstm_aiw-20260101-000000-0000" / "out"
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(json.dumps(MODEL))
    write(folder, {})
    return folder


def write(folder, changes):
    """A weights file; changes: {name: function that makes it in the file in its own way}."""
    with h5py.File(folder / "model.weights.h5", "w") as file:
        for name, shape in SHAPES.items():
            changes.get(name, lambda file, name, shape=shape: file.create_dataset(name, data=np.ones(shape, "f4")))(
                file, name
            )


def sample(out, *arguments):
    words = [sys.executable, "-c", SAMPLE, "--runs-dir", out.parent.parent, "--run", out.parent.name, "--length", "20"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run([*words, *arguments], capture_output=True, text=True, timeout=60, env=environment)


def assert_told(done, *words):
    assert done.returncode == 3 and "Traceback" not in done.stderr, done.stderr
    assert done.stderr.startswith("sample.sh: ") and done.stderr.count("\n") == 1 and done.stdout == ""
    assert all(word in done.stderr for word in words), done.stderr


def test_as_it_is_it_writes(out):
    done = sample(out)
    assert done.returncode == 0 and len(done.stdout) == 21, done.stderr


HUGE = (1 << 40, 1 << 40)
ODD = {
    "of a size that nobody has": lambda file, name: file.create_dataset(name, HUGE, "f4", chunks=(1024, 1024)),
    "whose size wraps round to nothing": lambda file, name: file.create_dataset(
        name, (1 << 33, 1 << 31), "f4", chunks=(8, 8)
    ),
    "never written": lambda file, name: file.create_dataset(name, (1 << 20, 4 << 20), "f4", chunks=(1024, 1024)),
    "of texts": lambda file, name: file.create_dataset(name, data=["a", "b"]),
    "of objects": lambda file, name: file.create_dataset(name, (4, 16), h5py.vlen_dtype(np.dtype("f4"))),
    "that is a folder": lambda file, name: file.create_group(name),
    "without a shape": lambda file, name: file.create_dataset(name, data=h5py.Empty("f4")),
    "in another file": lambda file, name: file.__setitem__(name, h5py.ExternalLink("/etc/passwd", "/x")),
    "in a raw file": lambda file, name: file.create_dataset(name, (4, 16), "f4", external=[("/etc/passwd", 0, 256)]),
    "behind a link to itself": lambda file, name: file.__setitem__(name, h5py.SoftLink(f"/{name}")),
    "not there": lambda _file, _name: None,
}


@pytest.mark.parametrize("odd", ODD)
def test_an_array_is_told(out, odd):
    write(out, {RECURRENT: ODD[odd]})
    assert_told(sample(out), "model.weights.h5")


@pytest.mark.parametrize(
    "size", [{"units": 1 << 22}, {"layers": 1 << 40}, {"units": "4"}, {"layers": 1.0}, {"embedding": -3}]
)
def test_a_description_that_promises_the_moon_is_told(out, size):
    changed = MODEL | {"parameters": MODEL["parameters"] | size}
    (out / "model.json").write_text(json.dumps(changed))
    write(out, {RECURRENT: ODD["never written"]})
    assert_told(sample(out))


@pytest.mark.parametrize(
    "model",
    [
        5,
        [],
        None,
        {"vocabulary": [1, 2, 3, 4, 5]},
        {"vocabulary": "abcde"},
        {"parameters": []},
        {"opening": 7},
        {"opening": [True]},
    ],
    ids=str,
)
def test_a_description_of_wrong_types_is_told(out, model):
    (out / "model.json").write_text(json.dumps(MODEL | model if isinstance(model, dict) else model))
    assert_told(sample(out), "model.json")


def test_a_description_without_end_is_told(out):
    (out / "model.json").write_text("[" * 200_000)
    assert_told(sample(out), "model.json")
    with (out / "model.json").open("w") as file:
        file.truncate(4 << 30)  # a hole
    assert_told(sample(out), "model.json")


def test_people_of_wrong_types_are_nobody(out):
    (out / "model.json").write_text(json.dumps(MODEL | {"people": [1, None], "channels": 7}))
    assert_told(sample(out, "--as", "alice"), "learnt no conversations")
    assert_told(sample(out, "--in", "general"), "learnt no conversations")


def test_whatever_byte_is_changed_it_is_read_or_told(out):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", MUTATE, out, "300"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, env=environment)
    assert done.stdout == "all told\n", done.stderr
