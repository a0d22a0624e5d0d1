"""The places of a run: every AWS request, SSH connection, command and transfer, and every write of the client's own.

`watch` wraps, in this process alone, the few functions through which the product touches the world, and calls an
observer at each of their moments. The product has no code for that. A place has a kind (api, ssh, file), a label and a
number, the how-manieth of its kind and label it is in one command: so it is met again in the next run, though a waiter
may ask once more or the cloud may have a group already. What a waiter asks repeatedly is one place.
"""

import functools
import sys
import threading
from collections import Counter
from dataclasses import dataclass

BEFORE, DURING, AFTER = "before", "during", "after"


@dataclass(frozen=True)
class Place:
    """One thing that a run does. during: whether there is a moment at which it is begun and not over."""

    kind: str
    label: str
    number: int

    def __str__(self):
        return f"{self.kind}-{self.label}" + (f"-{self.number}" if self.number > 1 else "")


class Watch:
    """Counts the places and tells the observer: observer(place, moment)."""

    def __init__(self, observer):
        self.observer, self.seen, self.lock = observer, Counter(), threading.Lock()
        self.waiting = threading.local()

    def place(self, kind, label):
        """The next place of that kind and label, at the moment before it."""
        with self.lock:
            self.seen[kind, label] += 1
            place = Place(kind, label, self.seen[kind, label])
        self.observer(place, BEFORE)
        return place


def watch(observer):
    """From now on this process tells the observer of every place."""
    seen = Watch(observer)
    _watch_requests(seen)
    _watch_ssh(seen)
    _watch_files(seen)


def _watch_requests(seen):
    from botocore.endpoint import Endpoint
    from botocore.waiter import Waiter

    from remote import network

    send, wait = Endpoint._send_request, Waiter.wait

    @functools.wraps(send)
    def _send_request(self, request_dict, operation_model):
        if getattr(seen.waiting, "again", False):
            return send(self, request_dict, operation_model)
        seen.waiting.again = getattr(seen.waiting, "inside", False)
        place = seen.place("api", operation_model.name)
        reply = send(self, request_dict, operation_model)
        seen.observer(place, AFTER)
        return reply

    @functools.wraps(wait)
    def _wait(self, **request):
        seen.waiting.inside = True
        try:
            return wait(self, **request)
        finally:
            seen.waiting.inside = seen.waiting.again = False

    Endpoint._send_request, Waiter.wait = _send_request, _wait
    network.caller_cidr = _around(seen, "api", "address", network.caller_cidr)


def _watch_ssh(seen):
    """A command's moments: before it is sent, while it runs and nobody has heard of it yet, after its answer."""
    from remote import host, rsync, stream

    start, hang_up, running = host.start, host.hang_up, {}

    @functools.wraps(start)
    def _start(*arguments, **named):
        place = seen.place("ssh", _caller())
        channel = start(*arguments, **named)
        running[id(channel)] = place
        seen.observer(place, DURING)
        return channel

    @functools.wraps(hang_up)
    def _hang_up(channel):
        hang_up(channel)
        place = running.pop(id(channel), None)
        if place and sys.exc_info()[0] is None:
            seen.observer(place, AFTER)

    host.start, host.hang_up = _start, _hang_up
    host.connect = _around(seen, "ssh", "connect", host.connect)
    stream.fetch = _around(seen, "ssh", "stream.fetch", stream.fetch)
    rsync.send = _around(seen, "ssh", "rsync.send", rsync.send)


def _watch_files(seen):
    """What the client writes on its own disk: the record, the log, the results."""
    from remote import follow, runs, transfer

    save, keep, settle = runs.save, follow._keep, transfer._settle_home
    runs.save = _around(seen, "file", lambda: f"record.{_caller()}", save)
    follow._keep = _around(seen, "file", "log", keep)
    transfer._settle_home = _around(seen, "file", "result", settle)


def _around(seen, kind, label, function):
    """The function, with a moment before it and one after it. label: text, or a function that tells it."""

    @functools.wraps(function)
    def wrapped(*arguments, **named):
        place = seen.place(kind, label if isinstance(label, str) else label())
        value = function(*arguments, **named)
        seen.observer(place, AFTER)
        return value

    return wrapped


def _caller():
    """The function of the product on whose behalf remote/host.py or remote/runs.py works: "steps.ensure_mounted"."""
    frame = sys._getframe(2)
    while frame:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("remote.") and module not in ("remote.host", "remote.runs"):
            return f"{module.removeprefix('remote.')}.{frame.f_code.co_name.lstrip('_')}"
        frame = frame.f_back
    return "fabfile"
