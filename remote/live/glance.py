"""What a run does at this moment, as scripts/look.sh tells it over a connection; nothing is changed by looking."""

import json
from dataclasses import dataclass, field

from remote import follow
from remote import host as hosts
from remote.story import printable

WAIT_S = 10  # for an answer
TOO_LARGE = 10**15  # for a number that a job means


@dataclass(frozen=True)
class Gpu:
    """Use in percent, memory in MiB, temperature in degrees Celsius; None where nvidia-smi says [N/A]."""

    use: float | None
    used_mib: float | None
    total_mib: float | None
    celsius: float | None


@dataclass
class Glance:
    """state: waiting (for its job to start), running, ended or lost. losses: of the epochs that are finished."""

    state: str = "waiting"
    exit_code: int | None = None
    progress: dict = field(default_factory=dict)  # epoch, epochs, step, steps, loss, seconds_left: what there is of it
    losses: list = field(default_factory=list)
    gpus: dict = field(default_factory=dict)  # Gpu by index
    stalls: list = field(default_factory=list)  # reasons
    log: list = field(default_factory=list)  # its last lines


def take(host, folder, log_bytes=0):
    """A Glance of the run whose folder that is. Raises hosts.Disconnected, hosts.CommandFailed."""
    return parse(hosts.script(host, "look.sh", folder, log_bytes, wait_s=WAIT_S).stdout)


def parse(answer):
    """A Glance from the bytes that look.sh prints; what can't be understood is left out."""
    seen = Glance()
    while answer:
        line, _, answer = answer.partition(b"\n")
        kind, _, rest = line.decode(errors="replace").partition(" ")
        if kind == "log":
            seen.log = printable(answer.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")).splitlines()
            break
        if kind in KINDS:
            KINDS[kind](seen, rest)
    return seen


def _state(seen, rest):
    seen.state, _, code = rest.partition(" ")
    seen.exit_code = follow.exit_code(code) if seen.state == "ended" else None


def _progress(seen, rest):
    """The numbers of progress.json; a job may write anything there."""
    seen.progress = {name: value for name, value in _dict(rest).items() if _is_number(value)}


def _epoch(seen, rest):
    loss = _dict(rest).get("loss")
    if _is_number(loss):
        seen.losses.append(float(loss))


def _gpu(seen, rest):
    """A line of gpu.sh; later ones of the same GPU are newer."""
    fields = [cell.strip() for cell in rest.split(",")]
    if len(fields) >= 6:
        index = fields[7] if len(fields) > 7 else "0"
        seen.gpus[index] = Gpu(*(_number(cell) for cell in fields[2:6]))


def _stall(seen, rest):
    seen.stalls.append(printable(rest))


KINDS = {"state": _state, "progress": _progress, "epoch": _epoch, "gpu": _gpu, "stall": _stall}


def _dict(text):
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _is_number(value):
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < TOO_LARGE)


def _number(cell):
    try:
        return float(cell)
    except ValueError:
        return None
