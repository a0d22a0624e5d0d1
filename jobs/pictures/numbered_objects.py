"""Tells masks that number single objects (cell 1, cell 2, ...) from those that number classes."""

import numpy as np

OBJECTS = 8  # a mask that counts 0, 1, 2, ... further than this counts objects, if others count otherwise
EACH, MANY = 5, 16  # codes in a mask, and in all: as many are objects, if they look like it
FILLED, BOX = 0.25, 0.25  # an object fills that share of a box around it, which is less than that of the picture
COMPACT = 0.8  # share of the codes that look like an object; sky, road and grass don't


def compact(present, codes):
    """How many of the codes other than 0 look like one object each. present: the codes that occur in codes, sorted."""
    if len(present) <= EACH:
        return 0
    index = np.searchsorted(present, codes)
    rows, columns = (np.zeros((len(present), length), bool) for length in codes.shape)
    rows[index, np.arange(codes.shape[0])[:, None]] = True
    columns[index, np.arange(codes.shape[1])] = True
    boxes = _spans(rows) * _spans(columns)
    filled = np.bincount(index.ravel()) >= FILLED * boxes
    return int((filled & (boxes < BOX * codes.size) & (present != 0)).sum())


def are_numbered(codes, compact):
    """Do the masks of a set number single objects?

    codes: those that occur in each mask, a set or dict a mask. compact: the counts of compact(), one a mask.
    """
    everything = set().union(*codes)
    furthest = {max(one) for one in codes}
    gapless = sum(len(one) >= max(one) for one in codes)
    if max(furthest) > OBJECTS and gapless > 0.8 * len(codes):  # each begins anew, and ends elsewhere
        return len(furthest) > 2 or len(everything) > 256
    of_many = [(look_like_it, len(one) - (0 in one)) for look_like_it, one in zip(compact, codes, strict=True)]
    several = [both for both in of_many if both[1] >= EACH]
    usual = len(several) > len(codes) / 2 and len(everything) > MANY
    return usual and sum(one for one, _ in several) >= COMPACT * sum(every for _, every in several)


def _spans(marks):
    """How far it is from the first mark of a row to its last: (rows,). marks: (rows, length) of bool, one at least."""
    return marks.shape[1] - marks.argmax(1) - marks[:, ::-1].argmax(1)
