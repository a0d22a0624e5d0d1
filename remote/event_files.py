"""TensorBoard's event files of a run, kept the same in a folder of ours: from its own folder, or from its instance."""

import re
from dataclasses import dataclass
from pathlib import Path

from remote import host as hosts

NAME = re.compile(r"(?:\w[\w.-]*/){0,3}\w[\w.-]*tfevents[\w.-]*", re.ASCII)  # no "..", nothing that a shell minds
OURS = ".hparams"  # ends the names of files that were not copied
SIZE = re.compile("[0-9]{1,9}")  # a larger one is none that a training writes
MOST_FILES = 200
MOST_BYTES = 16 << 20  # of a file that are brought at a time; the rest comes with the next look


@dataclass(frozen=True)
class Home:
    """A folder on this machine."""

    folder: Path

    def sizes(self):
        """{name: bytes}."""
        inside = [path for path in self.folder.rglob("*tfevents*") if path.is_file() and not path.is_symlink()]
        return {path.relative_to(self.folder).as_posix(): path.stat().st_size for path in inside}

    def read(self, name, start, size):
        """So many bytes of a file, from start on, or what there is of them."""
        with (self.folder / name).open("rb") as file:
            file.seek(start)
            return file.read(size)


@dataclass(frozen=True)
class Away:
    """The same on an instance. Raises hosts.Disconnected, hosts.CommandFailed."""

    host: hosts.Host
    folder: str  # there, relative to the login user's home

    def sizes(self):
        lines = hosts.script(self.host, "event-files.sh", self.folder).stdout.decode("utf-8", "replace").split("\0")
        pairs = [line.partition(" ") for line in lines]
        return {name: int(size) for size, _, name in pairs if SIZE.fullmatch(size)}

    def read(self, name, start, size):
        path = hosts.quote(f"{self.folder}/{name}")
        return hosts.run(self.host, f"tail -c +{start + 1} -- {path} | head -c {size}").stdout


def keep_same(source, folder):
    """Bring into folder what it lacks of a source's event files; what the source no longer has goes.

    A file is only ever appended to, as TensorBoard expects: one that has become shorter is begun anew. Returns whether
    nothing is missing now.
    """
    known = {name: size for name, size in sorted(source.sizes().items()) if NAME.fullmatch(name)}
    known = dict(list(known.items())[:MOST_FILES])
    for path in folder.rglob("*tfevents*"):
        if not path.name.endswith(OURS) and path.stat().st_size > known.get(path.relative_to(folder).as_posix(), -1):
            path.unlink()
    for name, size in known.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            have = file.tell()
            if have < size:
                file.write(source.read(name, have, min(size - have, MOST_BYTES)))
    return all((folder / name).stat().st_size == size for name, size in known.items())
