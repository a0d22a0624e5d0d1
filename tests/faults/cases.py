"""The matrix: the places of a recorded run, crossed with what can go wrong there and with what is done afterwards."""

import fnmatch
import random
from collections import defaultdict
from dataclasses import asdict, dataclass

from tests.faults import disks
from tests.faults.places import AFTER, BEFORE, DURING

NOTHING, AGAIN, ELSEWHERE, ITSELF = "deadline", "resume", "elsewhere", "itself"
RECOVERIES = (NOTHING, AGAIN, ELSEWHERE)
# Errors of its own kind that a request may get, once: a run must get over that by itself.
ONCE = ("throttle", "error", "lost-request", "silence")
FOR_EVER = ("throttle", "error", "denied")
READING = ("Describe", "Get")  # nothing in the cloud depends on whether its work was done when the reply is lost
# Today's price, and AWS's own deadline: a run goes on without them.
OPTIONAL = ("GetProducts", "GetCallerIdentity", "CreateSchedule", "UpdateSchedule", "DeleteSchedule")
OWN_KIND = {"RunInstances": ("capacity", "quota"), "CreateVolume": ("volume-quota",)}
SPOT = ("--market", "spot")
MOUNT = "ssh-steps.ensure_mounted"  # until then nobody has looked at the volume
# The steps of a run, each with its last place.
STEPS = (
    ("plan", ("file", "record.request.record")),
    ("launch", ("file", "record.launch.ensure_launched")),
    ("boot", ("ssh", "connect")),
    ("volume", ("file", "record.steps.ensure_mounted")),
    ("copy", ("ssh", "transfer.send")),
    ("start", ("ssh", "steps.ensure_started")),
    ("follow", ("file", "record.steps.follow_to_end")),
    ("pull", ("file", "record.steps.pull")),
    ("end", None),
)


@dataclass(frozen=True)
class Case:
    """place: as Place's text. moment and deed: when there what is done. options: more words for `fab train`."""

    name: str
    step: str
    place: str
    kind: str
    moment: str
    fault: str
    deed: tuple
    recovery: str
    small_disk: bool = False  # whether its volume has a file system of its own, small and breakable; needs root
    options: tuple = ()
    then_next: bool = False  # whether the next run is tried too

    @property
    def strikes(self):
        """[(place, moment, deed)]: what is prepared, then what happens."""
        prepared = [(MOUNT, BEFORE, ("small-disk",))] if self.small_disk else []
        return [*prepared, (self.place, self.moment, self.deed)]

    def as_dict(self):
        return asdict(self)


def cross(recorded):
    """All cases. recorded: [(kind, label, number, moment)] of a run, in order."""
    numbered = _numbered(recorded)
    rented = numbered[("api", "RunInstances", 1)][0]
    mounts = numbered[("ssh", "steps.ensure_mounted", 1)][0]
    over = numbered[("api", "TerminateInstances", 1)][0]
    steps, found = _step_of(numbered), []
    for (kind, label, number), (ordinal, moments) in numbered.items():
        text = f"{kind}-{label}" + (f"-{number}" if number > 1 else "")
        name = f"{kind}-{ordinal:03}-{label}" + (f"-{number}" if number > 1 else "")
        lives = (rented < ordinal < over) + (mounts <= ordinal < over)
        for fault, moment, deed, recoveries, options in _faults((kind, label, number), moments, lives):
            for recovery in recoveries:
                small = deed[0] in ("full", "read-only")
                words = (kind, moment, fault, deed, recovery, small, options)
                found.append(Case(f"{name}/{fault}/{recovery}", steps[ordinal], text, *words))
    return _with_next_runs(found)


def _numbered(recorded):
    """{(kind, label, number): (ordinal, moments)} in order; requests that are sent at once, by their numbers."""
    moments, slots = defaultdict(list), []
    for kind, label, number, moment in recorded:
        if moment == BEFORE:
            slots.append((kind, label, 1 + sum(slot[:2] == (kind, label) for slot in slots)))
        moments[kind, label, number].append(moment)
    return {place: (ordinal, moments[place]) for ordinal, place in enumerate(slots, 1)}


