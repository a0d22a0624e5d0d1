"""What a user asks for, checked: from `--job NAME --set name=value` to a Run that may be launched."""

import dataclasses
import json
import subprocess
import sys
import unicodedata
from pathlib import Path

from jobs import parameters as job_parameters
from remote import buckets, catalog, own_key, runs
from remote.errors import NotFound, Usage
from remote.settings import CHECKOUT

ROOM_LEFT = 0.5  # of the volume, for what the job writes
UNFIT = ("Cc", "Cs")  # control characters, and what stands for bytes that are no UTF-8


def new_run(settings, jobs, assignments):
    """A Run for the jobs, their parameters and files checked; nothing is written or rented. Raises Usage, NotFound.

    jobs: names; each trains when the one before it has ended.
    """
    turns = [_turn(settings, job, given) for job, given in catalog.share_out(jobs, assignments).items()]
    buckets.read_by(turns)  # of the right form
    _refuse_if_too_large([path for turn in turns for path in turn["files"].values()], settings.volume_gib)
    first, *others = turns
    run = runs.new(settings, **first)
    run.then, run.ssh_key = others, own_key.checked(settings.ssh_key)
    return run


def _turn(settings, job, assignments):
    """One job with its parameters and files, as Run.turns has them."""
    params = catalog.check(job, assignments)
    files = {name: str(_readable(name, getattr(params, name))) for name in job_parameters.files(type(params))}
    if catalog.packs(job) and settings.volume:
        raise Usage(f"{job} learns from what is private: its volume is deleted with its run. Leave --volume out.")
    turn = {
        "job": job,
        "parameters": dataclasses.asdict(params),
        "files": {name: path for name, path in files.items() if path},
    }
    if turn["files"] and catalog.checks(job):
        _ask("check", turn)
    return turn


def record(run):
    """Make the run's folder and, for a job that packs, choose what of the user's files goes along. Raises Usage."""
    runs.record(run)
    for turn in run.turns:
        if catalog.packs(turn["job"]):
            turn["files"].update(_packed(run.folder / "packed" / turn["job"], turn))
    runs.save(run)


def _packed(folder, turn):
    """The files of a turn as its job packs them into folder: {parameter: path}. Raises Usage."""
    folder.mkdir(parents=True)
    packed = json.loads(_ask("pack", turn, str(folder.absolute())))
    return {name: packed[name] for name in turn["files"]}


def _ask(question, turn, *words):
    """What the job of a turn says to jobs/check.py or jobs/pack.py, in a process of its own. Raises Usage."""
    command = [sys.executable, "-m", f"jobs.{question}", turn["job"], *words]
    given = json.dumps(turn["parameters"] | turn["files"])
    done = subprocess.run(command, input=given, capture_output=True, text=True, cwd=CHECKOUT)
    if done.returncode:
        raise Usage(f"{turn['job']}: {(done.stderr.strip() or 'it ended without a word').splitlines()[-1]}")
    return done.stdout


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
    for inside in [path, *path.rglob("*")]:
        if any(unicodedata.category(char) in UNFIT for char in inside.name):
            raise Usage(f"{name}: a file named {inside.name!r} cannot travel. Expected UTF-8 in one line; rename it.")
    return path


def _refuse_if_too_large(paths, volume_gib):
    size = sum(_size(Path(path)) for path in paths)
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
