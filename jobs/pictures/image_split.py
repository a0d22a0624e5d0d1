"""Which pictures are learnt from and which are not: the same every time, and no group of pictures on both sides.

A group is what belongs together: pictures of one folder or one patient, and always those that are the same picture.
"""

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

from jobs.parameters import BadInput

TRIES = 32  # splits of which the one is taken whose classes are spread most evenly
LARGEST_GROUP = 0.5  # share of the set: names with a larger one tell nothing


@dataclass(frozen=True)
class Parts:
    """Positions of the pictures, in order."""

    learnt: tuple
    watched: tuple  # tested on after each epoch
    held_out: tuple  # tested on once, at the end
    by: str  # what the groups are, in words


def split(pairs, digests, class_pixels, share, by):
    """Parts of a set. Raises BadInput for fewer than two groups.

    pairs: image_pairs.Pair. digests: of each picture's pixels. class_pixels: (pictures, classes), in its masks.
    share: of the pictures that are held out. by: "folder", "prefix", "image", or "auto": whichever makes groups.
    Folders named train, validation, test are such parts already.
    """
    named = [pair.part for pair in pairs]
    if "learnt" in named and ("held out" in named or "watched" in named):
        return _as_named(named, digests)
    by, groups = _groups(pairs, by)
    groups = _joined(groups, digests)
    if len(set(groups)) < 2:
        raise BadInput(f"Expected pictures of two groups at least, got {len(pairs)} of one (by {by}): set group=image.")
    held_out = _held_out(groups, np.asarray(class_pixels, float), share)
    learnt = tuple(position for position, group in enumerate(groups) if group not in held_out)
    tested = tuple(position for position, group in enumerate(groups) if group in held_out)
    return Parts(learnt, tested, tested, by)


def _as_named(named, digests):
    """The parts that folders name; of a picture that is in several, only what is tested on stays."""
    positions = {part: [at for at, name in enumerate(named) if name == part] for part in set(named)}
    watched = positions.get("watched") or positions.get("held out")
    held_out = positions.get("held out") or watched
    tested = {digests[position] for position in watched + held_out}
    learnt = [position for position in positions["learnt"] if digests[position] not in tested]
    if not learnt:
        raise BadInput("Every picture to be learnt from is one to be tested on as well: expected different ones.")
    return Parts(tuple(learnt), tuple(watched), tuple(held_out), "folders named train, validation, test")


def _groups(pairs, by):
    """(what was chosen, the group of each picture)."""
    images = [pair.name for pair in pairs]
    choices = {"folder": [pair.folder for pair in pairs], "prefix": [f"{pair.folder} {pair.prefix}" for pair in pairs]}
    if by in choices:
        return by, choices[by]
    if by == "auto":
        for name, groups in choices.items():
            sizes = Counter(groups).values()
            enough = len(sizes) >= (3 if name == "folder" else 5)
            if enough and max(sizes) <= LARGEST_GROUP * len(pairs) and len(sizes) <= len(pairs) / 2:
                return name, groups
    return "image", images


def _joined(groups, digests):
    """The groups, those made one that have the same picture in them."""
    parent = {group: group for group in groups}

    def root(group):
        while parent[group] != group:
            group = parent[group]
        return group

    first = {}
    for group, digest in zip(groups, digests, strict=True):
        parent[root(group)] = root(first.setdefault(digest, group))
    return [root(group) for group in groups]


def _held_out(groups, class_pixels, share):
    """The set of groups to hold out: in an order that only their names tell, until the share is reached."""
    sizes, pixels = Counter(groups), defaultdict(lambda: np.zeros(class_pixels.shape[1]))
    for group, row in zip(groups, class_pixels, strict=True):
        pixels[group] += row
    tries = [_first_groups(sizes, share * len(groups), salt) for salt in range(TRIES)]
    return min(tries, key=lambda held_out: _unevenness(held_out, pixels, share))


def _first_groups(sizes, wanted, salt):
    ordered = sorted(sizes, key=lambda group: hashlib.sha256(f"{salt} {group}".encode()).digest())
    taken, count = set(), 0
    for group in ordered[:-1]:  # one is left to learn from
        if taken and count + sizes[group] / 2 > wanted:
            break
        taken.add(group)
        count += sizes[group]
    return taken


def _unevenness(held_out, pixels, share):
    """How far the classes' shares that are held out are from the share wanted, as sum of logarithms of ratios."""
    total = sum(pixels.values())
    here = sum(pixels[group] for group in held_out)
    shares = (here + 1) / (total + 2)
    return float(np.abs(np.log(shares / share)[total > 0]).sum())
