"""The command line: thin tasks, in the order of a run's life. See them: bin/fab --list; one: bin/fab --help TASK."""

import remote.quiet  # noqa: F401  # isort: skip  # first, for the imports take their time
from invoke import Collection

from remote import (
    follow,
    history,
    host,
    launch,
    lifecycle,
    notify,
    options,
    plan,
    program,
    report,
    request,
    runs,
    steps,
    story,
)
from remote.commands import account, looking
from remote.commands.context import JSON, RUN, existing_run, new_run, show, task
from remote.errors import JobFailed


@task(name="train", **options.task_arguments(JSON | {"detach": "return once the job has started"}))
@options.of_a_run
def train(c, given, detach=False, json=False):
    """The whole life of a run: launch to verified results."""
    aws, run = new_run(c, given)
    story.say("plan", plan.sentence(run, [] if run.host else plan.ladder(aws)))
    lifecycle.train(aws, run, detach)
    show(json, history.row(run), run.id if detach else None)


@task(name="plan", **options.task_arguments(JSON | {"offline": "ask nobody: prices of a dated table"}))
@options.of_a_run
def show_plan(c, given, offline=False, json=False):
    """What a run would use and cost at most; rents nothing."""
    aws, run = new_run(c, given, offline)
    limits = plan.ladder_unasked(aws.settings) if offline else plan.ladder(aws)
    for note in plan.notes(aws):
        story.say("plan", note)
    show(json, plan.as_dict(run, limits), f"{plan.table(limits)}\n\n{plan.parameter_table(run)}")


@task(name="launch", **options.task_arguments())
@options.of_a_run
def launch_(c, given):
    """Step 1 by hand: start an instance, wait for SSH."""
    aws, run = new_run(c, given)
    request.record(run)
    with runs.locked(run), lifecycle.undone_if_stopped(aws, run):
        launch.ensure_launched(aws, run)
        steps.ensure_booted(aws, run)
    print(run.id)


@task(help=RUN)
def attach(c, run=""):
    """Step 2 by hand: make, attach and mount the volume."""
    aws, found = existing_run(c, run)
    with runs.locked(found):
        steps.ensure_mounted(aws, found, steps.connect(aws, found))


@task(help=RUN)
def copy(c, run=""):
    """Step 3 by hand: send jobs, scripts and data."""
    aws, found = existing_run(c, run)
    with runs.locked(found):
        steps.ensure_copied(found, steps.connect(aws, found))


@task(name="run", help=RUN)
def run_(c, run=""):
    """Step 4 by hand: start the job under nohup."""
    aws, found = existing_run(c, run)
    with runs.locked(found):
        steps.ensure_started(aws, found, steps.connect(aws, found))


@task(help=RUN)
def resume(c, run=""):
    """Go on with a run wherever it stopped, to verified results."""
    aws, found = existing_run(c, run)
    with runs.locked(found):
        lifecycle.resume(aws, found)


@task(name="follow", help=RUN)
def follow_(c, run=""):
    """The log from where it was left, until the job ends."""
    aws, found = existing_run(c, run)
    with runs.locked(found), lifecycle.detached_if_stopped(found):
        steps.follow_to_end(aws, found)
    notify.followed(aws, found, report.followed(found))
    if found.exit_code not in (0, follow.TAKEN):
        raise JobFailed(report.followed(found))
    story.say("follow", report.followed(found))


@task(help=RUN)
def gpu(c, run=""):
    """nvidia-smi of the run's instance."""
    aws, found = existing_run(c, run)
    output = host.script(steps.connect(aws, found), "gpu.sh", check=False)
    show(False, None, follow.gpu_line(output.text) or output.stderr.decode(errors="replace").strip())


@task(help=RUN)
def pull(c, run=""):
    """Bring the results home, verified; rescues them from a volume."""
    aws, found = existing_run(c, run)
    with runs.locked(found):
        lifecycle.pull_or_rescue(aws, found)


@task(help=RUN | {"discard": "without bringing home what is not home yet", "yes": "do not ask"})
def terminate(c, run="", discard=False, yes=False):
    """End a run: job saved, results home, machine off."""
    aws, found = existing_run(c, run)
    if discard:
        story.confirm(f"Throw away what {found.id} has written and not pulled?", yes)
    with runs.locked(found):
        lifecycle.stop(aws, found, discard)


TASKS = Collection(
    *(train, show_plan, launch_, attach, copy, run_, resume, follow_, gpu, pull, terminate),
    *looking.TASKS,
    *account.TASKS,
)

if __name__ == "__main__":
    program.main(TASKS)
