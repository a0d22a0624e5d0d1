"""What a job has made for people to look at: texts by epoch, and pictures."""

import base64
import dataclasses
import re

from remote.page import files

MOST_TEXT = 3000  # characters of the last sample
MOST_OPENING = 240  # ... of an earlier one
MOST_EPOCHS = 6  # shown of how it learnt
MOST_PICTURE_BYTES = 4 << 20
MOST_ALL_BYTES = 12 << 20  # of all pictures: a page is sent by mail
MOST_PICTURES = 24
# By their first bytes, for a name proves nothing. SVG is not among them: it can hold programs.
KINDS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
DRAWN_HERE = {"loss", "curves"}  # plots of curves that the page draws itself


@dataclasses.dataclass(frozen=True)
class Text:
    """epoch: 0 where the file's name tells none."""

    epoch: int
    text: str


@dataclasses.dataclass(frozen=True)
class Picture:
    """source: a data URI."""

    name: str
    source: str


def texts(out):
    """The Texts of out/samples/, in the order of their epochs, empty ones left out."""
    paths = files.below(out / "samples", {".txt"}, 10_000)
    paths.sort(key=lambda path: (_epoch(path), path.name))
    chosen = _spread(paths, MOST_EPOCHS + 1)
    found = [Text(_epoch(path), files.text(path, 4 * MOST_TEXT)[:MOST_TEXT]) for path in chosen]
    return [one for one in found if one.text.strip()]


def openings(texts):
    """The same with no more of each than shows how the model had learnt by then."""
    return [dataclasses.replace(one, text=_shortened(one.text)) for one in texts]


def pictures(out):
    """(Pictures of out/plots/ and out/samples/, names of those that are too large to be in a page)."""
    paths = [
        path for folder in ("plots", "samples") for path in files.below(out / folder, {".png", ".jpg", ".gif"}, 999)
    ]
    paths.sort(key=files.size, reverse=True)  # a grid of examples says more than a small plot
    shown, left_out, room = [], [], MOST_ALL_BYTES
    for path in (path for path in paths if path.stem not in DRAWN_HERE):
        data = files.data(path, MOST_PICTURE_BYTES + 1)
        kind = next((kind for start, kind in KINDS.items() if data.startswith(start)), None)
        if kind and len(data) <= min(room, MOST_PICTURE_BYTES) and len(shown) < MOST_PICTURES:
            room -= len(data)
            shown.append(Picture(_caption(path), f"data:{kind};base64,{base64.b64encode(data).decode()}"))
        else:
            left_out.append(path.name)
    return shown, left_out


def _epoch(path):
    number = re.search(r"\d{1,9}", path.stem)
    return int(number[0]) if number else 0


def _spread(items, most):
    """At most so many: the first, the last, and more from the beginning, where most is learnt, than from the end."""
    if len(items) <= most:
        return items
    last = len(items) - 1
    positions = sorted({round(last ** (step / (most - 1))) for step in range(1, most)} | {0, last})
    return [items[position] for position in positions]


def _shortened(text):
    text = text.strip()
    return text if len(text) <= MOST_OPENING else text[:MOST_OPENING].rsplit(" ", 1)[0] + " …"


def _caption(path):
    return path.stem.replace("_", " ").replace("-", " ")[:80]
