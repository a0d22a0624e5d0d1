"""A trained segmentation as it came home: what model.json says of it, read with caution, and its weights."""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jobs import finished_runs, greetings, parameters, unet_segmentation
from jobs.parameters import NotFound
from jobs.pictures import segmentation_metrics, unet
from jobs.pictures.masks import Encoding
from jobs.pictures.preparation import Preparation

SIZE_LIMIT = 64 << 20  # bytes of model.json


@dataclass(frozen=True)
class Description:
    """What model.json says."""

    parameters: unet_segmentation.Parameters
    encoding: Encoding
    preparation: Preparation
    names: tuple  # of the classes


@dataclass(frozen=True)
class Segmenter:
    """A network that reads pictures."""

    description: Description
    predict: Callable  # (rows, height, width, channels) -> logits


def describe(folder):
    """The Description in a folder's model.json. Raises NotFound when that is damaged or of something else."""
    path = folder / "model.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.stat().st_size < SIZE_LIMIT else {}
        described = Description(
            parameters.parse(unet_segmentation.Parameters, found["parameters"]),
            _tuples(Encoding, found["encoding"]),
            _tuples(Preparation, found["preparation"]),
            tuple("".join(filter(str.isprintable, name)) for name in found["classes"]),
        )
    except FileNotFoundError:
        raise NotFound(f"Expected a finished run, found no {path}.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NotFound(f"{path} is damaged, or not of a segmentation.") from None
    if len(described.names) != described.encoding.classes or described.preparation.tile % 2**described.parameters.depth:
        raise NotFound(f"{path} is damaged: its classes or its sizes don't fit each other.")
    return described


def read(folder):
    """The Segmenter of a folder. Raises NotFound for a file that is missing or damaged, or not of this network."""
    described, path = describe(folder), folder / "model.weights.h5"
    if not path.exists():
        raise NotFound(f"Expected weights at {path}, found none. A run has them after its first epoch.")
    params = described.parameters
    unet.use_onednn()
    with greetings.held_back():
        model = unet.build(described.preparation.channels, described.encoding.classes, params.width, params.depth)
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError) as wrong:
        reason = str(wrong).strip().splitlines()[0]
        raise NotFound(f"{path} is damaged, or not of this network: {reason}") from None
    if not all(np.isfinite(array).all() for array in model.get_weights()):
        raise NotFound(f"{path} has weights that are no numbers: its training went astray. Name another: --run ID.")
    return Segmenter(described, model.predict_on_batch)


def classify(segmenter, picture, shape):
    """The class of each pixel, (height, width) = shape of uint8, of a picture that preparation.pixels has read."""
    described = segmenter.description
    shares = segmentation_metrics.whole_shares(
        segmenter.predict, picture, described.preparation, described.encoding.classes, shape
    )
    return shares.argmax(-1).astype("uint8")


KIND = finished_runs.Kind("a segmentation", "unet_segmentation", describe)


def _tuples(cls, values):
    """A dataclass from JSON's object: its fields, no more and no less, lists made tuples."""
    made = cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
    if any(not isinstance(value, (int, float, str, tuple, type(None))) for value in dataclasses.astuple(made)):
        raise ValueError(f"not a {cls.__name__}")
    return made
