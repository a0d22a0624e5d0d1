"""What a finished epoch leaves for others to use: weights in HDF5, and in JSON all one must know to read them."""

import dataclasses
import os
import platform
import tempfile
from pathlib import Path

from jobs import atomic

WEIGHTS = "model.weights.h5"


def write(out, job, params, model, **facts):
    """Write model.weights.h5 (Keras 3's format, no pickle) and model.json.

    job: its name. facts: what a reader of the weights needs besides the parameters (vocabulary, metrics, ...).
    """
    with tempfile.TemporaryDirectory() as folder:  # not in out: HDF5 brings the process down when that disk is full
        saved = Path(folder) / WEIGHTS
        model.save_weights(saved)
        atomic.write_bytes(out / saved.name, saved.read_bytes())
    description = {"job": job, "parameters": dataclasses.asdict(params), "versions": versions()}
    description |= {"machine": machine()} | facts
    atomic.write_json(out / "model.json", description, indent=1)


def versions():
    """{name: version} of what the numbers may depend on."""
    import keras
    import numpy
    import tensorflow as tf

    modules = {"keras": keras, "tensorflow": tf, "numpy": numpy}
    return {"python": platform.python_version()} | {name: module.__version__ for name, module in modules.items()}


def machine():
    """What does the sums: "Tesla T4", "2 x NVIDIA A100-SXM4-40GB", or "2 processors, x86_64"."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return f"{os.cpu_count()} processors, {platform.machine()}"
    name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    return name if len(gpus) == 1 else f"{len(gpus)} x {name}"
