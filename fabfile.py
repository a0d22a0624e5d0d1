"""The command line: thin tasks, in the order of a run's life. See them: bin/fab --list; one: bin/fab --help TASK."""

import datetime
import functools
import json as jsons

import fabric
from invoke import Collection

from remote import (
    dead_man,
    deadline_role,
    doctor,
    embedded,
    follow,
    history,
    host,
    launch,
    lifecycle,
    listings,
    options,
    plan,
    program,
    reap,
    report,
    request,
    run_volume,
    runs,
    settings,
    steps,
    story,
    tags,
    volumes,
)
from remote import ec2 as machines
from remote.aws import Aws
from remote.cloud import Cloud
from remote.errors import JobFailed, NotFound

task = functools.partial(fabric.task, auto_shortflags=False)  # -h for --ssh-cidr would surprise

CLOUDS = {
    "aws": lambda _chosen: Cloud(),  # boto3 finds the way by itself
    "embedded": lambda chosen: embedded.connect(chosen.runs / ".embedded", chosen.region),
}
RUN = {"run": "a run's id; the newest if not given"}
JSON = {"json": "for programs: JSON on stdout"}


@task(name="train", **options.task_arguments(JSON | {"detach": "return once the job has started"}))
@options.of_a_run
def train(c, given, detach=False, json=False):
    """The whole life of a run: launch to verified results."""
    aws, run = _new(c, given)
    story.say("plan", plan.sentence(run, [] if run.host else plan.ladder(aws)))
    lifecycle.train(aws, run, detach)
    _print(json, history.row(run), run.id if detach else None)


@task(name="plan", **options.task_arguments(JSON))
@options.of_a_run
def show_plan(c, given, json=False):
    """What a run would use and cost at most; rents nothing."""
    aws, run = _new(c, given)
    limits = plan.ladder(aws)
    for note in plan.notes(aws):
        story.say("plan", note)
    _print(json, plan.as_dict(run, limits), f"{plan.table(limits)}\n\n{plan.parameter_table(run)}")


@task(name="launch", **options.task_arguments())
@options.of_a_run
def launch_(c, given):
    """Step 1 by hand: record the run, start its instance, wait for SSH."""
    aws, run = _new(c, given)
    request.record(run)
    with runs.locked(run), lifecycle.undone_if_stopped(aws, run):
        launch.ensure_launched(aws, run)
        steps.ensure_booted(aws, run)
    print(run.id)


@task(help=RUN)
def attach(c, run=""):
    """Step 2 by hand: make, attach, format if blank, and mount the volume."""
    aws, found = _existing(c, run)
    with runs.locked(found):
        steps.ensure_mounted(aws, found, steps.connect(aws, found))


@task(help=RUN)
def copy(c, run=""):
    """Step 3 by hand: send jobs, scripts, parameters and data."""
    aws, found = _existing(c, run)
    with runs.locked(found):
        steps.ensure_copied(found, steps.connect(aws, found))


@task(name="run", help=RUN)
def run_(c, run=""):
    """Step 4 by hand: start the job under nohup."""
    aws, found = _existing(c, run)
    with runs.locked(found):
        steps.ensure_started(aws, found, steps.connect(aws, found))


@task(help=RUN)
def resume(c, run=""):
    """Go on with a run wherever it stopped, to verified results."""
    aws, found = _existing(c, run)
    with runs.locked(found):
        lifecycle.resume(aws, found)


@task(name="follow", help=RUN)
def follow_(c, run=""):
    """Show the log from where it was left, until the job ends."""
    aws, found = _existing(c, run)
    with runs.locked(found), lifecycle.detached_if_stopped(found):
        steps.follow_to_end(aws, found)
    if found.exit_code not in (0, follow.TAKEN):
        raise JobFailed(report.followed(found))
    story.say("follow", report.followed(found))


@task(help=RUN)
def gpu(c, run=""):
    """nvidia-smi of the run's instance."""
    aws, found = _existing(c, run)
    output = host.script(steps.connect(aws, found), "gpu.sh", check=False)
    print(follow.gpu_line(output.text) or output.stderr.decode(errors="replace").strip())


@task(help=RUN)
def pull(c, run=""):
    """Bring the results home, verified; rescues them from a volume."""
    aws, found = _existing(c, run)
    with runs.locked(found):
        lifecycle.pull_or_rescue(aws, found)


@task(help=RUN | {"discard": "without bringing home what is not home yet", "yes": "do not ask"})
def terminate(c, run="", discard=False, yes=False):
    """End a run: job saved, results home, machine off, volume by policy."""
    aws, found = _existing(c, run)
    if discard:
        story.confirm(f"Throw away what {found.id} has written and not pulled?", yes)
    with runs.locked(found):
        lifecycle.stop(aws, found, discard)


@task(name="runs", help=JSON | {"last": "how many of the newest to show"})
def runs_(c, json=False, last=20):
    """The runs that there were and are, and what they cost."""
    aws = _aws(c)
    found = history.rows(aws.settings, machines.list_runs(aws.ec2), int(last))
    month = f"\n\nthis month: ${history.month_to_date(aws.settings):.2f}"
    _print(
        json, found, (history.table(found) + month) if found else "No run yet. Start one: bin/fab train --job lstm_aiw"
    )


@task(help=RUN | JSON)
def status(c, run="", json=False):
    """One run: where it is, how far it is, what it has cost."""
    aws, found = _existing(c, run)
    instance = None if found.host else machines.find(aws.ec2, found.id)
    row = history.row(found, instance if machines.alive(instance) else None)
    _print(json, row, "\n".join(f"{name:<10}{value}" for name, value in row.items() if value not in ("", None)))


