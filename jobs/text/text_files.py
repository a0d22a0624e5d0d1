"""The files of a text: found, and read in pieces whatever their encoding."""

import sys
from dataclasses import dataclass
from pathlib import Path

from jobs.parameters import BadInput

PIECE_CHARACTERS = 1 << 20
ENDINGS = (".txt", ".md")
DOS_END = "\x1a"  # how old files, Alice's among them, mark their end
MARKS = {  # of the byte order, at the beginning; those of UTF-16 begin like some of UTF-32
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
MARK = "\ufeff"  # what is left of one in an encoding that was named
START_BYTES = 1 << 12  # that are looked at for an encoding without a mark
ZEROS = 1 / 100  # a share of zero bytes that makes UTF-8 unlikely: it has none, UTF-16 one in each space
SHOWN = 5  # names of files in a message


@dataclass(frozen=True)
class Text:
    """The files of one text in order, and how their bytes are to be read."""

    paths: tuple[Path, ...]
    encoding: str = ""  # empty: UTF-8, UTF-16 or UTF-32, as the bytes look
    lower_case: bool = False

    def __iter__(self):
        """Pieces of the text, line ends as "\\n". Raises BadInput for one unreadable or in another encoding."""
        for path in self.paths:
            encoding = self.encoding
            try:
                encoding = encoding or _detect(path)
                for piece in _pieces(path, encoding):
                    yield piece.lower() if self.lower_case else piece
            except UnicodeError as wrong:
                raise BadInput(
                    f"{path} is no text in the encoding {encoding}{_place(wrong)}. {_advice(path)}"
                ) from None
            except LookupError:
                raise BadInput(f"Expected an encoding known to Python, as latin-1 is, got {self.encoding!r}.") from None
            except OSError as wrong:
                raise BadInput(f"Cannot read {path}: {wrong.strerror}.") from None


def find(place):
    """The files that a path or an address means: itself, or all .txt and .md files in and below a folder, sorted.

    Others are passed over with a word, hidden ones without. Raises BadInput when there are none.
    """
    path = _fetched(str(place)) if "://" in str(place) else Path(place).expanduser()
    if not path.exists():
        raise BadInput(f"Expected a text file or a folder of them, found nothing at {path}.")
    if path.is_file():
        return (path,)
    inside = _inside(path)
    texts = tuple(file for file in inside if file.suffix.lower() in ENDINGS)
    others = named([file for file in inside if file not in set(texts)])
    if not texts:
        raise BadInput(f"Expected .txt or .md files in the folder {path}, found {others or 'none'}.")
    if others:
        print(f"In {path}, passed over as no .txt or .md: {others}.", file=sys.stderr, flush=True)
    return texts


def named(paths):
    """ "3 files, a.png, b.pdf, c" of some paths; "" for none."""
    names = [path.name for path in paths[:SHOWN]] + ["..."] * (len(paths) > SHOWN)
    return f"{len(paths)} {'file' if len(paths) == 1 else 'files'}, {', '.join(names)}" if paths else ""


def _inside(folder):
    """All files in and below a folder, sorted, but hidden ones and those in hidden folders."""
    found = (file for file in folder.rglob("*") if file.is_file())
    return sorted(file for file in found if not any(part.startswith(".") for part in file.relative_to(folder).parts))


def _fetched(place):
    from jobs import downloads  # not above: its imports would keep the sampler's first character waiting

    return downloads.fetch(place) if downloads.is_address(place) else Path(place)


def _pieces(path, encoding):
    """The characters of a file; without the mark of its beginning and of its end. Raises BadInput for no text."""
    with path.open(encoding=encoding, newline=None) as file:
        first = True
        while piece := file.read(PIECE_CHARACTERS):
            if piece.count("\0") > ZEROS * len(piece):
                raise BadInput(f"{path} is no text: it has {piece.count(chr(0)):,} zero characters. {_advice(path)}")
            yield (piece.removeprefix(MARK) if first else piece).replace(DOS_END, "")
            first = False


def _detect(path):
    """The encoding that the file's beginning shows: by a mark, by zero bytes where UTF-16 or UTF-32 has them."""
    with path.open("rb") as file:
        start = file.read(START_BYTES)
    marked = next((encoding for mark, encoding in MARKS.items() if start.startswith(mark)), "")
    zeros = [start[place::4].count(0) for place in range(4)]
    if marked or sum(zeros) <= ZEROS * len(start):
        return marked or "utf-8"
    return _by_zeros(zeros, len(start) // 4)


def _by_zeros(zeros, most):
    """The encoding of a text with so many zero bytes at each place in four, `most` at most."""
    if zeros[3] == most and zeros[2] > most / 2:
        return "utf-32-le"
    if zeros[0] == most and zeros[1] > most / 2:
        return "utf-32-be"
    even, odd = zeros[0] + zeros[2], zeros[1] + zeros[3]
    return "utf-16-le" if odd > 4 * even else "utf-16-be" if even > 4 * odd else "utf-8"


def _place(wrong):
    """Which byte it was."""
    return f" (byte 0x{wrong.object[wrong.start]:02x})" if isinstance(wrong, UnicodeDecodeError) else f" ({wrong})"


def _advice(path):
    return (
        f"Name the right one if {path.name} is text: encoding cp1252 is that of old Windows files, latin-1 and "
        "utf-16-le are others."
    )
