"""What the files of a run are: each with its path, size and SHA-256, as the instance lists them (manifest.sh)."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from remote.errors import Unverified

RESULTS = ("log", "gpu.csv", "exit_code", "spot_notice", "wrapper.log")  # and all below out/
NAME_LIMIT = 255  # bytes of one file's name, of most file systems


@dataclass(frozen=True)
class Entry:
    """A file: its path relative to the folder, its size in bytes, its SHA-256 in hex."""

    path: str
    size: int
    sha256: str


def sha256(path):
    """SHA-256 of a file, in hex."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def entry(path, local):
    """The Entry of a file on this machine, which is to be called `path`."""
    return Entry(path, local.stat().st_size, sha256(local))


def is_whole(entry, local):
    """Is this file on this machine what the entry says?"""
    return local.is_file() and local.stat().st_size == entry.size and sha256(local) == entry.sha256


def parse(line):
    """The Entry of a line b"SHA-256 SIZE PATH". Raises Unverified when the path is no result's, or is odd.

    Beside the results lie the run's record and keys, which an instance has no business to replace.
    """
    try:
        digest, size, path = line.decode("utf-8").split(" ", 2)
        found = Entry(path, int(size), digest)
        parts = path.split("/")
        inside = parts[0] == "out" and len(parts) > 1 and not {"..", ".", ""} & set(parts)
        inside = inside and max(len(part.encode()) for part in parts) <= NAME_LIMIT
        if (inside or path in RESULTS) and path.isprintable() and len(digest) == 64 and found.size >= 0:
            return found
    except ValueError:
        pass
    raise Unverified(f"The instance names a result {line[:200]!r}. Expected a plain path below out/.")


def total(entries):
    """Bytes of all files."""
    return sum(entry.size for entry in entries)


def digest(entries):
    """One SHA-256 of all names and contents."""
    text = "".join(f"{entry.sha256}  {entry.path}\n" for entry in entries)
    return hashlib.sha256(text.encode()).hexdigest()
