"""Each picture a little different every time: cut out elsewhere, larger or smaller, mirrored, turned, lit otherwise."""

import numpy as np

from jobs.pictures import images

ZOOM = 1.25  # at most so much larger or smaller
RARE = 1 / 3  # share of the cuts that are placed upon a class drawn by lot, so that small ones are seen


def cut(random, pixels, mask, tile, kind):
    """A square of `tile` pixels out of a picture (height, width, channels) and its mask (height, width).

    random: numpy's generator. kind: "none" chooses the place only, "upright" also the size and may mirror, "all" also
    turns. A smaller picture is mirrored at its edges.
    """
    side = tile if kind == "none" else _side(random, min(mask.shape), tile)
    missing = [(max(0, side - length) // 2, -(-max(0, side - length) // 2)) for length in mask.shape]
    if np.any(missing):
        pixels, mask = np.pad(pixels, (*missing, (0, 0)), "symmetric"), np.pad(mask, missing, "symmetric")
    top, left = _corner(random, mask, side)
    pixels, mask = pixels[top : top + side, left : left + side], mask[top : top + side, left : left + side]
    return _turned(random, images.resized(pixels, tile, tile), images.picked(mask, tile, tile), kind)


def light(random, pixels, spread):
    """Standardised pixels with another contrast and brightness: how different, in standard deviations of pictures."""
    contrast, brightness = random.normal(0, spread, 2)
    return pixels * np.float32(np.exp(contrast)) + np.float32(brightness)


def _side(random, shortest, tile):
    """How much of the picture the tile is to show."""
    side = round(tile * ZOOM ** random.uniform(-1, 1))
    return min(side, max(tile, shortest))


def _corner(random, mask, side):
    """Where to cut: anywhere, or around a pixel of a class drawn by lot."""
    free = mask.shape[0] - side, mask.shape[1] - side
    corner = [int(random.integers(length + 1)) for length in free]
    if max(free) and random.random() < RARE:
        present = np.flatnonzero(np.bincount(mask.ravel()))
        there = np.flatnonzero(mask == random.choice(present))
        middle = divmod(int(there[random.integers(len(there))]), mask.shape[1])
        offset = random.integers(side, size=2)
        corner = [int(np.clip(at - shift, 0, most)) for at, shift, most in zip(middle, offset, free, strict=True)]
    return corner


def _turned(random, pixels, mask, kind):
    if kind != "none" and random.random() < 0.5:
        pixels, mask = pixels[:, ::-1], mask[:, ::-1]
    if kind == "all":
        quarters = int(random.integers(4))
        pixels, mask = np.rot90(pixels, quarters), np.rot90(mask, quarters)
    return pixels, mask
