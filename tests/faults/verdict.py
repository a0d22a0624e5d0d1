"""What must hold after every case, whatever happened in it. Each check returns sentences: what does not hold."""

import hashlib
import json
from collections import defaultdict

from remote import dead_man, tags
from remote.embedded import orders
from tests.faults import cases

DOCUMENTED = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130}
ALIVE = ("pending", "running", "stopping", "stopped")
LATE_S = dead_man.SPARE_S + 120  # after its deadline AWS's own schedule must have ended an instance
MUST_CARRY = (tags.RUN, tags.MANAGED, tags.DEADLINE, tags.OWNER)


def of_world(world, began):
    """No second instance, none past its deadline, nothing without tags. began: on the cloud's clock."""
    lives = _lives(world, began)
    described = world.instances(InstanceIds=list(lives)) if lives else []
    carried = {one["InstanceId"]: tags.tags_of(one) for one in described}
    return [*of_instances(lives, carried), *untagged(world)]


def of_instances(lives, carried):
    """lives: {instance id: (from, to)} in seconds since the epoch. carried: {instance id: its tags}."""
    wrong, of_run = [], defaultdict(list)
    for instance, (start, end) in lives.items():
        of_run[carried[instance].get(tags.RUN, "")].append((start, end, instance))
        deadline = tags.moment(carried[instance].get(tags.DEADLINE))
        if deadline is None or end > deadline.timestamp() + LATE_S:
            wrong.append(f"{instance} lived past its deadline")
    for run_id, spans in of_run.items():
        spans.sort()
        if any(later[0] < earlier[1] for earlier, later in zip(spans, spans[1:], strict=False)):
            wrong.append(f"{run_id} had two instances at once")
    return wrong


def _lives(world, began):
    """{instance id: (when it was granted, when its end began)} of the instances of a case, on the cloud's clock."""
    lives = {}
    for entry in orders.state_log(world.cloud):
        if entry["time"] >= began:
            start, end = lives.get(entry["instance"], (entry["time"], float("inf")))
            over = entry["state"] not in ALIVE
            lives[entry["instance"]] = start, min(end, entry["time"]) if over else end
    return lives


def untagged(world):
    """Things that cost something and don't say whose they are."""
    left = world.left()
    named = {"instance": "InstanceId", "volume": "VolumeId", "snapshot": "SnapshotId"}
    return [
        f"{one[name]} lacks the tag {tag}"
        for kind, name in named.items()
        for one in left[kind]
        for tag in MUST_CARRY
        if tag not in tags.tags_of(one)
    ]


def leftovers(world):
    """What is still there at the end of a case, when everything ought to be gone."""
    return [f"{len(found)} {kind} left" for kind, found in world.left().items() if found]


def of_commands(outcomes):
    """Exit codes as documented, one line instead of a traceback, an end within patience."""
    wrong = []
    for outcome in outcomes:
        name = f"fab {outcome.words[0]}"
        if outcome.code is None:
            wrong.append(f"{name} hung")
        elif outcome.code not in DOCUMENTED and outcome.code != -9:
            wrong.append(f"{name} exited with {outcome.code}, which is not documented")
        if "Traceback" in outcome.stderr:
            wrong.append(f"{name} printed a traceback")
    return wrong


def of_recovery(how, outcomes):
    """What meets one fault goes on by itself; and what was stopped goes on when it is asked to, to its end.

    A job may have failed meanwhile, on a full disk: then that is what the command says.
    """
    first, last = outcomes[0], outcomes[-1]
    if how == cases.ITSELF and first.code != 0:
        return [f"it was stopped by what it should get over: exit code {first.code}"]
    ended = last.code == 3 and "has ended" in last.stderr
    if how == cases.AGAIN and last.code not in (0, 5) and not ended:
        return [f"it could not be resumed: exit code {last.code}"]
    return []


def of_results(journal, folders):
    """Whole and complete in one of the folders: what the job had written by its last completed epoch.

    journal: the job's, kept outside its instance. folders: of the run, in the checkouts that may have brought it home.
    """
    entries, wrong = _entries(journal), of_files(journal, folders)
    saved = max((entry["saved"] for entry in entries if "saved" in entry), default=0)
    if saved and not any(_complete(entries, saved, folder) for folder in folders):
        wrong.append(f"epoch {saved} was saved and is not home")
    return wrong


def of_files(journal, folders):
    """What is home is what the job wrote, at every moment: nothing is ever half there under its final name."""
    entries = _entries(journal)
    return [sentence for folder in folders for sentence in _partial(entries, folder)]


def _entries(journal):
    return [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []


def _partial(entries, folder):
    """Results under their final names that the job never wrote so, and a log that is not the job's."""
    written = {(name, digest) for entry in entries for name, digest in entry.get("files", {}).items()}
    wrong = [
        f"out/{path.name} is not what the job wrote"
        for path in folder.glob("out/**/*")
        if path.is_file() and (path.name, _sha256(path)) not in written
    ]
    return wrong + _log(entries, folder)


def _log(entries, folder):
    """A line twice, missing, or out of order. The line before a start, or the last, may not have come to be written."""
    log = folder / "log"
    if not log.exists():
        return []
    home = [line for line in log.read_text(errors="replace").splitlines(keepends=True) if line.startswith("epoch ")]
    home = [line.rstrip("\n") for line in home if line.endswith("\n")]
    printed = [entry["line"] for entry in entries if "line" in entry]
    doubtful = {before.get("line") for before, after in zip(entries, entries[1:], strict=False) if "start" in after}
    expected = [line for line in printed if line in home or line not in doubtful]
    if home != expected[: len(home)]:
        return [f"{log.parent.name}/log lacks or repeats lines: {len(home)} of {len(printed)}"]
    return []


def _complete(entries, saved, folder):
    """Whether the folder has the results of that epoch, or of one that was being saved after it, and its log lines."""
    kept = folder / "out/checkpoint"
    if not kept.exists() or int(kept.read_text()) < saved:
        return False
    wanted = [entry["files"] for entry in entries if entry.get("saving", 0) >= saved]
    names = {name for files in wanted for name in files}
    if any(_sha256(folder / "out" / name) not in {files[name] for files in wanted} for name in names):
        return False
    last = max(index for index, entry in enumerate(entries) if entry.get("saved") == saved)
    lines = [entry["line"] for entry in entries[:last] if "line" in entry][-1:]
    log = (folder / "log").read_text(errors="replace") if (folder / "log").exists() else ""
    return all(line in log for line in lines)


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""
