"""Texts of any size as arrays of symbol numbers: read in pieces, counted, encoded, cut into learnt and held out.

A text is an iterable of str pieces that can be walked again and again; a vocabulary is a list of distinct characters;
the encoded text is a memory-mapped file, so that a gigabyte of it needs no gigabyte of memory.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jobs.parameters import BadInput

PIECE_CHARACTERS = 1 << 20
UNKNOWN = "\ufffd"  # stands for every character too rare to be learnt; a sample never has it
CODE_POINTS = 0x110000
DOS_END = "\x1a"  # how old files, Alice's among them, mark their end


@dataclass(frozen=True)
class Text:
    """The files of one text in order, and how their bytes are to be read."""

    paths: tuple[Path, ...]
    encoding: str = ""  # empty: UTF-8, or UTF-16 and UTF-32 that begin with a byte-order mark
    lower_case: bool = False

    def __iter__(self):
        """Pieces of the text, line ends as "\\n". Raises BadInput for one unreadable or in another encoding."""
        for path in self.paths:
            try:
                with path.open(encoding=self.encoding or _detect(path), newline=None) as file:
                    while piece := file.read(PIECE_CHARACTERS):
                        piece = piece.replace(DOS_END, "")
                        yield piece.lower() if self.lower_case else piece
            except UnicodeError as wrong:
                raise BadInput(f"{path} is not text in the encoding {_name(wrong)}: name the right one.") from None
            except LookupError:
                raise BadInput(f"Expected an encoding known to Python, as latin-1 is, got {self.encoding!r}.") from None
            except OSError as wrong:
                raise BadInput(f"Cannot read {path}: {wrong.strerror}.") from None


def find(place):
    """The files that a path means: itself, or all *.txt and *.md in and below a folder, sorted; an address likewise.

    Raises BadInput when there are none.
    """
    path = _fetched(str(place)) if "://" in str(place) else Path(place).expanduser()
    if not path.exists():
        raise BadInput(f"Expected a text file or a folder of them, found nothing at {path}.")
    if path.is_file():
        return (path,)
    found = tuple(sorted(file for suffix in ("*.txt", "*.md") for file in path.rglob(suffix) if file.is_file()))
    if not found:
        raise BadInput(f"Expected .txt or .md files in the folder {path}, found none.")
    return found


def _fetched(place):
    from jobs import downloads  # not above: its imports would keep the sampler's first character waiting

    return downloads.fetch(place) if downloads.is_address(place) else Path(place)


def vocabulary(text, at_least):
    """The characters that occur at_least times, sorted; then UNKNOWN, if any character occurs but is rarer."""
    counts = np.zeros(CODE_POINTS, np.int64)
    for piece in text:
        counts += np.bincount(_code_points(piece), minlength=CODE_POINTS)
    counts[ord(UNKNOWN)] = 0
    frequent = [chr(point) for point in np.flatnonzero(counts >= at_least)]
    return frequent + [UNKNOWN] * bool(np.any((counts > 0) & (counts < at_least)))


def encode(text, characters):
    """The text as numbers of its vocabulary: a read-only memory-mapped array (length,) of uint16 or int32.

    Characters outside the vocabulary become its last entry, UNKNOWN.
    """
    kind = np.uint16 if len(characters) <= 1 << 16 else np.int32
    numbers = np.full(CODE_POINTS, max(0, len(characters) - 1), kind)
    numbers[[ord(character) for character in characters]] = np.arange(len(characters), dtype=kind)
    return on_disk((numbers[_code_points(piece)] for piece in text), kind)


def on_disk(arrays, kind):
    """Arrays (length,) one after the other as one: read-only, memory-mapped, of that kind."""
    with tempfile.TemporaryFile() as file:  # has no name: gone with the process, even a killed one
        for array in arrays:
            np.asarray(array, kind).tofile(file)
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


def split(numbers, held_out):
    """The Split of an encoded text; held_out: the share of each of the last two parts. Raises BadInput."""
    share = round(len(numbers) * held_out)
    if not 0 < share < len(numbers) - 2 * share:
        raise BadInput(f"The text is too short: expected thousands of symbols, got {len(numbers)}.")
    return Split(numbers[:-share], share, numbers[-share:])


def _code_points(piece):
    """The Unicode numbers of a str, an array (length,) of uint32; halves of surrogate pairs pass as they are."""
    return np.frombuffer(piece.encode("utf-32-le", "surrogatepass"), np.uint32)


def _detect(path):
    with path.open("rb") as file:
        start = file.read(4)
    if start in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return "utf-32"
    return "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _name(wrong):
    encoding = getattr(wrong, "encoding", "given")
    return f"{encoding} (byte {wrong.start})" if hasattr(wrong, "start") else encoding