@task(name="reap", help=JSON | {"yes": "end them; without, only list them", "region": "one region; all if not given"})
def reap_(c, yes=False, region="", json=False):
    """What was left over anywhere, what it costs a day; ends it on --yes."""
    aws = _aws(c)
    regions = [region] if region else reap.enabled_regions(aws.ec2)
    found = reap.find(aws.ec2_in, regions, datetime.datetime.now(datetime.UTC), aws.scheduler_in)
    failed = reap.end(aws.ec2_in, found, aws.scheduler_in) if yes else []
    _print(json, listings.orphans_as_dicts(found), listings.orphans_as_text(found, yes, len(regions)))
    for orphan, failure in failed:
        story.say("reap", f"{orphan.id} could not be ended: {failure}")
    if failed:
        raise failed[0][1]


@task(help={"remove": "delete it again"})
def setup(c, remove=False):
    """Once per account: the role with which AWS itself ends machines."""
    aws = _aws(c)
    arn = dead_man.role_arn(aws)
    if remove:
        print(f"{arn}: {deadline_role.remove(aws.iam, aws.settings.deadline_role)}")
    else:
        print(f"{arn}: {deadline_role.ensure(aws.iam, arn)}. It can end what is tagged {tags.MANAGED}=true.")


@task(
    name="volumes",
    help=JSON
    | {"create": "a name for a new one, of volume_gib", "zone": "where; the region's first if not given"}
    | {"snapshot": "the name of a volume to snapshot", "delete": "the name of one to delete", "yes": "do not ask"},
)
def volumes_(c, create="", zone="", snapshot="", delete="", yes=False, json=False):
    """Data volumes: age, size, dollars a month, attached to what."""
    aws = _aws(c)
    if create:
        print(run_volume.create_named(aws, create, zone).id)
    elif snapshot:
        volume = _named(aws, snapshot)
        print(volumes.snapshot(aws.ec2, volume, volume.tags))
    elif delete:
        volume = _named(aws, delete)
        story.confirm(f"Delete volume {delete!r} ({volume.id}, {volume.size_gib} GiB) and all that is on it?", yes)
        volumes.delete(aws.ec2, volume.id)
    else:
        found = volumes.list_all(aws.ec2)
        _print(json, listings.volumes_as_dicts(found), listings.volumes_as_text(found))


@task(name="doctor", help=JSON)
def doctor_(c, json=False):
    """What a run needs, checked: ok, or what is wrong and what mends it."""
    found = doctor.examine(_aws(c))
    _print(json, doctor.as_dicts(found), doctor.as_text(found))
    failure = doctor.verdict(found)
    if failure:
        raise failure


@task(name="embedded", help=JSON | {"stop": "end it and all its instances", "start": "start it, if it isn't running"})
def embedded_(c, start=False, stop=False, json=False):
    """Show, start or stop the EC2 in a box on this machine."""
    chosen = settings.read(c.config)
    state = chosen.runs / ".embedded"
    if stop:
        embedded.stop(state)
    elif start:
        CLOUDS["embedded"](chosen)
    found = embedded.status(state)
    lines = [f"{name:<14}{value}" for name, value in (found or {}).items()]
    _print(json, found, "\n".join(lines) or "Not running. Commands start it when they need it (cloud: embedded).")


def _aws(c, run=None, **given):
    """The Aws that a command works on; for an existing run, the one that the run was launched in."""
    where = run.options | {"cloud": run.cloud, "region": run.region} if run else {}
    chosen = settings.read(c.config, given | where)
    if isinstance(c, fabric.Connection) or (run and run.host):
        return Aws(chosen, Cloud())  # never asked
    return Aws(chosen, settings.choose(CLOUDS, chosen.cloud)(chosen))


def _new(c, given):
    """(Aws, Run) for what options.of_a_run has collected: checked, neither recorded nor rented."""
    aws = _aws(c, **given.settings)
    run = request.new_run(aws.settings, given.job, given.set)
    run.options = given.settings
    if isinstance(c, fabric.Connection):  # bin/fab -H user@box train: a machine that is there already
        run.host = f"{c.user}@{c.original_host}:{c.port}"  # as typed: ssh_config has more to say about it than a name
    return aws, run


def _existing(c, run_id):
    """(Aws, Run) of an id, or of the newest run. One that this checkout doesn't know is looked for by its tags."""
    chosen = settings.read(c.config)
    try:
        run = runs.find(chosen, run_id)
    except NotFound:
        if not run_id or (chosen.runs / run_id).exists():
            raise
        aws = _aws(c)
        return aws, launch.adopt(aws, run_id)
    return _aws(c, run), run


def _named(aws, name):
    volume = volumes.find_named(aws.ec2, name)
    if volume is None:
        raise NotFound(f"No volume named {name!r} in {aws.settings.region}. See what there is: bin/fab volumes")
    return volume


def _print(as_json, value, text=None):
    """The result on stdout: value as JSON, or the text for people, if there is any."""
    if as_json:
        print(jsons.dumps(value, indent=1))
    elif text is not None:
        print(text)


TASKS = Collection(
    *(train, show_plan, launch_, attach, copy, run_, resume, follow_, gpu, pull, terminate),
    *(runs_, status, reap_, volumes_, setup, doctor_, embedded_),
)

if __name__ == "__main__":
    program.main(TASKS)
