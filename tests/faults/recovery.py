"""What a user, or cron, does after something went wrong: nothing until the deadline; the same again; from elsewhere."""

from remote import dead_man
from tests.faults import cases, disks
from tests.faults.world import journal_of

LIMIT_S = 4 * 3600  # max_hours


def recover(world, how, victim):
    """Do it; returns the Outcomes of the commands. victim: the Outcome of the command that met the fault."""
    return {
        cases.NOTHING: nothing_until_the_deadline,
        cases.AGAIN: the_same_again,
        cases.ITSELF: the_same_again,
        cases.ELSEWHERE: from_elsewhere,
    }[how](world, victim)


def train(world, number=1, options=(), **how):
    """The Outcome of `fab train` of the counting job."""
    return world.fab("train", "--job", "count", "--set", f"journal={journal_of(world, number)}", *options, **how)


def the_same_again(world, victim):
    """fab resume; where there is no record yet, the command itself."""
    if victim.code == 0:
        return []
    if not world.living():
        disks.mount_again(world.state)
    known = world.run_ids()
    return [world.fab("resume", "--run", known[-1]) if known else train(world)]


def nothing_until_the_deadline(world, victim):
    """Hours pass. Then whoever finds the volume brings its results home, and cron's reap clears up."""
    pass_the_deadline(world)
    done = [world.fab("pull", "--run", run_id, at="elsewhere") for run_id in _with_volumes(world)]
    return [*done, *([] if victim.code == 0 else cleared_up(world))]


def from_elsewhere(world, victim):
    """Another computer, with nothing but the credentials: it watches, brings home, and clears up after the deadline."""
    if victim.code == 0:
        return []
    found = _with_anything(world)
    done = [world.fab(task, "--run", run_id, at="elsewhere") for run_id in found for task in ("follow", "pull")]
    pass_the_deadline(world)
    return [*done, *cleared_up(world)]


def pass_the_deadline(world):
    """Hours pass: first the instances' own deadline, then AWS's for what outlived that."""
    world.advance(LIMIT_S + 60)
    world.all_ended(within_s=4)
    world.advance(dead_man.SPARE_S)
    world.all_ended()
    disks.mount_again(world.state)


def let_schedules_end(world):
    """A schedule that could not be deleted is free, ends nothing, and deletes itself when its time comes."""
    if world.left()["schedule"]:
        pass_the_deadline(world)


def cleared_up(world):
    """cron's reap, then what it says about a volume that it keeps: that there may be results on it to pull."""
    done = world.fab("reap", "--yes", "--region", world.ec2.meta.region_name, at="elsewhere")
    kept = [run_id for run_id in _with_volumes(world) if f"bin/fab pull --run {run_id}" in done.stdout]
    return [done, *(world.fab("pull", "--run", run_id, at="elsewhere") for run_id in kept)]


def _with_volumes(world):
    return _runs_of(world.ec2.describe_volumes()["Volumes"])


def _with_anything(world):
    return _runs_of([*world.living(), *world.ec2.describe_volumes()["Volumes"]])


def _runs_of(described):
    """Ids of the runs that these things' tags name."""
    return sorted({tag["Value"] for one in described for tag in one.get("Tags", ()) if tag["Key"] == "gpu-job:run"})
