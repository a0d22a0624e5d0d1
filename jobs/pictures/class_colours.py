"""Colours for classes that people with any kind of colour vision can tell apart.

The first seven are Okabe and Ito's (https://jfly.uni-koeln.de/color/); the hues of others are as far apart as can be.
"""

import colorsys

import numpy as np

FIRST = ("0072b2", "e69f00", "009e73", "cc79a7", "56b4e9", "d55e00", "f0e442")
BACKGROUND = "30343b"
GOLDEN_ANGLE = 0.381966


def colours(names):
    """A colour for each class, (classes, 3) of uint8; one whose name is background gets a dark grey."""
    found = [tuple(bytes.fromhex(code)) for code in FIRST[: len(names)]]
    for number in range(len(found), len(names)):
        hue, lightness = number * GOLDEN_ANGLE % 1, 0.35 + 0.15 * (number % 3)
        found.append(tuple(round(255 * part) for part in colorsys.hls_to_rgb(hue, lightness, 0.7)))
    if names and names[0] == "background":
        found = [tuple(bytes.fromhex(BACKGROUND)), *found[:-1]]
    return np.array(found, np.uint8)


def painted(classes, names):
    """Class numbers (height, width) as a picture (height, width, 3); what is no class is white."""
    table = np.full((256, 3), 255, np.uint8)
    table[: len(names)] = colours(names)
    return table[classes]
