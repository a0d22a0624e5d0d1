"""Mask and overlay for pictures, with the weights that a run brought home. bin/segment.sh calls it."""

import argparse
import json
import os
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from jobs import finished_runs
from jobs.parameters import BadInput
from jobs.pictures import class_colours, images, masks, preparation, segmentation_plots, segmenter

OVERLAID = 0.45  # how much of the overlay is the class's colour
WRITTEN = "mask", "overlay"  # what the names of our own files end with


def main(argv=None):
    """The command line. Returns the exit code: 0; 2 for a wrong value or picture; 3 for no such run, or weights."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's greetings are no news
    try:
        given = _arguments(argv)
        found = pictures(given.pictures, given.out)
        folder = finished_runs.find(given.runs_dir, given.run, kind=segmenter.KIND)
        network = segmenter.read(folder)
        return max(_segmented(network, path, given) for path in found)
    except BadInput as wrong:
        print(f"segment.sh: {wrong}", file=sys.stderr)
        return wrong.exit_code
    except OSError as wrong:
        print(f"segment.sh: {wrong.strerror or wrong}: {wrong.filename or given.out}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _segmented(network, path, given):
    """The exit code for one picture: one that can't be read is named, and keeps nobody from the others."""
    try:
        _segment(network, path, given.out or path.parent, given.json)
    except BadInput as wrong:
        print(f"segment.sh: {wrong}", file=sys.stderr)
        return wrong.exit_code
    return 0


def _segment(network, path, out, as_json):
    """Write OUT/NAME-mask.png and OUT/NAME-overlay.png of a picture; print how much of it each class has."""
    described = network.description
    picture = images.read(path)
    prepared = preparation.pixels(path, described.preparation)
    classes = segmenter.classify(network, prepared, picture.shape[:2])
    written = {kind: out / f"{path.stem}-{kind}.png" for kind in WRITTEN}
    masks.write(written["mask"], classes, described.encoding, class_colours.colours(described.names))
    images.write_png(written["overlay"], overlay(picture, classes, described.names))
    shares = np.bincount(classes.ravel(), minlength=len(described.names)) / classes.size
    told = dict(zip(described.names, shares.round(4).tolist(), strict=True))
    if as_json:
        files = {kind: str(file) for kind, file in written.items()}
        print(json.dumps({"picture": str(path), "shares": told} | files, ensure_ascii=False), flush=True)
    else:
        words = ", ".join(f"{name} {share:.1%}" for name, share in told.items())
        print(f"{path}: {words} -> {written['mask']}, {written['overlay'].name}", flush=True)


def overlay(picture, classes, names):
    """The picture with its classes in colours over it: (height, width, 3) of uint8. The background stays clear."""
    shown = segmentation_plots.seen(picture).astype(np.float32)
    strength = np.full(len(names), OVERLAID, np.float32)
    if names[0] == "background":
        strength[0] = 0
    strength = strength[classes][..., None]
    return np.uint8(shown * (1 - strength) + class_colours.painted(classes, names) * strength)


def pictures(named, out):
    """The files meant: those named, and all pictures of folders. Raises BadInput for what can't be done with them."""
    found = [one for path in named for one in (_inside(path) if path.is_dir() else [path])]
    for path in found:
        if not path.exists():
            raise BadInput(f"No such picture: {path}.")
    if not found:
        raise BadInput("There are no pictures in what was named. See: bin/segment.sh --help")
    if out and out.exists() and not out.is_dir():
        raise BadInput(f"Expected a folder for --out, got the file {out}.")
    targets = Counter((out or path.parent, path.stem) for path in dict.fromkeys(found))
    if alike := [stem for (_folder, stem), count in targets.items() if count > 1]:
        raise BadInput(f"Several pictures are called {alike[0]}: their masks would be one file. Name them one by one.")
    return list(dict.fromkeys(found))


def _inside(folder):
    """The pictures of a folder, but for the masks and overlays that were made here before."""
    there = sorted(path for path in folder.iterdir() if images.is_picture(Path(path.name)))
    stems = {path.stem for path in there}
    ours = {f"{stem}-{kind}" for stem in stems for kind in WRITTEN}
    return [path for path in there if path.stem not in ours]


class _OneLineParser(argparse.ArgumentParser):
    def error(self, message):
        raise BadInput(f"{message[:1].upper()}{message[1:]}. See: bin/segment.sh --help")


def _arguments(argv):
    parser = _OneLineParser(prog="segment.sh", add_help=False, allow_abbrev=False)
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--run")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"))
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
