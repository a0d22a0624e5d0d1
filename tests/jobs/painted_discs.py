"""Sets of pictures to learn from in seconds: discs and squares, brighter than the noise that they lie on."""

import numpy as np
from PIL import Image


def pair(random, height=64, width=64, classes=2, channels=1, shapes=4):
    """A picture (height, width, channels) of uint8 and its mask (height, width): 1 is a disc, 2 a square."""
    y, x = np.mgrid[:height, :width]
    picture, mask = random.normal(90, 15, (height, width, channels)), np.zeros((height, width), np.uint8)
    for _ in range(shapes):
        kind, size = random.integers(1, classes), random.integers(5, 14)
        from_y, from_x = y - random.integers(height), x - random.integers(width)
        there = np.hypot(from_y, from_x) < size if kind == 1 else np.maximum(abs(from_y), abs(from_x)) < size
        mask[there] = kind
        picture[there] = random.normal((150, 30)[kind - 1], 15, (there.sum(), channels))
    return np.uint8(np.clip(picture, 0, 255)), mask


def save(folder, count, spread=255, seed=0, **how):
    """Write pairs into folder/images and folder/masks, class numbers times `spread`; returns the folder."""
    random = np.random.default_rng(seed)
    for side in ("images", "masks"):
        (folder / side).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        picture, mask = pair(random, **how)
        Image.fromarray(picture.squeeze()).save(folder / "images" / f"{number:03}.png")
        Image.fromarray(mask * np.uint8(spread)).save(folder / "masks" / f"{number:03}.png")
    return folder
