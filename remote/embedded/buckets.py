"""Buckets of the embedded S3: folders below the state folder's `buckets`, with a file for each object.

They outlive the server, as volumes do. Nothing is written beside the files that they would have to agree with: what a
user copies or links into such a folder is in the bucket at once.
"""

import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from remote.embedded.wire import Refused

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
PART_BYTES = 255  # of a file's name
NO_PLACE = "The embedded S3 keeps objects as files, and has no place for the key {key!r}"


@dataclass(frozen=True)
class Item:
    """An object. modified_ns: since the epoch."""

    key: str
    path: Path
    size: int
    modified_ns: int

    @property
    def etag(self):
        """Another for another content; not its MD5, as AWS's isn't either for what came in parts."""
        return f'"{self.size:016x}{self.modified_ns & (1 << 64) - 1:016x}-1"'


def root(box):
    """The folder of all buckets; not there before the first."""
    return box.state_dir / "buckets"


def names(box):
    """Of all buckets, sorted."""
    folder = root(box)
    return sorted(path.name for path in folder.iterdir() if NAME.fullmatch(path.name)) if folder.is_dir() else []


def folder_of(box, name):
    """The folder of a bucket. Raises Refused when there is none."""
    folder = root(box) / name
    if not NAME.fullmatch(name) or not folder.is_dir():
        raise Refused("NoSuchBucket", "The specified bucket does not exist", 404)
    return folder


def create(box, name):
    """Make a bucket, unless it is there."""
    if not NAME.fullmatch(name):
        raise Refused("InvalidBucketName", "The specified bucket is not valid.")
    (root(box) / name).mkdir(parents=True, exist_ok=True)


def delete(box, name):
    """Delete an empty bucket. Raises Refused."""
    folder = folder_of(box, name)
    if items(folder):
        raise Refused("BucketNotEmpty", "The bucket you tried to delete is not empty", 409)
    folder.unlink() if folder.is_symlink() else shutil.rmtree(folder)


def items(folder, prefix=""):
    """The Items whose keys begin with prefix, in S3's order: that of their bytes."""
    inside = prefix.rpartition("/")[0]
    start = _path(folder, inside) if inside else folder
    found = []
    for where, _, files in os.walk(start, followlinks=True) if start else ():
        for path in (Path(where) / name for name in files):
            key = path.relative_to(folder).as_posix()
            if key.startswith(prefix) and path.is_file():
                found.append(_item(key, path))
    return sorted(found, key=lambda item: os.fsencode(item.key))


def find(folder, key):
    """The Item of a key, or None."""
    path = _path(folder, key)
    return _item(key, path) if path and path.is_file() else None


def put(folder, key, chunks):
    """Write an object, whole or not at all; returns its Item. Raises Refused for a key that no file can have."""
    path = _path(folder, key)
    if not path:
        raise Refused("InvalidArgument", NO_PLACE.format(key=key))
    draft = folder.parent / f".draft-{secrets.token_hex(8)}"
    try:
        with draft.open("wb") as file:
            file.writelines(chunks)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.replace(path)
    except (FileExistsError, IsADirectoryError, NotADirectoryError):  # beside the object "a" there is no "a/b"
        raise Refused("InvalidArgument", NO_PLACE.format(key=key)) from None
    finally:
        draft.unlink(missing_ok=True)
    return _item(key, path)


def remove(folder, key):
    """Delete an object, and the folders that it leaves empty; fine if there is none."""
    path = _path(folder, key)
    if path and path.is_file():
        path.unlink()
        for parent in path.parents:
            if parent == folder or any(parent.iterdir()):
                break
            parent.rmdir()


def _item(key, path):
    state = path.stat()
    return Item(key, path, state.st_size, state.st_mtime_ns)


def _path(folder, key):
    """Where the object of a key is; None for a key that no file below the folder can have."""
    parts = key.split("/")
    wrong = {"", ".", ".."} & {*parts} or "\0" in key or max(len(os.fsencode(part)) for part in parts) > PART_BYTES
    return None if wrong else folder.joinpath(*parts)
