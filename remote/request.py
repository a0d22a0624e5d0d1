"""What a user asks for, checked: from `--job NAME --set name=value` to a Run that may be launched."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

from jobs import parameters as job_parameters
from remote import catalog, runs
from remote.errors import NotFound, Usage
from remote.settings import CHECKOUT

ROOM_LEFT = 0.5  # of the volume, for what the job writes


def new_run(settings, job, assignments):
    """A Run for the job, its parameters and files checked; nothing is written or rented. Raises Usage, NotFound."""
    params = catalog.check(job, assignments)
    files = {name: str(_readable(name, getattr(params, name))) for name in job_parameters.files(type(params))}
    files = {name: path for name, path in files.items() if path}
    if catalog.packs(job) and settings.volume:
        raise Usage(f"{job} learns from what is private: its volume is deleted with its run. Leave --volume out.")
    _refuse_if_too_large(files, settings.volume_gib)
    return runs.new(settings, job, dataclasses.asdict(params), files)


def record(run):
    """Make the run's folder and, for a job that packs, choose what of the user's files goes along. Raises Usage."""
    runs.record(run)
    if not catalog.packs(run.job):
        return
    folder = run.folder / "packed"
    folder.mkdir()
    command = [sys.executable, "-m", "jobs.pack", run.job, str(folder.absolute())]
    given = json.dumps(run.parameters | run.files)
    done = subprocess.run(command, input=given, capture_output=True, text=True, cwd=CHECKOUT)
    if done.returncode:
        raise Usage(f"{run.job}: {done.stderr.strip().splitlines()[-1]}")
    packed = json.loads(done.stdout)
    run.files = {name: packed[name] for name in run.files}
    runs.save(run)


def _readable(name, value):
    """The absolute Path of a file or folder with something in it; "" for none, or for a URL that the job fetches."""
    if not value or "://" in value:
        return ""
    path = Path(value).expanduser().resolve()
    if not path.exists():
        raise NotFound(f"{name}={value}: no such file. Expected a file or folder on this machine.")
    try:
        empty = not any(path.iterdir()) if path.is_dir() else not path.open("rb").read(1)
    except OSError as error:
        raise Usage(f"{name}={value} can't be read: {error.strerror}. Expected a file of yours.") from None
    if empty:
        raise Usage(f"{name}={value} is empty. Expected something to learn from.")
    return path


def _refuse_if_too_large(files, volume_gib):
    size = sum(_size(Path(path)) for path in files.values())
    room = volume_gib * 2**30 * ROOM_LEFT
    if size > room:
        needed = -(-size // int(2**30 * ROOM_LEFT))
        raise Usage(
            f"The files to send have {size / 2**30:.1f} GiB, the volume {volume_gib}. Expected half of it to stay free:"
            f" set volume_gib to {needed} or more (FABRIC_VOLUME_GIB={needed})."
        )


def _size(path):
    if path.is_file():
        return path.stat().st_size
    return sum(inside.stat().st_size for inside in path.rglob("*") if inside.is_file())
