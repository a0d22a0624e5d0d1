"""The Oxford-IIIT Pet set: 7,349 photographs of cats and dogs, with masks of pet, background, and the border between.

Parkhi, Vedaldi, Zisserman and Jawahar, Cats and Dogs, CVPR 2012; https://www.robots.ox.ac.uk/~vgg/data/pets/, CC BY-SA
4.0; 811 MB. The checksums are those that TensorFlow Datasets publishes for these two files.
"""

import hashlib
import shutil
from dataclasses import dataclass

from jobs import archives, downloads, registry
from jobs.parameters import BadInput

ADDRESS = "https://thor.robots.ox.ac.uk/~vgg/data/pets/"
PARTS = {"trainval.txt": "train", "test.txt": "test"}  # the authors' own lists
CLASSES = "pet\nbackground\nborder\n"  # 1, 2, 3 in the masks


@dataclass(frozen=True)
class Archive:
    """One file of the set."""

    name: str
    sha256: str


PHOTOGRAPHS = Archive("images.tar.gz", "67195c5e1c01f1ab5f9b6a5d22b8c27a580d896ece458917e61d459337fa318d")
ANNOTATIONS = Archive("annotations.tar.gz", "52425fb6de5c424942b7626b428656fcbd798db970a937df61750c0f1d358e91")


def fetch(address=ADDRESS, photographs=PHOTOGRAPHS, annotations=ANNOTATIONS):
    """The folder of pairs, train and test; downloaded once into the cache. Raises BadInput."""
    folder = registry.cache() / f"pets-{annotations.sha256[:8]}"
    if folder.exists():
        return folder
    partial = folder.with_name(f".writing-{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    for archive in (photographs, annotations):
        archives.unpack(_download(address, archive), partial / "archives" / archive.name.partition(".")[0])
    for listed, part in PARTS.items():
        _move_listed(partial, listed, part)
    shutil.rmtree(partial / "archives")
    (partial / "classes.txt").write_text(CLASSES, encoding="utf-8")
    partial.rename(folder)
    return folder


def _download(address, archive):
    path = downloads.fetch(address + archive.name)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != archive.sha256:
        path.unlink()
        raise BadInput(f"Expected SHA-256 {archive.sha256} of {address}{archive.name}, got {found}.")
    return path


def _move_listed(folder, listed, part):
    """Put the pictures and masks that one of the lists names where image_pairs finds them."""
    photographs, annotations = folder / "archives/images/images", folder / "archives/annotations/annotations"
    lines = (annotations / listed).read_text(encoding="utf-8").splitlines()
    for side in ("images", "masks"):
        (folder / part / side).mkdir(parents=True)
    for name in (line.split()[0] for line in lines if line.strip() and not line.startswith("#")):
        (photographs / f"{name}.jpg").replace(folder / part / "images" / f"{name}.jpg")
        (annotations / "trimaps" / f"{name}.png").replace(folder / part / "masks" / f"{name}.png")
