"""One lane of the matrix: plays the cases that it is given, one after the other, in worlds of its own.

    python -m tests.faults.lane FOLDER [say]        in a copy of the checkout; matrix.py starts it

Reads a case as a line of JSON from stdin and answers with a line on stdout. "record" is answered with the places of a
run without faults.
"""

import gc
import importlib
import json
import os
import pkgutil
import sys
import time
import traceback
from pathlib import Path

from tests.faults import recovery, verdict
from tests.faults.cases import Case
from tests.faults.world import World, journal_of

CASES_IN_A_WORLD = 40
SAID_LINES = 40


def main(folder):
    _import_all()
    _parse_each_file_once()
    gc.freeze()  # a fork then copies fewer pages
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worlds = Worlds(folder)
    try:
        for line in sys.stdin:
            answers.write(json.dumps(answer(worlds, json.loads(line))) + "\n")
            answers.flush()
    finally:
        worlds.close()


def answer(worlds, question):
    """The places of a run for "record", the row of a case for a case."""
    if question == "record":
        return record(worlds.next())
    case = Case(**question)
    try:
        return play(worlds.next(), case)
    except Exception:
        worlds.close()
        return _not_played(case, traceback.format_exc())


class Worlds:
    """One world after the other: moto never forgets an instance, and searches them all."""

    def __init__(self, folder):
        self.folder, self.world, self.used = folder, None, 0

    def next(self):
        """The world for the next case."""
        if self.used % CASES_IN_A_WORLD == 0:
            self.close()
        if self.world is None:
            self.world = World(self.folder / f"world-{self.used}")
        self.used += 1
        return self.world

    def close(self):
        if self.world:
            self.world.close()
        self.world = None


def _import_all():
    """Whatever a command may need, once and here."""
    import remote

    importlib.import_module("fabfile")
    for module in pkgutil.walk_packages(remote.__path__, "remote."):
        if not module.name.startswith("remote.embedded."):
            importlib.import_module(module.name)


def _parse_each_file_once():
    """botocore's descriptions of services, which every client of every command would read anew."""
    import botocore.session
    from botocore.loaders import create_loader

    loader = create_loader()
    botocore.session.create_loader = lambda *_: loader


def record(world):
    """The places of a run to which nothing happens: [[kind, label, number, moment], ...]."""
    world.begin("record")
    file = world.case / "places"
    done = recovery.train(world, record=file)
    assert done.code == 0, done.stderr
    found = [json.loads(line) for line in file.read_text().splitlines()]
    world.sweep()
    return found


def play(world, case):
    """A case from its first command to its verdict, as a dict for the results."""
    world.begin(case.name)
    began, started = time.time() + world.ahead_s, time.monotonic()
    victim = recovery.train(world, options=case.options, strike=case.strikes)
    outcomes, wrong = [victim], verdict.of_commands([victim])  # also of one that went another way
    if victim.reached:
        outcomes, wrong = _played_on(world, case, victim, began)
    row = {
        "case": case.name,
        "step": case.step,
        "kind": case.kind,
        "fault": case.fault,
        "recovery": case.recovery,
        "then_next": case.then_next,
        "outcome": "violated" if wrong else "held" if victim.reached else "not reached",
        "violations": wrong,
        "commands": [f"{one.words[0]} {one.code}" for one in outcomes],
        "seconds": round(time.monotonic() - started, 1),
    }
    if wrong or "say" in sys.argv:
        row["said"] = ["\n".join(one.stderr.splitlines()[-SAID_LINES:]) for one in outcomes]
    world.sweep()
    return row


def _not_played(case, why):
    """The row of a case that the matrix itself could not play."""
    row = {name: getattr(case, name) for name in ("step", "kind", "fault", "recovery")} | {"case": case.name}
    said = {"outcome": "violated", "violations": ["the matrix failed, not the product"], "said": [why]}
    return row | said | {"commands": [], "seconds": 0}


def _played_on(world, case, victim, began):
    """(outcomes, violations): the recovery, and the next run where it is wanted."""
    from remote.embedded import orders

    half_done = verdict.of_files(journal_of(world), _folders(world))
    orders.clear(world.cloud)
    outcomes = [victim, *recovery.recover(world, case.recovery, victim)]
    recovery.let_schedules_end(world)
    wrong = [*half_done, *verdict.of_world(world, began), *verdict.leftovers(world), *verdict.of_commands(outcomes)]
    wrong += verdict.of_results(journal_of(world), _folders(world))
    wrong += verdict.of_recovery(case.recovery, outcomes)
    if case.then_next:
        following = recovery.train(world, number=2)
        outcomes.append(following)
        if following.code != 0:
            wrong.append(f"the next run exited with {following.code}")
    return outcomes, wrong


def _folders(world):
    return [world.case / at / run_id for at in ("home", "elsewhere") for run_id in world.run_ids(at)]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
