"""Tells the grey levels that were meant from those that smoothing left between them, as where masks were enlarged."""

SPAN = 128  # from the darkest level to the brightest; class numbers are closer together
MOST_LEVELS = 8  # that can be meant; among more, some may be of classes that are thin
LEAST_BETWEEN = 2  # one alone may be a class of thin lines


def filled(present, codes):
    """The codes that fill a square of 3 x 3 pixels somewhere: edges never do. present: those in codes, sorted."""
    if len(present) <= LEAST_BETWEEN or present[-1] - present[0] < SPAN:
        return ()
    middle, square = codes[1:-1, 1:-1], True
    for down in range(3):
        for right in range(3):
            square &= middle == codes[down : down + len(middle), right : right + middle.shape[1]]
    return tuple(sorted(set(middle[square].tolist())))


def levels(everything, filled_ones):
    """The levels that were meant, sorted, or () where nothing was smoothed.

    everything: all codes of a set. filled_ones: what filled() found in each of its masks.
    """
    found = sorted(set().union(*filled_ones))
    if not 2 <= len(found) <= MOST_LEVELS or found[-1] - found[0] < SPAN:
        return ()
    others = set(everything) - set(found)
    between = all(found[0] < code < found[-1] for code in others)
    return tuple(found) if between and len(others) >= LEAST_BETWEEN else ()
