"""Unpacks .zip and .tar files into the cache; nothing of them can land elsewhere."""

import hashlib
import shutil
import tarfile
import zipfile
from pathlib import PurePosixPath

from jobs import registry
from jobs.parameters import BadInput

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def is_archive(path):
    """Whether a path is named like an archive."""
    return path.name.lower().endswith(SUFFIXES)


def unpack(archive, folder=None):
    """The folder with an archive's files; by default one in the cache that belongs to its size and time of change.

    Links and names that point elsewhere are left out. Raises BadInput for a damaged archive.
    """
    state = archive.stat()
    key = hashlib.sha256(f"{archive.resolve()} {state.st_size} {state.st_mtime_ns}".encode()).hexdigest()[:16]
    folder = folder or registry.cache() / "unpacked" / key
    if folder.exists():
        return folder
    partial = folder.with_name(f".writing-{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _unpack(archive, partial)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as wrong:
        raise BadInput(f"{archive} can't be unpacked: {wrong}.") from None
    partial.rename(folder)
    return folder


def _unpack(archive, folder):
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as package:
            for name in filter(_is_inside, package.namelist()):  # zipfile makes files of links
                package.extract(name, folder)
        return
    with tarfile.open(archive) as package:
        for member in package:
            if (member.isfile() or member.isdir()) and _is_inside(member.name):
                package.extract(member, folder, filter="data")


def _is_inside(name):
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
