"""Files that came back from an instance, read with a bound and without following links: they may be hostile."""

import json
import stat

from remote import story

MOST_BYTES = 4 << 20
MOST_RECORD_BYTES = 64 << 20  # a vocabulary may be long


def size(path):
    """Bytes of a regular file; 0 for anything else, and for nothing."""
    try:
        found = path.lstat()
    except OSError:
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def data(path, most=MOST_BYTES, last=False):
    """The first bytes of a regular file, or the last; b"" when it is none or can't be read."""
    there = size(path)
    if not there:
        return b""
    try:
        with path.open("rb") as file:
            if last:
                file.seek(max(0, there - most))
            return file.read(most)
    except OSError:
        return b""


def text(path, most=MOST_BYTES, last=False):
    """The same as text for people: what could fool a reader of it is marked."""
    return story.printable(data(path, most, last).decode("utf-8", "replace").replace("\r\n", "\n"))


def record(path):
    """The JSON object of a file; {} when it is none."""
    try:
        value = json.loads(data(path, MOST_RECORD_BYTES) or b"{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def below(folder, suffixes, most):
    """Paths of at most so many regular files directly in a folder, by name, whose names end so."""
    try:
        there = sorted(folder.iterdir()) if not folder.is_symlink() else []
    except OSError:
        return []
    return [path for path in there if path.suffix.lower() in suffixes and size(path)][:most]
