"""Finds out what the codes of a set of masks mean, from which of them occur in which file."""

import itertools
from collections import Counter
from dataclasses import dataclass

import numpy as np

from jobs.parameters import BadInput
from jobs.pictures import masks, numbered_objects, soft_edges
from jobs.pictures.masks import Encoding

LEVEL = 0.005  # share of all pixels from which on a code can't be noise
SOFT_CODES = 64  # more codes than that between a few levels are edges that were smoothed
APART = 32  # two levels of grey, or the three of a colour together, are at least so far apart
STRAY = 16  # pixels: a class that has fewer in one mask, and none in others, could neither be learnt nor tested
VOID = 255  # the custom is to number what is not to be scored so
ALONE = 4  # times the largest gap between class numbers: what is as far above them is none of them


@dataclass(frozen=True)
class Counts:
    """How often each code occurs in one mask."""

    kind: str
    palette: dict
    lossy: bool
    pixels: dict  # {code: how many}
    compact: int = 0  # codes that look like one object each
    filled: tuple = ()  # grey levels that fill a square somewhere, as no soft edge does


def count(coded):
    """The Counts of a mask that was read."""
    codes = masks.distinct(coded.codes)
    pixels = np.bincount(np.searchsorted(codes, coded.codes).ravel())
    counted = dict(zip(codes.tolist(), pixels.tolist(), strict=True))
    compact = numbered_objects.compact(codes, coded.codes)
    filled = soft_edges.filled(codes, coded.codes) if coded.kind == "grey" else ()
    return Counts(coded.kind, coded.palette, coded.lossy, counted, compact, filled)


def discover(counts, classes=0, ignored=-1, foreground=False):
    """The Encoding of masks with these Counts. Raises BadInput for what can't be one set of masks.

    classes: how many there are; 0: as many as codes occur. ignored: the code that isn't scored; -1: 255 where it stands
    beside small numbers. foreground: everything but 0 is one class.
    """
    kind = _kind(counts)
    each = [in_kind(one, kind) for one in counts]
    total = sum((Counter(one) for one in each), Counter())
    numbered = kind == "grey" and not classes and numbered_objects.are_numbered(each, [one.compact for one in counts])
    if foreground or numbered:
        return Encoding(kind, (0, 1), objects=True)
    levels = _levels(total, kind)
    if any(one.lossy for one in counts) or _is_soft(total, levels):
        return _sized(Encoding(kind, tuple(levels), nearest=True), classes)
    void = _void(total, ignored) if kind == "grey" else None
    if kind == "grey" and void is None and (smoothed := soft_edges.levels(total, [one.filled for one in counts])):
        return _sized(Encoding(kind, smoothed, nearest=True), classes)
    found = [code for code, _pixels in total.most_common() if code != void and (classes or not _is_stray(code, each))]
    if classes and kind == "grey" and (max(found) < classes or sum(code < classes for code in found) > 1):
        codes = range(classes)  # numbers, of which some may not occur, and those out of range are wrong
    else:
        codes = sorted(found[:classes] if classes else found)
    return _sized(Encoding(kind, tuple(codes), void), classes)


def in_kind(one, kind):
    """{code: pixels} of a mask's Counts, as a set of that kind has them."""
    if kind != "colour" or one.kind == "colour":
        return (
            {code & 0xFF: pixels for code, pixels in one.pixels.items()} if one.kind == "colour" != kind else one.pixels
        )
    if one.kind == "palette":
        return _summed((one.palette[code], pixels) for code, pixels in one.pixels.items())
    return {code * masks.GREY_TO_COLOUR: pixels for code, pixels in one.pixels.items()}


def class_pixels(one, encoding):
    """How many pixels of each class a mask with these Counts has: (classes,). Unknown codes are not counted."""
    found = np.zeros(encoding.classes, np.int64)
    for code, pixels in in_kind(one, encoding.kind).items():
        if encoding.objects:
            found[int(code > 0)] += pixels
        elif code in encoding.codes:
            found[encoding.codes.index(code)] += pixels
        elif encoding.nearest:
            found[masks.nearest(np.array([code]), encoding)[0]] += pixels
    return found


def unknown_codes(one, encoding):
    """The codes of a mask that stand for no class, in words; "" if there are none."""
    if encoding.objects or encoding.nearest:
        return ""
    unknown = sorted(in_kind(one, encoding.kind).keys() - {*encoding.codes, encoding.ignored})
    return masks.shown(unknown, encoding.kind)


def _kind(counts):
    """What all masks together are. Palettes that give one index two colours were made file by file: colours count."""
    kinds = {one.kind for one in counts}
    if "hot" in kinds and len(kinds) > 1:
        raise BadInput("Expected all masks to have a page for each class, or none: some have several pages, some one.")
    if "hot" in kinds:
        return "hot"
    grey = all(code in _GREYS for one in counts if one.kind == "colour" for code in one.pixels)
    palettes = [item for one in counts for item in one.palette.items()]
    agree = len(set(palettes)) == len({index for index, _colour in palettes})
    return "grey" if grey and agree else "colour"


_GREYS = frozenset(range(0, 0x1000000, masks.GREY_TO_COLOUR))


def _summed(items):
    total = Counter()
    for code, pixels in items:
        total[code] += pixels
    return total


def _levels(total, kind):
    """The codes that were meant, if the others are noise: the commonest ones that are well apart, sorted."""
    everything, levels = sum(total.values()), []
    for code, pixels in total.most_common():
        if pixels < LEVEL * everything and len(levels) > 1:
            break
        if all(masks.distance(code, level, kind) > APART for level in levels):
            levels.append(code)
    return sorted(levels)


def _is_soft(total, levels):
    """Are there so many codes beside a few levels, up to the highest, that edges must have been smoothed?"""
    return len(total) > SOFT_CODES and len(total) > 5 * len(levels) + 8 and max(levels) > max(total) - APART


def _void(total, ignored):
    """The code of what is not scored, or None."""
    if ignored >= 0:
        return ignored
    others = sorted(code for code in total if code != VOID)
    if VOID not in total or len(others) < 2:
        return None
    apart = max(high - low for low, high in itertools.pairwise(others))
    return VOID if max(others) <= 2 * len(others) or VOID - max(others) > ALONE * apart else None


def _is_stray(code, each):
    """Is that code a slip of the brush: a few pixels of one mask alone, and no number that follows another?"""
    having = [one[code] for one in each if code in one]
    return len(each) > 2 and len(having) == 1 and having[0] < STRAY and not any(code - 1 in one for one in each)


def _sized(encoding, classes):
    """The encoding, if the number of its classes is one that can be. Raises BadInput."""
    found = masks.shown(encoding.codes, encoding.kind)
    if encoding.classes < 2:
        raise BadInput(f"Expected two classes at least in the masks, got {found or 'none'} everywhere.")
    if encoding.classes > masks.MOST_CLASSES:
        raise BadInput(
            f"Expected at most {masks.MOST_CLASSES} classes, got {encoding.classes}: {found}. Do the masks number "
            "single objects? Then set foreground=true."
        )
    if classes and encoding.nearest and encoding.classes > classes:
        raise BadInput(f"Expected {classes} classes, as `classes` says, got {encoding.classes} in the masks: {found}.")
    return encoding