def _step_of(numbered):
    """{ordinal of a place: the step of the run that it belongs to}."""
    lasts = {numbered[(*last, 1)][0]: step for step, last in STEPS if last}
    steps, of = list(STEPS), {}
    for ordinal in range(1, len(numbered) + 1):
        of[ordinal] = steps[0][0]
        if ordinal in lasts:
            steps.pop(0)
    return of


def _faults(place, moments, lives):
    """(fault, moment, deed, recoveries, options) of one place: (kind, label, number).

    lives: 1 while there is an instance, 2 while it has a volume.
    """
    kind, label, number = place
    for moment in moments:
        yield f"killed-{moment}", moment, ("kill",), RECOVERIES, ()
    if kind == "api" and label != "address":
        yield from _refusals(label, number)
    if kind == "ssh":
        yield from _breaks([moment for moment in moments if moment != AFTER])
    moment = DURING if DURING in moments else BEFORE
    if lives > 1 and (kind == "ssh" or label == "log"):
        mounted = AFTER if label == "steps.ensure_mounted" else moment  # it is formatted in between
        yield "full", mounted, ("full",), RECOVERIES, ()
        yield "read-only", mounted, ("read-only",), RECOVERIES, ()
    if lives and kind in ("api", "ssh"):
        yield "vanished", moment, ("vanish",), RECOVERIES, ()
        yield "interrupted", moment, ("interrupt",), RECOVERIES, SPOT


def _refusals(label, number):
    """The request is answered otherwise, or not at all, once or for ever.

    A reading request that fails leaves the cloud as it was: of the recoveries each gets one, in turn.
    """
    lost = () if label.startswith(READING) else ("lost-reply",)
    for refusal in ONCE + lost:
        yield f"{refusal}-once", BEFORE, ("refuse", refusal, "once"), (ITSELF,), ()
    for index, refusal in enumerate(FOR_EVER + lost + OWN_KIND.get(label, ())):
        one = RECOVERIES[(number + index) % len(RECOVERIES)]
        recoveries = (ITSELF,) if label in OPTIONAL else (one,) if label.startswith(READING) else RECOVERIES
        yield f"{refusal}-always", BEFORE, ("refuse", refusal, "always"), recoveries, ()


def _breaks(moments):
    """The connection is cut, or goes silent."""
    for moment in moments:
        yield f"cut-{moment}", moment, ("cut",), RECOVERIES, ()
        yield f"frozen-{moment}", moment, ("freeze",), RECOVERIES, ()


def _with_next_runs(cases):
    """The cases; for each place one of them, not always of the same kind, is followed by another run."""
    by_place = defaultdict(list)
    for case in cases:
        by_place[case.place].append(case)
    chosen = {random.Random(place).choice(among).name for place, among in by_place.items()}
    return [Case(**case.as_dict() | {"then_next": case.name in chosen}) for case in cases]


def playable(cases):
    """Those that this machine can play: for some one must be root."""
    return [case for case in cases if disks.usable() or not case.small_disk]


def matching(cases, patterns):
    """The cases whose names match one of the shell patterns; all, when there is none."""
    return [case for case in cases if not patterns or any(fnmatch.fnmatch(case.name, one) for one in patterns)]


def sample(cases, count, seed):
    """So many of the cases: of each stratum (kind of place, fault, recovery) as many as of any other, or all it has."""
    dice, strata = random.Random(seed), defaultdict(list)
    for case in cases:
        strata[case.kind, case.fault, case.recovery].append(case)
    for stratum in strata.values():
        dice.shuffle(stratum)
    chosen, columns = [], list(strata.values())
    dice.shuffle(columns)
    while len(chosen) < min(count, len(cases)):
        chosen += [stratum.pop() for stratum in columns if stratum]
    return chosen[:count]
