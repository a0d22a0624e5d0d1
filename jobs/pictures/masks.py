"""Masks as class numbers, however they were written: palette, grey, colours, or a page or channel for each class.

A mask file is read as codes: grey values, palette indices, colours as 0xRRGGBB, or one more than the page that is set.
What the codes of a whole set mean is its Encoding, found by discover() from the codes that occur in it.
"""

from dataclasses import dataclass

import numpy as np
from PIL import ImageSequence

from jobs.parameters import BadInput
from jobs.pictures import images
from jobs.pictures.segmentation_loss import IGNORED

MOST_CLASSES = 254
GREY_TO_COLOUR = 0x010101


class UnknownCode(BadInput):
    """A mask has codes that stand for no class."""


@dataclass(frozen=True)
class Coded:
    """One mask file as it was read."""

    codes: np.ndarray  # (height, width) of int32
    kind: str  # "grey", "palette", "colour" or "hot"
    palette: dict  # the colour of each index that occurs; empty but for "palette"
    lossy: bool = False  # JPEG: codes are near what was meant


@dataclass(frozen=True)
class Encoding:
    """What the codes of a set of masks mean."""

    kind: str  # "grey" (palette indices too), "colour" or "hot"
    codes: tuple  # of class 0, 1, 2, ...
    ignored: int | None = None  # the code of what is neither learnt nor scored
    nearest: bool = False  # any other code means the nearest: compression noise, soft edges
    objects: bool = False  # codes number single objects: all but 0 are class 1

    @property
    def classes(self):
        """How many there are."""
        return len(self.codes)


def read(path):
    """A mask file as codes. Raises images.Unreadable."""
    with images.opened(path) as file:
        if images.has_pages(file):
            pages = np.stack([np.asarray(page) != 0 for page in ImageSequence.Iterator(file)], -1)
            return Coded(_hot(pages, path), "hot", {})
        lossy = file.format in ("JPEG", "MPO")
        if file.mode == "P":
            indices = np.asarray(file).astype(np.int32)
            return Coded(indices, "palette", _palette(file, indices))
        if file.mode in ("1", "L", "I;16", "I;16B", "I;16L", "I", "F"):
            return Coded(np.asarray(file).astype(np.int32), "grey", {}, lossy)
        if file.mode in ("LA", "La"):
            return Coded(np.asarray(file)[..., 0].astype(np.int32), "grey", {})
        return _colours(file, path, lossy)


def decode(coded, encoding):
    """Class numbers, (height, width) of uint8, with IGNORED where nothing is to be learnt. Raises UnknownCode."""
    codes = as_kind(coded, encoding.kind)
    if encoding.objects:
        return (codes > 0).astype(np.uint8)
    present = distinct(codes)
    classes = np.full(len(present), -1)
    for number, code in enumerate(encoding.codes):
        classes[present == code] = number
    if encoding.ignored is not None:
        classes[present == encoding.ignored] = IGNORED
    unknown = classes < 0
    if unknown.any() and not encoding.nearest:
        here, known = (shown(codes, encoding.kind) for codes in (present[unknown], encoding.codes))
        raise UnknownCode(f"has {here} where {known} are known")
    classes[unknown] = nearest(present[unknown], encoding)
    return classes.astype(np.uint8)[np.searchsorted(present, codes)]


def distinct(codes):
    """The codes that occur in an array, sorted."""
    few = codes.min() >= 0 and codes.max() < 1 << 16  # counting is quicker than sorting
    return np.flatnonzero(np.bincount(codes.ravel())) if few else np.unique(codes)


def as_kind(coded, kind):
    """The codes of a mask as those of a set of that kind: (height, width) of ints."""
    codes = coded.codes
    if kind == "colour" and coded.kind == "palette":
        table = np.zeros(256, np.int32)
        table[list(coded.palette)] = list(coded.palette.values())
        return table[codes]
    if kind == "colour" and coded.kind == "grey":
        return codes * GREY_TO_COLOUR
    if kind == "grey" and coded.kind == "colour":
        return codes & 0xFF
    return codes


def shown(codes, kind, most=6):
    """Codes as people write them: "0, 1, 2" or "#ff0000, #00ff00"."""
    words = [f"#{code:06x}" if kind == "colour" else str(code - (kind == "hot")) for code in codes]
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")


def nearest(codes, encoding):
    """The class whose code is nearest to each of these codes (count,), by brightness or by colour."""
    far = [distance(codes, code, encoding.kind) for code in encoding.codes]
    return np.argmin(far, axis=0)


def distance(codes, code, kind):
    """How far codes are from another: the difference of greys, or of red, green and blue together."""
    return np.abs(_coordinates(np.asarray(codes), kind) - _coordinates(np.asarray(code), kind)).sum(-1)


def _coordinates(codes, kind):
    codes = codes.astype(np.int64)
    return np.stack([codes >> 16, codes >> 8 & 0xFF, codes & 0xFF], -1) if kind == "colour" else codes[..., None]


def _palette(file, indices):
    """{index that occurs: its colour}."""
    table = np.array(file.getpalette("RGB"), np.int64).reshape(-1, 3) @ (1 << 16, 1 << 8, 1)
    used = np.flatnonzero(np.bincount(indices.ravel()))
    return {int(index): int(table[index]) for index in used if index < len(table)}


def _colours(file, path, lossy):
    """Of a file with channels: colours, or a class for each channel if transparency is one of them."""
    pixels = np.asarray(file if file.mode in ("RGB", "RGBA") else file.convert("RGB"))
    if pixels.shape[-1] == 4 and len(np.unique(pixels[..., 3])) > 1 and ((pixels > 0).sum(-1) <= 1).all():
        return Coded(_hot(pixels > 0, path), "hot", {})
    red, green, blue = (pixels[..., channel].astype(np.int32) for channel in range(3))
    return Coded(red << 16 | green << 8 | blue, "colour", {}, lossy)


def _hot(pages, path):
    """(height, width, classes) of bool -> the number of the class that is set, from 1; 0: none is."""
    if (pages.sum(-1) > 1).any():
        raise images.Unreadable(f"{path.name} sets several classes at once in {(pages.sum(-1) > 1).sum()} pixels")
    return (pages.argmax(-1) + pages.any(-1)).astype(np.int32)


def write(path, classes, encoding, palette):
    """Write class numbers (height, width) as a PNG with the codes that the masks learnt from have.

    palette: (classes, 3) of uint8, how a viewer shows them where the codes themselves are no colours.
    """
    codes = np.array((0, 255) if encoding.objects else encoding.codes)
    if encoding.kind == "hot":
        codes = np.arange(len(codes))
    if encoding.kind == "colour":
        images.write_png(path, np.stack([codes >> 16, codes >> 8 & 0xFF, codes & 0xFF], -1).astype(np.uint8)[classes])
    elif codes.max() > 0xFF:
        images.write_png(path, codes.astype(np.uint16)[classes])
    else:
        colours = np.zeros((256, 3), np.uint8)
        colours[codes] = palette
        images.write_png(path, codes.astype(np.uint8)[classes], colours)
