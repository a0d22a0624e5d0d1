"""Looks at living runs, each in a thread and over a connection of its own: one that is silent delays no other."""

import math
import threading
import time
from dataclasses import dataclass, field

from remote import history, host, own_host, runs, steps
from remote.errors import Failure, NotFound
from remote.explain import aws_errors, explain
from remote.live import alive, glance

EVERY_S = 2  # a run is looked at
FIND_EVERY_S = 15  # AWS is asked what lives
CONNECT_S = 8
FIRST_LOOK_S = 10  # after which a run is one that doesn't answer
SEEN_LOSSES = 200


@dataclass
class Watched:
    """A living run and what was last seen of it. problem: why nothing is seen now. gone: it lives no more."""

    living: alive.Living
    seen: glance.Glance | None = None
    problem: str = ""
    gone: bool = False
    losses: list = field(default_factory=list)  # seen while it was watched
    log_bytes: int = 0  # of its log, for somebody who reads it
    looked: threading.Event = field(default_factory=threading.Event)  # once at least, with whatever success
    wake: threading.Event = field(default_factory=threading.Event)  # look now

    @property
    def run(self):
        return self.living.run


@dataclass
class Watch:
    """All runs that live. find: called without arguments, gives ([alive.Living], [problem])."""

    find: object
    watched: dict = field(default_factory=dict)  # Watched by run id
    problems: list = field(default_factory=list)


def look_around(watch):
    """Find what lives, and begin to look at what is new."""
    found, watch.problems = watch.find()
    for living in found:
        known = watch.watched.get(living.run.id)
        if known is None or known.gone:
            one = watch.watched[living.run.id] = Watched(living)
            threading.Thread(target=_keep_looking, args=[one], daemon=True).start()


def keep_looking_around(watch):
    """The same from time to time, in a thread, until the process ends."""

    def look():
        while True:
            time.sleep(FIND_EVERY_S)
            try:
                look_around(watch)
            except Exception as error:  # a thread that dies says nothing: whatever it is, it is shown
                watch.problems = [_in_words(error)]

    threading.Thread(target=look, daemon=True).start()


def first_rows(watch):
    """rows(), once each run has been looked at, or hasn't answered for a while."""
    ends = time.monotonic() + FIRST_LOOK_S
    for one in list(watch.watched.values()):
        one.looked.wait(max(0, ends - time.monotonic()))
    return rows(watch)


def rows(watch):
    """A dict per run, see row()."""
    return [row(one) for one in list(watch.watched.values())]


def _keep_looking(one):
    """Look at a run until it is gone."""
    machine = None
    while not one.gone:
        machine = look(one, machine)
        one.looked.set()
        one.wake.wait(EVERY_S)
        one.wake.clear()


def look(one, machine=None):
    """Look at a run, over the connection there is or a new one; returns the Host, None when it doesn't answer."""
    try:
        _reread(one.run)
        machine = machine or _connect(one.living)
        one.seen = glance.take(machine, steps.folder(one.run), one.log_bytes)
        one.problem, one.gone = "", bool(one.run.closed)
        _remember_loss(one)
        return machine
    except NotFound:
        one.gone = True
    except Exception as error:  # as above
        one.problem = _in_words(error)
    if machine:
        host.close(machine)
    return None


def looked_at(living):
    """A Watched that has been looked at once."""
    one = Watched(living)
    machine = look(one)
    if machine:
        host.close(machine)
    return one


def _in_words(error):
    if isinstance(error, aws_errors()):
        error = explain(error)
    return error.message if isinstance(error, Failure) else f"{type(error).__name__}: {error}"


def _connect(living):
    """A Host for looking: unlike steps.connect it opens no port, for looking changes nothing."""
    if living.run.host:
        return own_host.connect(living.aws, living.run)
    return host.connect(steps.login(living.aws, living.run), CONNECT_S)


def _reread(run):
    """Its record may have changed meanwhile: another instance, another deadline."""
    for name, value in vars(runs.load(run.folder)).items():
        setattr(run, name, value)


def _remember_loss(one):
    loss = one.seen.progress.get("loss")
    if loss is not None and one.losses[-1:] != [loss]:
        one.losses = [*one.losses, loss][-SEEN_LOSSES:]


def row(one):
    """What is known of a run now, as a flat dict for programs and for the table."""
    run, seen = one.run, one.seen or glance.Glance()
    progress = {} if seen.state == "waiting" else seen.progress
    return {
        "run": run.id,
        "job": run.jobs,
        "elsewhere": one.living.elsewhere,
        "machine": run.host or run.instance_type,
        "state": _state(one),
        "exit_code": run.exit_code if seen.exit_code is None else seen.exit_code,
        **{name: progress.get(name) for name in ("epoch", "epochs", "step", "steps", "loss", "seconds_left")},
        "share": share(progress),
        "losses": seen.losses if len(seen.losses) > 2 else one.losses,
        "gpus": [vars(gpu) for gpu in seen.gpus.values()],
        "stalls": seen.stalls,
        "problem": one.problem,
        "dollars": round(history.cost(run), 4),
        "dollars_at_most": round(history.cost(run, run.deadline), 4) if run.deadline else None,
        "deadline": run.deadline,
    }


def _state(one):
    """starting, running, stalled, ended, lost, over (its machine has gone), or no answer."""
    if one.gone:
        return "over"
    if one.problem:
        return "no answer"
    if one.seen is None or one.seen.state == "waiting":
        return "starting"
    return "stalled" if one.seen.state == "running" and one.seen.stalls else one.seen.state


def share(progress):
    """How much of the training is done, 0 to 1; None when the job doesn't say."""
    epoch, epochs = progress.get("epoch"), progress.get("epochs")
    if not epoch or not epochs:
        return None
    step, steps_in_epoch = progress.get("step") or 0, progress.get("steps") or 1
    done = (epoch - 1 + step / steps_in_epoch) / epochs
    return min(1.0, max(0.0, done)) if math.isfinite(done) else None
