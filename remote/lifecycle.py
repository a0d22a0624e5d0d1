"""The life of a run, from top to bottom: what happens in which order, and what becomes of it when it is stopped."""

import contextlib

from remote import ec2, follow, host, launch, report, request, run_volume, runs, steps, story
from remote.errors import Interrupted, JobFailed, NoCapacity, NotFound, Unverified

SAVE_S = 60  # a job that is asked to stop has so long to save
RESCUE_HOURS = 1.0  # a machine that only brings results home ends itself by then


def train(aws, run, detach=False):
    """One run: launch, boot, volume, copy, start; then follow, pull, end. Raises JobFailed when the job failed."""
    request.record(run)
    with runs.locked(run):
        aws, machine = begin_somewhere(aws, run)
        if not detach:
            finish(aws, run, machine)


def begin_somewhere(aws, run):
    """(Aws, Host): begin in the first region that has a machine. Raises NoCapacity with what each of them said."""
    refused = []
    for there in launch.places(aws, run):
        if run.region != there.settings.region:
            run.region, run.group_id = there.settings.region, ""
        run.closed = ""
        try:
            return there, begin(there, run)
        except NoCapacity as failure:
            refused.append(failure.message)
    raise NoCapacity("\n\n".join(refused))


def begin(aws, run):
    """Everything up to a started job. What stops it before that undoes what was made."""
    with undone_if_stopped(aws, run):
        machine = steps.connect(aws, run) if run.host else rent(aws, run)
        steps.ensure_copied(run, machine)
        steps.ensure_started(aws, run, machine)
    return machine


@contextlib.contextmanager
def undone_if_stopped(aws, run):
    """What stops the block, be it an error or a Ctrl-C, undoes what was made of a run whose job has not started."""
    try:
        yield
    except BaseException as stopped:
        if run.started:
            raise _in_words(stopped, report.detached(run)) from None
        left = "Nothing of it is left." if undo(aws, run) else "What is left of it, and what ends that, stands above."
        raise _in_words(stopped, f"{run.id} was undone before its job started. {left}") from None


def rent(aws, run, max_hours=None):
    """A machine of the run's own, with its volume mounted; returns the Host. max_hours: default, the settings'."""
    launch.ensure_launched(aws, run, max_hours)
    machine = steps.ensure_booted(aws, run)
    steps.ensure_mounted(aws, run, machine)
    return machine


def finish(aws, run, machine=None):
    """Everything after the start: to the job's end, home, off. What stops it leaves the run as it is, to be resumed."""
    with detached_if_stopped(run):
        machine = steps.follow_to_end(aws, run, machine)
        while run.exit_code == follow.TAKEN:
            machine = steps.follow_to_end(aws, run, replace(aws, run))
        pull_and_end(aws, run, machine)
    report.ended(aws, run)
    if run.exit_code:
        raise JobFailed(report.job_failed(run))


def pull_and_end(aws, run, machine):
    """Results home, machine off. Results that can't be verified don't keep it running: their volume is kept."""
    try:
        steps.pull(aws, run, machine)
    except Unverified:
        steps.end(aws, run)
        raise
    steps.end(aws, run)


@contextlib.contextmanager
def detached_if_stopped(run):
    """A Ctrl-C in the block leaves the run as it is, and says how to come back to it."""
    try:
        yield
    except KeyboardInterrupt as stopped:
        raise _in_words(stopped, report.detached(run)) from None


def resume(aws, run):
    """Go on with a run wherever it stopped, as if nothing had been: the same command again, after whatever happened."""
    if run.closed and run.pulled:
        raise NotFound(f"{run.id} has ended. {report.whats_left(run)}")
    if not run.started:
        aws, machine = begin_somewhere(aws, run)
        finish(aws, run, machine)
    elif run.host or ec2.alive(ec2.find(aws.ec2, run.id)):
        finish(aws, run)
    else:
        finish(aws, run, replace(aws, run))


def replace(aws, run):
    """Another instance for a run that has lost its own: the same volume, the job goes on from its checkpoint.

    Returns the Host. Raises NoCapacity, or TimedOut when the run's deadline is too near; the volume is kept then.
    """
    lost = ec2.find(aws.ec2, run.id)
    run.losses += 1
    story.say("replace", f"loss {run.losses}: {run.instance_id} ({ec2.why_ended(lost)}); its volume goes on")
    if lost:
        ec2.terminate(aws.ec2, lost["InstanceId"])
    machine = rent(aws, run, launch.hours_left(run))
    of_the_lost_one = "pid exit_code spot_notice"
    host.run(machine, f"cd {host.quote(steps.folder(run))} && rm -f {of_the_lost_one}")
    steps.ensure_copied(run, machine)
    steps.ensure_started(aws, run, machine)
    return machine


def pull_or_rescue(aws, run):
    """pull, from the run's instance or, when that has gone, from its volume on another machine of the same zone."""
    if run.host or ec2.alive(ec2.find(aws.ec2, run.id)):
        steps.pull(aws, run, steps.connect(aws, run), ended=False)
        return
    if run.pulled or not run_volume.find(aws, run):
        raise NotFound(f"Nothing of {run.id} is left to pull. {report.whats_left(run)}")
    story.say("rescue", f"the instance is gone; its volume {run.volume_id} has the results")
    try:
        steps.pull(aws, run, rent(aws, run, RESCUE_HOURS))
    finally:
        steps.end(aws, run)


def stop(aws, run, discard=False):
    """End a run by hand: ask the job to save, bring home what it wrote, end the machine. May be repeated.

    discard: without the results. Raises Unverified when they couldn't be pulled; they are then on the volume.
    """
    alive = run.host or ec2.alive(ec2.find(aws.ec2, run.id))
    if discard or not run.started or not alive:
        if discard:
            run.pulled = run.pulled or "discarded"
        steps.end(aws, run)
        return
    try:
        machine = steps.connect(aws, run)
        host.script(machine, "stop-job.sh", steps.folder(run), SAVE_S, wait_s=SAVE_S + 30)
        steps.pull(aws, run, machine)
    finally:
        steps.end(aws, run)


def undo(aws, run):
    """Before the job has started there is nothing to lose: end everything. Returns whether that worked."""
    try:
        steps.end(aws, run)
        return True
    except BaseException as failed:  # whatever it is: the first error is the one to report
        mend = f"It ends itself at {run.deadline}; or: bin/fab reap --yes" if run.deadline else ""
        story.say("undo", f"not everything could be ended ({failed}). {mend}")
        return False


def _in_words(stopped, words):
    """A Ctrl-C as an error that says what became of the run; any other error as it is."""
    return Interrupted(words) if isinstance(stopped, KeyboardInterrupt) else stopped
