"""Files to the instance and back: only what differs, verified by SHA-256, renamed into place when it is whole.

Small files go together in one stream over the connection that is open already; large ones over connections of their
own: to the instance by rsync where both ends have it, home as a stream of ssh's. All ways are verified alike.
"""

import dataclasses
import io
import shlex
import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from remote import host as hosts
from remote import manifest, rsync, stream
from remote.errors import Unverified

LARGE = 8 << 20  # bytes from which a file is worth a connection, and a resumption, of its own
BLOCK = 1 << 18
ATTEMPTS = 3
MAKE_ROOM = "What is not home stays on the volume; make room, then: bin/fab pull"
SILENCE_S = 60  # nothing heard for so long: the connection is dead
HASH_WAIT_S = 1800  # hashing a large volume takes its time
SUMS = ".arriving"  # SHA-256 and name of what arrives; in the run's folder on the instance, for a moment
RECEIVE = f"""cd "$0" && tar -xf - && sha256sum --quiet --check {SUMS} && while IFS= read -r line; do
  part=${{line:66}} && mv -f -- "$part" "${{part%.part}}" || exit
done <{SUMS} && rm {SUMS}"""


@dataclasses.dataclass(frozen=True)
class Moved:
    """What a transfer did: files and bytes in all, how many bytes had to be sent, SHA-256 of the manifest."""

    files: int
    size: int
    sent: int
    digest: str


def push(host, sources, remote_folder):
    """Bring files to remote_folder on the instance; returns Moved.

    sources: {path relative to remote_folder: local Path}. What is there already with the same SHA-256 isn't sent.
    Raises Unverified, hosts.Disconnected.
    """
    entries = [manifest.entry(path, local) for path, local in sorted(sources.items())]
    there = _remote_hashes(host, remote_folder, entries)
    missing = [entry for entry in entries if there.get(entry.path) != entry.sha256]
    large = [entry for entry in missing if entry.size >= LARGE]
    large = large if large and rsync.available(host) else []
    for entry in large:
        rsync.send(host, sources[entry.path], f"{remote_folder}/{entry.path}.part")
    together = {entry.path: sources[entry.path] for entry in missing if entry not in large}
    _send(host, remote_folder, together, missing)
    return Moved(len(entries), manifest.total(entries), manifest.total(missing), manifest.digest(entries))


def _listed(host, run_folder):
    """(entries, refused): the results on the instance, and what is wrong with those whose names could do harm."""
    entries, refused = [], []
    for line in hosts.script(host, "manifest.sh", run_folder, wait_s=HASH_WAIT_S).stdout.split(b"\0"):
        try:
            entries += [manifest.parse(line)] if line else []
        except Unverified as odd:
            refused.append(odd.message)
    return entries, refused


def pull(host, remote_folder, folder):
    """Bring the results of a run home into folder; returns Moved.

    Repeating it sends only what is missing; a file that was cut off goes on where it ended. Raises Unverified, when
    all else is home, for a file that never was what the instance said, or whose name could do harm; and at once when
    this machine's disk is full.
    """
    try:
        return _pull(host, remote_folder, folder)
    except OSError as refused:
        raise Unverified(f"{refused.filename or folder} cannot be written ({refused.strerror}). {MAKE_ROOM}") from None


def _pull(host, remote_folder, folder):
    sent = 0
    for _attempt in range(ATTEMPTS):  # with a new manifest each time: a job at work changes its files
        entries, refused = _listed(host, remote_folder)
        wanted = [entry for entry in entries if not _is_home(folder, entry)]
        lacking = sum(_lacking(folder, entry) for entry in wanted)
        _refuse_if_full(folder, lacking)
        _fetch_together(host, remote_folder, folder, [entry for entry in wanted if entry.size < LARGE])
        _fetch_large(host, remote_folder, folder, [entry for entry in wanted if entry.size >= LARGE])
        sent += lacking
        spoilt = [entry.path for entry in wanted if not _settle_home(folder, entry)]
        if not spoilt:
            break
    if spoilt:
        refused.append(f"{spoilt[0]} arrived {ATTEMPTS} times with another SHA-256 than the instance gave.")
    if refused:
        raise Unverified(f"{refused[0]} Of {len(entries)} results all but {len(refused)} are home; that stays there.")
    shutil.rmtree(folder / ".partial", ignore_errors=True)
    return Moved(len(entries), manifest.total(entries), sent, manifest.digest(entries))


def _partial(folder, entry):
    """Where a file grows until it is whole and verified."""
    return folder / ".partial" / entry.path


def _ready_partial(folder, entry):
    """The same, in a folder that is there."""
    path = _partial(folder, entry)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _settle_home(folder, entry):
    """Rename a file that is what the instance said into its place; else delete it. Returns which."""
    partial, final = _partial(folder, entry), confine(folder, entry.path)
    whole = manifest.is_whole(entry, partial)
    if whole:
        final.parent.mkdir(parents=True, exist_ok=True)
        partial.replace(final)
    else:
        partial.unlink(missing_ok=True)
    return whole


