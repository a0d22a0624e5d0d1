"""TensorBoard over runs, finished ones and those that train now: it reads a copy, which is kept the same as theirs."""

import dataclasses
import shutil
import tempfile
import time
from pathlib import Path

from remote import event_files, host, hparams, runs, steps, story
from remote.errors import Failure, NotFound, Usage
from remote.explain import aws_errors, explain

EVERY_S = 5  # between two looks
AGAIN_S = 60  # ... at an instance that didn't answer
ADDRESS = "127.0.0.1"  # whoever reaches it sees everything: nobody else's machine may


@dataclasses.dataclass
class Mirror:
    """logdir: a folder for each run. connect: called with a Run, gives the Host of its instance."""

    logdir: Path
    connect: object
    hosts: dict = dataclasses.field(default_factory=dict)  # Host by run id
    written: dict = dataclasses.field(default_factory=dict)  # Run by folder, as its parameters were written there
    settled: set = dataclasses.field(default_factory=set)  # ids of runs that are over and copied
    not_before: dict = dataclasses.field(default_factory=dict)  # time.monotonic() by run id: it didn't answer


def serve(folders, connect, port=None):
    """Show TensorBoard until somebody stops it. folders: called at each look, gives the folders of the runs.

    port: None for the first free one from 6006 on, 0 for any. Raises NotFound when no run has anything to show yet,
    Usage for a port that is taken.
    """
    logdir = Path(tempfile.mkdtemp(prefix="gpu-jobs-tensorboard-"))
    mirror = Mirror(logdir, connect)
    try:
        catch_up(mirror, folders())
        if not any(logdir.iterdir()):
            raise NotFound("No run has anything for TensorBoard yet. See what there is: bin/fab runs")
        print(_launch(logdir, port), flush=True)
        story.say("board", f"{len(list(logdir.iterdir()))} runs; Ctrl-C ends it")
        while True:
            time.sleep(EVERY_S)
            catch_up(mirror, folders())
    except KeyboardInterrupt:  # the way to end it
        return
    finally:
        for machine in mirror.hosts.values():
            host.close(machine)
        shutil.rmtree(logdir, ignore_errors=True)


def catch_up(mirror, folders):
    """Bring the copy of each run up to date; of a run whose instance doesn't answer, say so and go on."""
    for folder in folders:
        if folder.name in mirror.settled:
            continue
        try:
            run = runs.load(folder)
            whole = all([_catch_up(mirror, run, turn) for turn in run.turns])
            mirror.settled |= {run.id} if run.closed and whole else set()
        except (Failure, OSError, *aws_errors()) as failed:
            _give_up_for_now(mirror, folder.name, failed)


def _catch_up(mirror, run, turn):
    """The same for one job of a run. Returns whether nothing is missing now."""
    source = _source(mirror, run, f"{run.out_of(turn['job'])}/tensorboard")
    if source is None:
        return True
    target = mirror.logdir / run.id / (turn["job"] if run.then else "")
    target.mkdir(parents=True, exist_ok=True)
    whole = event_files.keep_same(source, target)
    if mirror.written.get(target) != run:
        hparams.write(run, turn, target)
        mirror.written[target] = run
    return whole


def is_training(run):
    """Is the newest of the run on its instance, not here?"""
    return bool(run.started and not run.ended and not run.closed)


def _source(mirror, run, path):
    """Where event files are read from; None where there are none to be had. path: relative to the run's folder."""
    if not is_training(run):
        if run.id in mirror.hosts:
            host.close(mirror.hosts.pop(run.id))
        return event_files.Home(run.folder / path) if (run.folder / path).is_dir() else None
    if time.monotonic() < mirror.not_before.get(run.id, 0):
        return None
    if run.id not in mirror.hosts:
        mirror.hosts[run.id] = mirror.connect(run)
    return event_files.Away(mirror.hosts[run.id], f"{steps.folder(run)}/{path}")


def _give_up_for_now(mirror, run_id, failed):
    """Say why a run can't be read, no more often than it is tried."""
    if time.monotonic() >= mirror.not_before.get(run_id, 0):
        story.say("board", f"{run_id}: {explain(failed) if isinstance(failed, aws_errors()) else failed}")
        mirror.not_before[run_id] = time.monotonic() + AGAIN_S
    if run_id in mirror.hosts:
        host.close(mirror.hosts.pop(run_id))


def _launch(logdir, port):
    """Start TensorBoard in threads of this process, which end with it; returns its URL. Raises Usage."""
    import tensorboard_data_server
    from tensorboard import default, program

    server = program.TensorBoard(default.get_plugins())
    quick = "true" if tensorboard_data_server.server_binary() else "false"  # and needs no TensorFlow
    options = {"logdir": str(logdir), "host": ADDRESS, "load_fast": quick, "reload_interval": EVERY_S}
    server.configure(argv=["tensorboard"], **options, **({} if port is None else {"port": port}))
    try:
        return server.launch()
    except program.TensorBoardServerException as taken:
        reason = taken.msg.splitlines()[0]
        raise Usage(f"TensorBoard could not start: {reason} Expected a free port: --port 0 finds one.") from None
