"""The life of a run, from top to bottom: what happens in which order, and what becomes of it when it is stopped."""

import contextlib

from remote import ec2, follow, host, launch, notify, report, request, rivals, run_volume, runs, steps, story
from remote.errors import Failure, Interrupted, JobFailed, NoCapacity, NotFound, Unverified

SAVE_S = 60  # a job that is asked to stop has so long to save
RESCUE_HOURS = 1.0  # a machine that only brings results home ends itself by then


def train(aws, run, detach=False):
    """One run: launch, boot, volume, copy, start; then follow, pull, end. Raises JobFailed when the job failed."""
    request.record(run)
    with runs.locked(run), notify.outcome(aws, run):
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
        except Failure as failure:  # what the regions before it said is not to be lost
            failure.message = "\n\n".join([*refused, failure.message])
            raise
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
    except rivals.Anothers:
        raise
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
        pull_and_end(aws, run, follow_to_end(aws, run, machine))
    conclude(aws, run)


def follow_to_end(aws, run, machine=None):
    """The Host on which the job has come to its end: another one, when its own was taken away or never began."""
    while True:
        try:
            machine = steps.follow_to_end(aws, run, machine)
        except follow.Absent:
            machine = put_to_work(aws, run)
            continue
        if run.exit_code != follow.TAKEN:
            return machine
        machine = replace(aws, run)


def conclude(aws, run):
    """What it took and where the results are. Raises JobFailed when the job failed."""
    report.ended(aws, run)
    if run.exit_code:
        raise JobFailed(report.job_failed(run))


def pull_and_end(aws, run, machine):
    """Results home, machine off. Results that can't be verified don't keep it running: their volume is kept."""
    try:
        steps.pull(aws, run, machine)
    except Unverified:
        with contextlib.suppress(OSError):  # with a full disk all is ended, but the record of it can't be written
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
    with notify.outcome(aws, run):
        if not run.started:
            refuse_adopted(run)
            aws, machine = begin_somewhere(aws, run)
            finish(aws, run, machine)
        elif run.pulled:
            steps.end(aws, run)
            conclude(aws, run)
        elif run.host or ec2.works(ec2.find(aws.ec2, run.id)):
            finish(aws, run)
        else:
            finish(aws, run, replace(aws, run))


def refuse_adopted(run):
    """A job is started for the first time where its parameters are. Raises NotFound for a run of another checkout."""
    if run.adopted:
        raise NotFound(
            f"The job of {run.id} has never been started, and only the checkout that made the run has its parameters."
            f" Go on from there; or end it: bin/fab terminate --run {run.id}"
        )


def replace(aws, run):
    """Another instance for a run that has lost its own; the same one, if it was about to be put to work.

    Returns the Host. Raises NoCapacity, or TimedOut when the run's deadline is too near; the volume is kept then.
    """
    lost = ec2.find(aws.ec2, run.id)
    if ec2.alive(lost) and not ec2.works(lost):
        return put_to_work(aws, run)
    if ec2.alive(lost) and lost["InstanceId"] != run.instance_id:
        rivals.refuse(run, lost)
    elif not ec2.alive(lost):
        rivals.refuse_superfluous(aws, run)
    run.losses += 1
    why = ec2.why_ended(lost)
    story.say("replace", f"loss {run.losses}: {run.instance_id} ({why}); its volume goes on")
    notify.tell(aws.settings, run, "interruption", f"its machine is lost ({why}); another goes on with it")
    if lost:
        ec2.terminate(aws.ec2, lost["InstanceId"])
    return put_to_work(aws, run)


def put_to_work(aws, run):
    """A machine on which the job goes on from its checkpoint, on the same volume. Returns the Host.

    What stops it ends the machine, which does nothing yet; the volume keeps what the job has written.
    """
    try:
        machine = steps.connect(aws, run) if run.host else rent(aws, run, launch.hours_left(run))
        host.script(machine, "forget-lost.sh", steps.folder(run))
        steps.ensure_copied(run, machine)
        steps.ensure_started(aws, run, machine)
    except rivals.Anothers:
        raise
    except BaseException as stopped:
        undo(aws, run)
        words = f"Stopped before the job went on. Go on with it: bin/fab resume --run {run.id}"
        raise _in_words(stopped, words) from None
    return machine


def pull_or_rescue(aws, run):
    """pull, from the run's instance or, when that has gone, from its volume on another machine of the same zone."""
    if not run.started:
        raise NotFound(f"There is nothing of {run.id} to pull. {report.whats_left(run)}")
    if run.host or ec2.alive(ec2.find(aws.ec2, run.id)):
        steps.pull(aws, run, steps.connect(aws, run), ended=False)
        return
    if run.pulled or not run_volume.find(aws, run):
        raise NotFound(f"Nothing of {run.id} is left to pull. {report.whats_left(run)}")
    story.say("rescue", f"the instance is gone; its volume {run.volume_id} has the results")
    try:
        steps.pull(aws, run, rent(aws.reading_nothing(), run, RESCUE_HOURS))
    except rivals.Anothers:
        raise
    except BaseException:
        undo(aws, run)
        raise
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
    """Before the job goes on there is nothing to lose: end all but what another checkout uses. Tells if that worked."""
    try:
        if not rivals.withdraw(aws, run):
            steps.end(aws, run)
        return True
    except BaseException as failed:  # whatever it is: the first error is the one to report
        reason = str(failed) or "interrupted again"
        mend = f"It ends itself at {run.deadline}; or: bin/fab terminate --run {run.id}" if run.deadline else ""
        story.say("undo", f"not everything could be ended ({reason}). {mend}")
        return False


def _in_words(stopped, words):
    """A Ctrl-C as an error that says what became of the run; any other error as it is."""
    return Interrupted(words) if isinstance(stopped, KeyboardInterrupt) else stopped
