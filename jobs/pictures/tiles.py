"""A network's answer for a picture of any size: tiles that overlap, blended so that no seam shows."""

import numpy as np

OVERLAP = 0.25  # of a tile's side, with each neighbour
ROWS = 8  # tiles that are read at once


def shares(predict, pixels, tile, classes):
    """Each pixel's probability of each class: (height, width, classes) of float32.

    predict: (rows, tile, tile, channels) -> (rows, tile, tile, classes) of logits. pixels: standardised, (height,
    width, channels). A picture smaller than a tile is mirrored at its edges.
    """
    height, width = pixels.shape[:2]
    padded = np.pad(pixels, ((0, max(0, tile - height)), (0, max(0, tile - width)), (0, 0)), "symmetric")
    total = np.zeros((*padded.shape[:2], classes), np.float32)
    weights = np.zeros((*padded.shape[:2], 1), np.float32)
    weight = _weight(tile)
    corners = [(top, left) for top in starts(padded.shape[0], tile) for left in starts(padded.shape[1], tile)]
    for first in range(0, len(corners), ROWS):
        places = [np.s_[top : top + tile, left : left + tile] for top, left in corners[first : first + ROWS]]
        rows = np.stack([padded[place] for place in places])
        if len(corners) > ROWS:  # always as many, so that the network is compiled once
            rows = np.resize(rows, (ROWS, *rows.shape[1:]))
        for place, answer in zip(places, _softmax(predict(rows)), strict=False):
            total[place] += answer * weight
            weights[place] += weight
    return (total / weights)[:height, :width]


def starts(length, tile):
    """Where tiles begin along a side of that length: evenly, the last one ends with it, overlapping by a quarter."""
    count = 1 + int(np.ceil((length - tile) / (tile * (1 - OVERLAP))))
    return np.linspace(0, length - tile, count).round().astype(int).tolist()


def _weight(tile):
    """How much a tile's answer counts, (tile, tile, 1): all in the middle, next to nothing at the edges."""
    from_edge = np.minimum(np.arange(tile), np.arange(tile)[::-1]) + 0.5
    ramp = np.minimum(1, from_edge / (tile * OVERLAP)).astype(np.float32)
    ramp = ramp * ramp * (3 - 2 * ramp)  # smooth where it begins and ends
    return np.outer(ramp, ramp)[..., None] + np.float32(1e-6)


def _softmax(logits):
    raised = np.exp(logits - logits.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)