def confine(folder, path):
    """folder/path, having made sure that no link on the way leads out of folder. Raises Unverified."""
    final = folder / path
    resolved = final.parent.resolve()
    if not resolved.is_relative_to(folder.resolve()) or final.is_symlink():
        raise Unverified(f"{final} leads out of {folder}/ by a link. Expected a plain folder; remove the link.")
    return final


def _is_home(folder, entry):
    return manifest.is_whole(entry, confine(folder, entry.path))


def _lacking(folder, entry):
    """Bytes of a file that are still to come: a large one that was cut off goes on where it ended."""
    partial = _partial(folder, entry)
    arrived = partial.stat().st_size if entry.size >= LARGE and partial.exists() else 0
    return entry.size - (arrived if arrived <= entry.size else 0)


def _refuse_if_full(folder, size):
    free = shutil.disk_usage(folder).free
    if free < size:
        raise Unverified(f"{folder} has {free >> 20} MiB free, what is still to come needs {size >> 20}. {MAKE_ROOM}")


def _remote_hashes(host, folder, entries):
    """{path: SHA-256} of those entries that exist in folder on the instance."""
    names = b"".join(entry.path.encode() + b"\0" for entry in entries)
    folders = sorted({str(PurePosixPath(folder, entry.path).parent) for entry in entries} | {folder})
    command = f"mkdir -p {shlex.join(folders)} && cd {shlex.quote(folder)} && xargs -0 sha256sum 2>/dev/null || true"
    lines = hosts.run(host, command, names, HASH_WAIT_S).stdout.decode(errors="replace").split("\n")
    return {path: digest for digest, _, path in (line.partition("  ") for line in lines)}


def _send(host, folder, sources, entries):
    """Stream files as one tar archive, each under its name plus ".part"; check and rename them, in the same command.

    sources: {path: local Path} of what to send. entries: of what is then to be checked and renamed. Raises Unverified.
    """
    if not entries:
        return
    with tempfile.TemporaryFile() as archive:
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for path, local in sources.items():
                tar.add(local.resolve(), f"{path}.part", recursive=False)
            _add_text(tar, SUMS, "".join(f"{entry.sha256}  {entry.path}.part\n" for entry in entries))
        archive.seek(0)
        command = f"bash -c {shlex.quote(RECEIVE)} {shlex.quote(folder)}"
        output = hosts.run(host, command, iter(lambda: archive.read(BLOCK), b""), HASH_WAIT_S, check=False)
    if output.code != 0:
        said = output.stderr.decode(errors="replace")[-300:].strip()
        raise Unverified(f"What arrived on the instance is not what was sent: {said}")


def _add_text(tar, name, text):
    """Add a text to a tar archive, as a file of that name."""
    member = tarfile.TarInfo(name)
    content = text.encode()
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _fetch_together(host, remote_folder, folder, entries):
    """Fetch small files as one stream, cut by the sizes of the manifest."""
    if not entries:
        return
    wanted = b"".join(b"%d\0%s\0" % (entry.size, entry.path.encode()) for entry in entries)
    each = 'while IFS= read -r -d "" size && IFS= read -r -d "" path; do head -c "$size" -- "$path"; done'
    channel = hosts.start(host, f"cd {shlex.quote(remote_folder)} && {each}", wanted, SILENCE_S)
    try:
        for entry in entries:
            with _ready_partial(folder, entry).open("wb") as file:
                _copy(host, channel, file, entry.size)
    finally:
        hosts.hang_up(channel)


def _fetch_large(host, remote_folder, folder, entries):
    """Fetch what is lacking of each file: after a cut, what had arrived is not sent again."""
    for entry in entries:
        partial = _ready_partial(folder, entry)
        if partial.exists() and partial.stat().st_size > entry.size:
            partial.unlink()
        stream.fetch(host, f"{remote_folder}/{entry.path}", partial, entry.size)


def _copy(host, channel, file, size):
    """Write size bytes of the channel to file, in blocks, so that memory stays flat. Raises hosts.Disconnected."""
    left = size
    while left and (block := _receive(host, channel, min(BLOCK, left))):
        file.write(block)
        left -= len(block)
    if left and not _said_goodbye(channel):  # cut; else the file has become shorter, which its SHA-256 will tell
        raise hosts.disconnected(host, EOFError(f"{left} bytes of {Path(file.name).name} are still to come"))


def _receive(host, channel, size):
    try:
        return channel.recv(size)
    except (EOFError, OSError) as error:
        raise hosts.disconnected(host, error) from None


def _said_goodbye(channel):
    """Did the command on the instance end by itself, and not with the connection?"""
    return channel.status_event.wait(SILENCE_S) and channel.exit_status >= 0
