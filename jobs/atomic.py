"""Files that appear under their name whole or not at all, whenever the process is killed."""

import contextlib
import json
import os


@contextlib.contextmanager
def replacing(path):
    """A temporary path beside `path`; what the block writes there becomes `path` if the block ends well.

    The temporary name keeps the suffix (Keras and matplotlib choose the format by it). Makes missing folders.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".writing-{path.name}")
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())  # else a power cut may leave the new name on an empty file
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path, content):
    """Write a file whole."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path, text):
    """Write a UTF-8 text file whole."""
    write_bytes(path, text.encode())


def write_json(path, value, indent=None):
    """Write a JSON file whole."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=indent) + "\n")
