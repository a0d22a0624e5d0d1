"""A tiny text, and a tiny network trained on it once for all tests."""

import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

TINY = {
    "epochs": 3,
    "refit": 0.33,
    "batch": 4,
    "timesteps": 10,
    "units": 12,
    "embedding": 5,
    "layers": 1,
    "sample_length": 40,
}


@pytest.fixture(autouse=True)
def full_precision():
    """Keras' precision is global: what a test chose is not the next one's."""
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].mixed_precision.set_dtype_policy("float32")


@pytest.fixture(scope="session")
def tiny_text(tmp_path_factory):
    """A file of 2,400 characters, 18 different."""
    path = tmp_path_factory.mktemp("text") / "tiny.txt"
    path.write_text("The cat sat on the mat.\nA dog ran.\nNo cat saw it. \n" * 47, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_parameters(tiny_text):
    from jobs.lstm_aiw import Parameters

    return Parameters(text=str(tiny_text), **TINY)


@pytest.fixture(scope="session")
def tiny_run(tiny_parameters, tmp_path_factory):
    """The folder of a finished run, as it looks at home: runs/ID, its results in runs/ID/out."""
    from jobs.lstm_aiw import train

    run = tmp_path_factory.mktemp("runs") / "lstm_aiw-20261122-010203-beef"
    (run / "out").mkdir(parents=True)
    train(tiny_parameters, run / "out")
    return run


@pytest.fixture(scope="session")
def checkout():
    return Path(__file__).resolve().parents[2]
