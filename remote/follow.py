"""The log of a running job, byte for byte, and its progress: what scripts/follow.sh sends over one connection."""

import dataclasses
import json
import re

from remote import host as hosts
from remote import story
from remote.errors import Failure, NotFound, Unverified

SILENCE_S = 15  # follow.sh beats every three seconds: silence for so long means a dead connection
HEADER_LIMIT = 8192  # bytes of a frame's first line
BLOCK = 1 << 16
BAR = 20  # characters
LOST = -1  # stands for the exit code of a job whose wrapper died
TAKEN = -2  # ... of a job whose spot instance is taken back: it has saved, and goes on elsewhere
ENDS = {"lost": LOST, "taken": TAKEN}


class Absent(NotFound):
    """The job has not been started on this machine."""


def watch(host, remote_folder, log, show):
    """Append what the job prints to log until it ends; returns its exit code, LOST or TAKEN.

    log: Path; its size is where the reading goes on, so that a reconnect loses and repeats nothing.
    show: called with ("log", text), ("progress", dict), ("gpu", CSV text or "none"), ("stall", reason, or "" when it
    is over). Raises hosts.Disconnected, and Absent when there is no job to follow.
    """
    have = log.stat().st_size if log.exists() else 0
    channel = hosts.start(host, _command(remote_folder, have), (hosts.SCRIPTS / "follow.sh").read_bytes(), SILENCE_S)
    try:
        with log.open("ab", buffering=0) as file:
            return _read_frames(channel.makefile("rb"), file, show)
    except (EOFError, OSError) as error:
        raise hosts.disconnected(host, error) from None
    finally:
        hosts.hang_up(channel)


def _command(remote_folder, offset):
    return f"bash -s -- {hosts.quote(remote_folder)} {offset}"


def _read_frames(stream, file, show):
    while header := stream.readline(HEADER_LIMIT):
        kind, _, rest = header.decode(errors="replace").rstrip("\n").partition(" ")
        if kind == "log" and rest.isascii() and rest.isdigit():
            _copy_log(stream, file, int(rest), show)
        elif kind in ("exit", "absent", *ENDS):
            return _ended(kind, rest)
        elif kind == "progress":
            show("progress", _parsed(rest))
        elif kind in ("gpu", "stall"):
            show(kind, rest)
        elif kind != "beat":
            raise Failure(f"Unexpected answer of follow.sh: {story.printable(header[:80].decode(errors='replace'))}")
    raise EOFError("it ended early")


def _ended(kind, text):
    if kind == "absent":
        raise Absent("No job has been started on this run's machine. Start it: bin/fab resume")
    return exit_code(text) if kind == "exit" else ENDS[kind]


def exit_code(text):
    """The exit code of a job as run-job.sh has written it, 0 to 255; LOST for anything else."""
    return int(text) if re.fullmatch(r"[0-9]{1,3}\n?", text) else LOST


def _copy_log(stream, file, size, show):
    """Write size bytes of log to file as they arrive, whole before they are shown."""
    while size:
        block = stream.read(min(size, BLOCK))
        if not block:
            raise EOFError("it ended early")
        _keep(file, block)
        size -= len(block)
        show("log", block.decode(errors="replace"))


def _keep(file, block):
    """Write block to this machine's disk. Raises Unverified: a full disk is no broken connection, to be tried again."""
    try:
        while block:
            block = block[file.write(block) :]
    except OSError as refused:
        raise Unverified(
            f"{file.name} cannot be written ({refused.strerror}). The job goes on, and its log is kept on the volume;"
            " make room, then: bin/fab follow"
        ) from None


def _parsed(text):
    try:
        progress = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return progress if isinstance(progress, dict) else {}


@dataclasses.dataclass
class Screen:
    """What a terminal shows of the frames: log lines as they come, below them the epoch in progress and the GPU."""

    progress: str = ""
    gpu: str = ""
    line_open: bool = False

    def __call__(self, kind, value):
        if kind == "log":
            story.raw(value)
            self.line_open = not value.endswith("\n")
        elif kind == "progress":
            self.progress = progress_line(value)
        elif kind == "gpu" and value == "none":
            story.say("gpu", "none on this machine: the job trains on its processor")
        elif kind == "gpu":
            self.gpu = gpu_line(value)
        if not self.line_open and (self.progress or self.gpu):
            story.live("  ".join(part for part in (self.progress, self.gpu) if part))


def progress_line(progress):
    """ "epoch 3/12 [#####     ] 45 %  loss 1.520  41 s left" from what the job wrote in progress.json."""
    try:
        share = min(1.0, max(0.0, progress["step"] / max(1, progress["steps"])))
        bar = ("#" * round(share * BAR)).ljust(BAR)
        line = f"epoch {progress['epoch']}/{progress['epochs']} [{bar}] {share:4.0%}"
        line += f"  loss {progress['loss']:.3f}" if progress.get("loss") is not None else ""
        return line + (f"  {progress['seconds_left']:.0f} s left" if progress.get("seconds_left") is not None else "")
    except (KeyError, TypeError, ValueError, OverflowError):
        return ""


def gpu_line(csv):
    """ "GPU 87 %, 5120/15360 MiB, 64 C" from a line of gpu.sh."""
    fields = [field.strip() for field in csv.split(",")]
    if len(fields) < 6:
        return ""
    return story.printable(f"GPU {fields[2]} %, {fields[3]}/{fields[4]} MiB, {fields[5]} C")
