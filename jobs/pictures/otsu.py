"""What can be had without learning: Otsu's threshold between dark and bright, or the commonest class everywhere.

N. Otsu, A threshold selection method from gray-level histograms, 1979.
"""

import numpy as np

from jobs.pictures import images, preparation
from jobs.pictures.segmentation_metrics import confusion

LEVELS = 256
LEARNT = 64  # pictures that are enough to tell which class is the bright one


def threshold(grey):
    """The level, 0 to 255, above which grey pixels (uint8, any shape) are bright: the variance between is greatest."""
    counts = np.bincount(grey.ravel(), minlength=LEVELS).astype(float)
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * np.arange(LEVELS))
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * np.square(sums / below - (sums[-1] - sums) / above)
    return int(np.nan_to_num(between, nan=0).argmax())


def matrix(learnt, held_out, encoding):
    """The confusion matrix of a threshold for each held-out picture, two classes; the learnt tell which is bright.

    learnt, held_out: jobs.pictures.image_survey.Look.
    """
    known = sum(_confusion(look, encoding) for look in learnt[:: -(-len(learnt) // LEARNT)])
    found = sum(_confusion(look, encoding) for look in held_out)
    return found if np.trace(known) >= np.trace(known[:, ::-1]) else found[:, ::-1]


def commonest(class_pixels):
    """The confusion matrix of always saying the class that the learnt pictures have most of.

    class_pixels: (2, classes): how many pixels of each class are learnt, and how many are held out.
    """
    found = np.zeros((len(class_pixels[1]),) * 2, np.int64)
    found[:, class_pixels[0].argmax()] = class_pixels[1]
    return found


def _confusion(look, encoding):
    pixels = images.brightness(images.read(look.pair.image)).mean(-1)
    lowest, highest = pixels.min(), pixels.max()
    grey = np.uint8((pixels - lowest) / max(highest - lowest, 1e-9) * (LEVELS - 1))
    return confusion(preparation.whole_mask(look.pair.mask, encoding), np.uint8(grey > threshold(grey)), 2)
