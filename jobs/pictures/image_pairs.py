"""Which picture belongs to which mask, told by the names that people give to files and folders.

    images/0001.jpg        masks/0001.png              in folders of their own, nested or not
    train/images/a/1.tif   train/annotations/a/1.png   in parts that are not to be mixed
    cell_7.png             cell_7_mask.png             side by side: a word at either end of the name tells
    cat.jpg                cat.png                     side by side: the mask is the one without loss
    case_7/image.png       case_7/mask.png             in a folder for each pair

A folder's name counts for more than a file's.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from jobs.pictures import images

MASK_WORD = re.compile(
    r"masks?|labels?|label(train)?ids|annotations?|annotated|annots?|anno|groundtruths?|truths?|gt(fine|coarse)?|"
    r"targets?|segmentations?(class|map|maps)?|segs?|trimaps?|mattes?|manual1?"
)
IMAGE_WORD = re.compile(
    r"images?|imgs?|im|inputs?|photos?|pictures?|pics?|raw|rgb|sat|originals?|jpegimages|leftimg8bit"
)
GLUED = re.compile(r"masks?|labels?|annotations?|annots?|segmentations?|trimaps?|images?")  # as in trainannot, labelsTr
PARTS = {"train": "learnt", "training": "learnt", "learnt": "learnt", "tr": "learnt"}
PARTS |= {"val": "watched", "valid": "watched", "validation": "watched", "dev": "watched"}
PARTS |= {"test": "held out", "ts": "held out", "testing": "held out", "heldout": "held out"}


@dataclass(frozen=True)
class Pair:
    """A picture and its mask."""

    name: str  # of the picture, relative to the folder of the set
    image: Path
    mask: Path
    folder: str  # what the folders of both have in common
    prefix: str  # the name without its last number: one patient, one plate, one film
    part: str  # "learnt", "watched" or "held out" where a folder says so, else ""


@dataclass(frozen=True)
class Named:
    """What a file's name tells."""

    path: Path
    is_mask: bool
    folder: tuple  # words of its folders that both of a pair have
    stem: tuple  # words of its name that both have
    part: str


def find(folder):
    """(all pairs in and below a folder, sorted; what is wrong with others: {problem: [names]})."""
    paths = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    named = [read_name(path) for path in paths if images.is_picture(path)]
    if not any(one.is_mask for one in named):
        named = _by_first_letters(named)
    if not any(one.is_mask for one in named):
        named = _by_format(named)
    sides = [one for one in named if not one.is_mask], [one for one in named if one.is_mask]
    # Whole names first; where not one pair has the same, another custom: folders that differ, then numbers alone.
    for key in (lambda one: (one.folder, one.stem), lambda one: one.stem, _numbers):
        photographs, masks = (_by_key(side, key) for side in sides)
        if both := photographs.keys() & masks.keys():
            break
    pairs = [_pair(folder, photographs[name][0], masks[name][0]) for name in both]
    if not any(pair.part == "held out" for pair in pairs):  # pictures to be predicted, for which nobody made masks
        photographs = {name: several for name, several in photographs.items() if several[0].part != "held out"}
    return sorted(pairs, key=lambda pair: pair.name), _problems(photographs, masks)


def read_name(path):
    """What a path, relative to the folder of the set, tells: a Named."""
    folders = [_words(part) for part in path.parent.parts]
    stem = _words(path.stem)
    is_mask = _is_mask(folders, stem)
    kept = tuple(word for words in folders for word in map(_unglued, words) if word and not _is_word(word))
    shared = tuple(word for word in stem if not IMAGE_WORD.fullmatch(word) and not (is_mask and _is_word(word)))
    parts = [PARTS[word] for word in kept if word in PARTS]
    split = _split_numbers(shared or stem) if shared or not kept else ()  # the folder is the name of both
    return Named(path, is_mask, kept, split, parts[-1] if parts else "")


def _is_mask(folders, stem):
    """A folder's name decides, the innermost first; without one, the last or the first word of the file's name."""
    for words in reversed(folders):
        if any(MASK_WORD.fullmatch(word) or _unglued(word) != word and "image" not in word for word in words):
            return True
        if any(IMAGE_WORD.fullmatch(word) for word in words):
            return False
    return any(MASK_WORD.fullmatch(word) for word in (stem[-1:] + stem[:1]))


def _is_word(word):
    return MASK_WORD.fullmatch(word) or IMAGE_WORD.fullmatch(word)


def _unglued(word):
    return GLUED.sub("", word)


def _words(text):
    """Lower-case words of a name: "Cell7_Mask" -> ("cell7", "mask")."""
    return tuple(re.findall(r"[^\W_]+", text.lower()))


def _split_numbers(words):
    """Letters and digits apart, so that numbers can be told: ("img7",) -> ("7",) as img is no part of the name."""
    pieces = [piece for word in words for piece in re.findall(r"\d+|\D+", word)]
    return tuple(piece for piece in pieces if not _is_word(piece)) or tuple(pieces)


def _numbers(named):
    return tuple(word for word in named.stem if word.isdigit())


def _by_key(side, key):
    found = defaultdict(list)
    for named in side:
        found[key(named)].append(named)
    return found


def _by_first_letters(named):
    """Of a set in which no word stands apart: those that are numbered like mask1.png are masks."""
    letters = [re.match(r"[^\W\d_]*", one.path.stem.lower())[0] for one in named]
    return [
        Named(one.path, bool(MASK_WORD.fullmatch(first)), one.folder, one.stem, one.part)
        for one, first in zip(named, letters, strict=True)
    ]


def _by_format(named):
    """Of a set without any word for masks: those that are PNG are masks if each has a JPEG or TIFF beside it."""
    lossless = {one.path.with_suffix("") for one in named if one.path.suffix.lower() == ".png"}
    others = {one.path.with_suffix("") for one in named if one.path.suffix.lower() != ".png"}
    if not lossless & others:
        return named
    return [Named(one.path, one.path.suffix.lower() == ".png", one.folder, one.stem, one.part) for one in named]


def _pair(folder, photograph, mask):
    numbers = [position for position, word in enumerate(photograph.stem) if word.isdigit()]
    last = numbers[-1] if numbers else None
    prefix = " ".join(word for position, word in enumerate(photograph.stem) if position != last)
    shared = "/".join(photograph.folder)
    return Pair(
        photograph.path.as_posix(), folder / photograph.path, folder / mask.path, shared, prefix, photograph.part
    )


def _problems(photographs, masks):
    """{problem: [names]} of what is not one picture with one mask."""
    found = defaultdict(list)
    sides = (photographs, masks, "image without a mask"), (masks, photographs, "mask without an image")
    for here, there, alone in sides:
        for key, several in here.items():
            names = [one.path.as_posix() for one in several]
            if len(several) > 1:
                found["name that several files share"] += names
            elif key not in there:
                found[alone] += names
    return dict(found)
