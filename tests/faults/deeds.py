"""What is done to a run at a place: its client is killed, its cloud refuses, its machine goes, its disk fills up.

A deed is a list of words, the first of which is a key of DEEDS; it is done in the client's own process, between two
of its steps, so that nothing depends on how fast anything is.
"""

import contextlib
import os
import signal
import time

from remote.embedded import client, orders
from tests.faults import disks

MANY = 1_000_000  # times: for ever
FOUND_WITHIN_S = 3
REFUSALS = {
    "throttle": {"code": "RequestLimitExceeded", "status": 503, "message": "Request limit exceeded."},
    "error": {"code": "InternalError", "status": 500, "message": "An internal error has occurred."},
    "denied": {"code": "UnauthorizedOperation", "status": 403, "message": "You are not authorized."},
    "capacity": {"code": "InsufficientInstanceCapacity", "status": 500, "message": "There is no capacity."},
    "quota": {"code": "VcpuLimitExceeded", "status": 400, "message": "You have requested more vCPU capacity."},
    "volume-quota": {"code": "VolumeLimitExceeded", "status": 400, "message": "Maximum number of volumes exceeded."},
    "lost-request": {"drop": "before"},
    "lost-reply": {"drop": "after"},
    "silence": {"delay_s": 3.5},  # longer than a client of the matrix waits: see WAITS in command.py
}


def do(deed, place, cloud, state):
    """Do a deed at a place. cloud: the Cloud record; state: the folder of the embedded EC2."""
    name, *words = deed
    DEEDS[name](place, cloud, state, *words)


def kill(_place, _cloud, _state):
    """As the kernel does it when memory is short, or a user who has lost patience."""
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(place, cloud, _state, refusal, times):
    """The API answers the request of this place otherwise; and the next ones of its action, for all but "once"."""
    orders.fault(cloud, place.label, times=1 if times == "once" else MANY, **REFUSALS[refusal])


def cut(_place, cloud, state):
    """The connections break; the next one is welcome."""
    for machine in _machines(state, wait=False):
        orders.cut(cloud, machine)


def freeze(_place, cloud, state):
    """No byte moves any more, on the connections there are and on new ones."""
    for machine in _machines(state, wait=False):
        orders.freeze(cloud, machine)


def vanish(_place, cloud, state):
    """The machine fails."""
    for machine in _machines(state):
        orders.vanish(cloud, machine)


def interrupt(_place, cloud, state):
    """AWS wants the spot machine back, and takes it a moment later."""
    for machine in _machines(state):
        orders.interrupt(cloud, machine, notice_s=1)


def _machines(state, wait=True):
    """Ids of the machines that are on; waits for one that has just been asked for, unless told not to."""
    ends = time.monotonic() + (FOUND_WITHIN_S if wait else 0)
    while True:
        found = [one["id"] for one in client.status(state)["instances"] if one["stage"] != "gone"]
        if found or time.monotonic() > ends:
            return found
        time.sleep(0.05)


def small_disk(_place, _cloud, state):
    """Not yet a fault: the volume gets a file system that can be filled, and can break."""
    disks.put_on_disks(state)


def full(_place, _cloud, state):
    """The volume is full."""
    disks.fill(state)


def read_only(_place, _cloud, state):
    """The volume's file system has met an error, and takes nothing more."""
    disks.abort(state)


def quietly(deed):
    """The deed, for which it is no failure that the machine has gone meanwhile."""

    def done(*words):
        with contextlib.suppress(ValueError):
            deed(*words)

    return done


DEEDS = {"kill": kill, "refuse": refuse, "small-disk": small_disk, "full": full, "read-only": read_only}
DEEDS |= {deed.__name__: quietly(deed) for deed in (cut, freeze, vanish, interrupt)}
