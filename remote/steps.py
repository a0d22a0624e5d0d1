"""The steps of a run on its machine, in order. Each may be repeated: it looks first, then does what is missing."""

import contextlib
import time

from remote import (
    buckets,
    cloud,
    ec2,
    follow,
    host,
    launch,
    network,
    own_host,
    page,
    report,
    run_volume,
    runs,
    stalls,
    story,
    transfer,
    volumes,
)
from remote.errors import NotFound, TimedOut
from remote.payload import payload
from remote.tags import STARTED

MOUNT = "volume"  # where the volume is mounted, in the login user's home: commands over SSH start in that home
VENV_FROM_GIB = 16  # TensorFlow with CUDA takes 8 GiB; on a smaller volume the venv goes to the root disk
SETUP_S = 1800  # pip brings some gigabytes
FIRST_TRY_S = 30  # then the security group is looked at again
RECONNECT_S = 60


def ensure_booted(aws, run):
    """The Host of the run's instance, once it answers with the pinned key."""
    with story.step("boot", f"{run.instance_id} is starting", run.timeline) as told:
        machine = connect(aws, run, aws.settings.connect_minutes * 60)
        (run.folder / launch.HOST_KEY_FILE).unlink(missing_ok=True)  # the instance has it, nobody else needs it
        told.append(
            f"{machine.login.address} answers SSH with the key made for it; ends itself at {story.clock(run.deadline)}"
        )
    return machine


def connect(aws, run, wait_s=RECONNECT_S):
    """A Host for the run's instance. Raises NotFound when that has ended, TimedOut, Denied."""
    if run.host:
        return own_host.connect(aws, run)
    way = login(aws, run)
    try:
        return host.connect(way, min(wait_s, FIRST_TRY_S))
    except TimedOut:
        launch.open_way_in(aws, run)  # this machine's address may have changed
        return host.connect(way, wait_s)


def login(aws, run):
    """The Login of the run's instance, once that runs and accepts our key. Raises NotFound when it has ended."""
    instance = ec2.find(aws.ec2, run.id)
    if not ec2.alive(instance):
        raise NotFound(f"No instance of {run.id} is alive ({ec2.why_ended(instance)}). {report.whats_left(run)}")
    instance = ec2.running(aws.ec2, instance["InstanceId"])
    cloud.refuse_foreign(aws.endpoint_url, ec2.address(instance))
    launch.ensure_key_accepted(aws, run, instance)
    address, agent = ec2.address(instance), bool(run.ssh_key)
    return host.Login(address, run.user, run.key, run.known_hosts, aws.ssh_config, agent=agent)


def ensure_mounted(aws, run, machine):
    """The run's volume, made if need be, attached and mounted; formatted only if it is provably blank."""
    with story.step("volume", "making, attaching and mounting it", run.timeline) as told:
        volume = volumes.attach(aws.ec2, run_volume.ensure(aws, run).id, run.instance_id)
        origin = "used" if volume.snapshot_id or STARTED in volume.tags else "empty"
        outcome, _, free_kib = host.script(machine, "mount-volume.sh", volume.id, MOUNT, origin).text.partition(" ")
        free_mib = int(free_kib) >> 10 if free_kib.isdecimal() else "?"
        kept = f"named {run.volume_name!r}, kept" if run.volume_name else "for this run"
        told.append(f"{volume.id}, {volume.size_gib} GiB gp3, {kept}, {outcome}; {free_mib} MiB free in ~/{MOUNT}")
        if outcome == "found":
            told.extend(run_volume.finish_move(aws, volume, machine, MOUNT))
    runs.save(run)


def ensure_copied(run, machine):
    """Jobs, scripts, pins, parameters and the user's files, in the run's folder on the volume."""
    with story.step("copy", "sending jobs, scripts and data", run.timeline) as told:
        moved = transfer.push(machine, payload(run), folder(run))
        told.append(f"{moved.files} files, {_size(moved.sent)} of {_size(moved.size)} sent, SHA-256 verified")


def ensure_started(aws, run, machine):
    """The job under nohup, in the first environment that has the pinned packages. Repeating it starts no second job."""
    with story.step("start", "preparing the environment", run.timeline) as told, _noted_beforehand(aws, run):
        pid = host.run(machine, "bash", _start_command(aws, run).encode(), SETUP_S).text
        told.append(f"{run.jobs} runs under nohup, pid {pid}; from here on Ctrl-C only detaches")


@contextlib.contextmanager
def _noted_beforehand(aws, run):
    """Write down, here and in the tags, that the job was started before it is: what may have results must be kept.

    Taken back when it certainly was not; when the connection broke, nobody knows.
    """
    before = run.started
    try:
        run.started = before or runs.now()
        runs.save(run)
        if run.instance_id:
            ec2.mark_started(aws.ec2, _own(run), run.started)
        if run.volume_name:
            ec2.mark_started(aws.ec2, [run.volume_id], run.id)
        yield
    except host.Disconnected:
        raise
    except BaseException:
        run.started = before
        runs.save(run)
        raise


