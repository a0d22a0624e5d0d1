"""The first pass over a set of pictures and masks: is every file usable, and what are they like?

Reads each file once, several at a time, keeps a few numbers of each. Imports no TensorFlow: it also runs on the user's
machine, before anything is rented.
"""

import hashlib
import os
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from jobs.parameters import BadInput
from jobs.pictures import image_pairs, images, mask_encoding, masks
from jobs.pictures.image_pairs import Pair

NAMED = 3  # of the files with one problem, so many are named


@dataclass(frozen=True)
class Look:
    """What is known of one pair."""

    pair: Pair
    width: int
    height: int
    channels: int
    digest: str  # of the picture's pixels
    sums: np.ndarray  # (2, channels): the means of brightness and of its square
    counts: mask_encoding.Counts


@dataclass(frozen=True)
class Survey:
    """A usable set."""

    looks: tuple
    encoding: masks.Encoding
    class_pixels: np.ndarray  # (pairs, classes)


def take(folder, classes=0, ignored=-1, foreground=False, skip_bad=False):
    """The Survey of a folder. Raises BadInput with every kind of problem, counted, and the first files that have it.

    classes, ignored, foreground: as in mask_encoding.discover. skip_bad: leave out what has problems.
    """
    pairs, problems = image_pairs.find(folder)
    looks = []
    with ThreadPoolExecutor(min(8, 2 * (os.cpu_count() or 1))) as readers:
        for pair, seen in zip(pairs, readers.map(look, pairs), strict=True):
            if isinstance(seen, Look):
                looks.append(seen)
            else:
                problem, detail = seen
                problems.setdefault(problem, []).append(f"{pair.name}{detail and f' ({detail})'}")
    if not pairs:
        raise BadInput(f"No picture with a mask in {folder}. {_expected(problems)}")
    encoding = mask_encoding.discover([seen.counts for seen in looks], classes, ignored, foreground) if looks else None
    usable = _alike(_known(looks, encoding, problems), problems)
    if problems and not (skip_bad and len(usable) > 1):
        raise BadInput(f"{in_words(folder, len(usable), problems)}. Mend them, or set skip_bad=true.")
    if problems:
        print(f"Left out: {in_words(folder, len(usable), problems)}.", flush=True)
    if len(usable) < 2:
        raise BadInput(f"Expected two pictures with masks at least in {folder}, got {len(usable)}.")
    pixels = np.stack([mask_encoding.class_pixels(seen.counts, encoding) for seen in usable])
    return Survey(tuple(usable), encoding, pixels)


def look(pair):
    """A Look at one pair, or (problem, detail)."""
    try:
        picture = images.read(pair.image)
    except images.Unreadable as wrong:
        return "unreadable image", _reason(wrong)
    try:
        mask = masks.read(pair.mask)
    except images.Unreadable as wrong:
        return "unreadable mask", f"{pair.mask.name}: {_reason(wrong)}"
    (height, width, channels), (mask_height, mask_width) = picture.shape, mask.codes.shape
    if (height, width) != (mask_height, mask_width):
        return "size that differs from its mask's", f"{width} x {height}, the mask {mask_width} x {mask_height}"
    values = images.brightness(picture).reshape(-1, channels)
    if not np.isfinite(values).all():
        return "image with values that are no numbers", ""
    sums = np.stack([values.mean(0, dtype=np.float64), np.square(values).mean(0, dtype=np.float64)])
    digest = hashlib.sha256(f"{picture.shape} {picture.dtype}".encode() + picture.tobytes()).hexdigest()
    return Look(pair, width, height, channels, digest, sums, mask_encoding.count(mask))


def in_words(folder, usable, problems):
    """One line: how many pairs are usable, and of each problem how many there are, and which."""
    told = []
    for problem, names in problems.items():
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        told.append(f"{len(names)} x {problem}: {', '.join(names[:NAMED])}{more}")
    return f"{usable} pairs in {folder} can be used; {'; '.join(told)}"


def _known(looks, encoding, problems):
    """The looks at masks with known classes only; the others become problems."""
    usable, found = [], defaultdict(list)
    for seen in looks:
        if unknown := mask_encoding.unknown_codes(seen.counts, encoding):
            known = masks.shown(encoding.codes, encoding.kind)
            found[f"mask with a class out of range ({known})"].append(f"{seen.pair.mask.name} has {unknown}")
        else:
            usable.append(seen)
    problems.update(found)
    return usable


def _alike(looks, problems):
    """The looks at pictures with as many channels as most have; grey is a colour, too. The others become problems."""
    kinds = Counter(3 if seen.channels == 1 else seen.channels for seen in looks)
    most = max(kinds, key=kinds.get, default=3)

    def is_other(seen):
        return seen.channels != most and (seen.channels, most) != (1, 3)

    if others := [f"{seen.pair.name} ({seen.channels}, others {most})" for seen in filter(is_other, looks)]:
        problems["image with another number of channels"] = others
    return [seen for seen in looks if not is_other(seen)]


def _reason(wrong):
    return str(wrong).partition("can't be read: ")[2].rstrip(".") or str(wrong)


def _expected(problems):
    lone = sum(len(names) for names in problems.values())
    found = f"{lone} pictures are there, none of which has the name of another" if lone else "There are no pictures"
    return f"{found}: expected images/NAME.png and masks/NAME.png, or NAME.png and NAME_mask.png."
