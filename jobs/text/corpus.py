"""Texts of any size as arrays of symbol numbers: counted, encoded, cut into learnt and held out.

A text is an iterable of str pieces that can be walked again and again; a vocabulary is a list of distinct characters;
the encoded text is a memory-mapped file, so that a gigabyte of it needs no gigabyte of memory.
"""

import tempfile
from dataclasses import dataclass

import numpy as np

from jobs.parameters import BadInput

UNKNOWN = "\ufffd"  # stands for every character too rare to be learnt; a sample never has it
CODE_POINTS = 0x110000


def vocabulary(text, at_least):
    """The characters that occur at_least times, sorted; then UNKNOWN, if any character occurs but is rarer."""
    counts = np.zeros(CODE_POINTS, np.int64)
    for piece in text:
        counts += np.bincount(_code_points(piece), minlength=CODE_POINTS)
    counts[ord(UNKNOWN)] = 0
    frequent = [chr(point) for point in np.flatnonzero(counts >= at_least)]
    return frequent + [UNKNOWN] * bool(np.any((counts > 0) & (counts < at_least)))


def encode(text, characters):
    """The text as numbers of its vocabulary: a read-only memory-mapped array (length,) of uint8 or larger.

    Characters outside the vocabulary become its last entry, UNKNOWN.
    """
    kind = kind_for(characters)
    numbers = np.full(CODE_POINTS, max(0, len(characters) - 1), kind)
    numbers[[ord(character) for character in characters]] = np.arange(len(characters), dtype=kind)
    return on_disk((numbers[_code_points(piece)] for piece in text), kind)


def kind_for(vocabulary):
    """The smallest type of numbers for the entries of a vocabulary."""
    return np.min_scalar_type(max(0, len(vocabulary) - 1))


def on_disk(arrays, kind):
    """Arrays one after the other as one that is memory-mapped, read-only: it takes no memory."""
    with tempfile.TemporaryFile() as file:  # has no name: gone with the process, even a killed one
        for array in arrays:
            array.tofile(file)
        return np.memmap(file, kind, "r") if file.tell() else np.zeros(0, kind)


@dataclass(frozen=True)
class Split:
    """A text in three parts, in order: what is learnt, what the epoch is chosen by, what is only tested on, once."""

    known: np.ndarray  # the first two
    validation_length: int
    held_out: np.ndarray

    @property
    def learnt(self):
        return self.known[: -self.validation_length]

    @property
    def validation(self):
        return self.known[-self.validation_length :]


def split(numbers, held_out, lengths=()):
    """The Split of an encoded text; held_out: the share of each of the last two parts. Raises BadInput.

    lengths: of several texts one after the other, each of which has its share in every part.
    """
    cuts = shares(lengths or [len(numbers)], held_out)
    chosen_by = int(cuts[:, 1].sum())
    if len(cuts) == 1:
        return Split(numbers[:-chosen_by], chosen_by, numbers[-chosen_by:])
    parts = np.split(numbers, np.cumsum(cuts)[:-1])
    known = on_disk([*parts[0::3], *parts[1::3]], numbers.dtype)
    return Split(known, chosen_by, on_disk(parts[2::3], numbers.dtype))


def shares(lengths, held_out):
    """How many symbols of each text are learnt, choose the epoch, are held out: (texts, 3) ints. Raises BadInput.

    One of several that is too short to be cut is learnt whole.
    """
    whole = np.asarray(lengths, np.int64)
    share = np.round(whole * held_out).astype(np.int64)
    share[share >= whole - 2 * share] = 0
    cuts = np.stack([whole - 2 * share, share, share], axis=1)
    if not cuts.sum(0).all():
        raise BadInput(f"The text is too short: expected thousands of symbols, got {whole.sum():,}.")
    return cuts


def _code_points(piece):
    """The Unicode numbers of a str, an array (length,) of uint32; halves of surrogate pairs pass as they are."""
    return np.frombuffer(piece.encode("utf-32-le", "surrogatepass"), np.uint32)