def _own(run):
    """Ids of what belongs to this run alone: a named volume outlives it, and may hold what of others is not home."""
    return [run.instance_id] + ([] if run.volume_name else [run.volume_id])


def _start_command(aws, run):
    """Both in one command: a run should wait for the job, not for round trips."""
    pins, scripts = f"{folder(run)}/code/pyproject.toml", f"{folder(run)}/scripts"
    grace_s = 0 if run.host else int(aws.settings.grace_minutes * 60)
    besides = ["boto3"] if buckets.read_by(run.turns) else []
    setup = host.quote("bash", f"{scripts}/setup-env.sh", aws.settings.python, pins, _venv(run), *besides)
    start = host.quote("bash", f"{scripts}/start-job.sh", folder(run))
    if not run.host:  # boto3 finds an instance's credentials by itself, its region it doesn't
        start = host.quote(f"AWS_DEFAULT_REGION={run.region}") + f" {start}"
    return f'python=$({setup}) && {start} "$python" {host.quote(run.program, grace_s, aws.settings.on_stall)}'


def _venv(run):
    """Where a venv is made if need be: kept on a volume that is large enough, else gone with the machine or the run."""
    if run.host:
        return f"{folder(run)}/venv"
    return f"{MOUNT}/venv" if run.volume_gib >= VENV_FROM_GIB else "venv"


def follow_to_end(aws, run, machine=None):
    """Show and keep the log until the job ends; reconnects when the connection breaks. Returns the Host.

    run.exit_code is then the job's, LOST, or TAKEN when AWS wants the instance back or has taken it.
    """
    screen = stalls.heeding(aws, run, follow.Screen())
    while True:
        try:
            machine = machine or connect(aws, run)
            run.exit_code = follow.watch(machine, folder(run), run.log, screen)
            break
        except host.Disconnected as broken:
            story.say("follow", f"{broken} Connecting again.")
            host.close(machine)
            machine = None
            time.sleep(host.RETRY_S)
        except NotFound as gone:
            if not ec2.taken(ec2.find(aws.ec2, run.id)):
                raise (TimedOut(gone.message) if runs.seconds(run.deadline, runs.now()) else gone) from None
            run.exit_code = follow.TAKEN
            break
    if run.exit_code != follow.TAKEN:
        run.ended = run.ended or runs.now()
        run.timeline.append(["job", round(runs.seconds(run.started, run.ended), 2)])
    runs.save(run)
    return machine


def pull(aws, run, machine, ended=True):
    """Bring the results home and verify them; once the job has ended, say so in the tags of instance and volume.

    ended: whether nothing more can come; False to find out by the exit code, which a job whose machine died has not.
    """
    with story.step("pull", "bringing the results home", run.timeline) as told:
        moved = transfer.pull(machine, folder(run), run.folder)
        _note_pulled(aws, run, moved.digest, ended)
        told.append(f"{moved.files} files, {_size(moved.size)}, every SHA-256 is the instance's own")
    runs.save(run)


def _note_pulled(aws, run, digest, ended):
    """Write down, here and in the tags, that results are home, before anybody is told so."""
    exit_code = run.folder / "exit_code"
    if exit_code.exists():
        run.exit_code, run.ended = follow.exit_code(_first_line(exit_code)), run.ended or runs.now()
    if ended or exit_code.exists():
        run.pulled = digest
        if run.instance_id:
            ec2.mark_pulled(aws.ec2, _own(run), digest)
    runs.save(run)


def _first_line(path, at_most=80):
    with path.open(errors="replace") as file:
        return file.readline(at_most)


def end(aws, run):
    """Nothing of the run lives on but what is meant to: a named volume, or one whose results aren't home."""
    if run.host:
        own_host.leave(aws, run)
    else:
        _end_instance(aws, run)
    page.leave(run)


def _end_instance(aws, run):
    with story.step("end", "terminating the instance", run.timeline) as told:
        instance = ec2.find(aws.ec2, run.id)
        if instance:
            ec2.terminate(aws.ec2, instance["InstanceId"])
        told.append(f"{run.instance_id or 'no instance'} terminated; {run_volume.settle(aws, run)}; port 22 closed")
        if run.group_id:
            network.close_ssh(aws.ec2, run.group_id, run.id)
    launch.disarm(aws, run, instance)
    run.closed = run.closed or runs.now()
    runs.save(run)


def folder(run):
    """The run's folder on the instance, relative to the login user's home."""
    return f"{own_host.FOLDER if run.host else MOUNT}/runs/{run.id}"


def _size(size):
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
