"""The runs that there were and are, with what each cost: the folders here, and what AWS still has of them."""

import contextlib
import itertools

from remote import ec2, prices, runs, tables
from remote.errors import NotFound
from remote.tags import DEADLINE, JOB, tags_of

COLUMNS = ("run", "state", "machine", "started", "minutes", "dollars")


def rows(settings, living=(), last=20):
    """A dict per run, oldest first. living: [(run id, instance)] that AWS lists now, or () when it wasn't asked."""
    alive = dict(living)
    recent = list(itertools.islice(runs.newest(settings), last))[::-1]
    here = [row(run, alive.get(run.id)) for run in _readable(recent)]
    return here + [_foreign_row(run_id, one) for run_id, one in living if not runs.recorded(settings, run_id)]


def cost(run, until=None):
    """Dollars that a run has cost so far, machine, disks and address. until: ISO time, default: now or its end."""
    if not run.launched:
        return 0.0
    end = until or run.closed or min(filter(None, (run.deadline, runs.now())))
    return prices.run_cost(
        prices.Price(run.dollars_per_hour, "", ""), run.volume_gib, runs.seconds(run.launched, end) / 3600
    )


def month_to_date(settings):
    """Dollars of all runs of this checkout that were launched in the present calendar month (UTC)."""
    month = runs.now()[:7].replace("-", "")
    recent = itertools.takewhile(lambda folder: runs.made(folder) >= month, runs.newest(settings))
    return sum(cost(run) for run in _readable(recent))


def _readable(folders):
    """The Runs of the folders whose records can be read: a damaged one must not hide the others."""
    for folder in folders:
        with contextlib.suppress(NotFound):
            yield runs.load(folder)


def table(found):
    """The rows as lines of text."""
    return tables.table(COLUMNS, [[one[column] for column in COLUMNS] for one in found])


def row(run, instance=None):
    """What is known of a run, as a flat dict. instance: what AWS lists of it now, if it lives."""
    state = run.state
    if state in ("launched", "running", "ended") and instance is None:
        state += ", gone"  # its record says it lives, AWS doesn't
    minutes = runs.seconds(run.launched, run.closed or runs.now()) / 60 if run.launched else None
    return {
        "run": run.id,
        "job": run.jobs,
        "state": state,
        "exit_code": run.exit_code,
        "stall": run.stall,
        "machine": run.instance_type,
        "instance": run.instance_id,
        "volume": run.volume_id,
        "started": run.launched or run.created,
        "minutes": None if minutes is None else round(minutes, 1),
        "dollars": round(cost(run), 4),
        "deadline": run.deadline,
        "results": str(run.folder / "out") if run.pulled else "",
    }


def _foreign_row(run_id, instance):
    """A run that another checkout has launched, known from its tags."""
    tags = tags_of(instance)
    launched = instance["LaunchTime"].isoformat(timespec="seconds")
    return {
        "run": run_id,
        "job": tags.get(JOB, ""),
        "state": f"{instance['State']['Name']}, elsewhere",
        "exit_code": None,
        "stall": "",
        "machine": instance["InstanceType"],
        "instance": instance["InstanceId"],
        "volume": "",
        "started": launched,
        "minutes": round(ec2.hours_since(launched) * 60, 1),
        "dollars": None,
        "deadline": tags.get(DEADLINE, ""),
        "results": "",
    }
