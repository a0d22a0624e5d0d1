"""Finds the weights that are meant: of a run by its id, of a job, or the newest of their kind."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from jobs.parameters import NotFound
from jobs.text import description

RUN_ID = re.compile(r"(?P<job>.+)-(?P<time>\d{8}-\d{6})-(?P<tail>[0-9a-f]{4})")


@dataclass(frozen=True)
class Kind:
    """A kind of model."""

    words: str  # "a language model"
    job: str  # one that makes it
    read: Callable  # what describes the one in a folder; raises NotFound when that is of another kind


LANGUAGE_MODEL = Kind("a language model", "lstm_aiw", description.read)


def find(runs, run_id=None, job=None, kind=LANGUAGE_MODEL):
    """The folder with the model: RUNS/ID/out, or RUNS/ID/out/JOB of a run of several jobs. Raises NotFound.

    run_id None: the newest finished run with a model of that kind. job: by its name, where several are meant.
    """
    if run_id is None:
        return _newest(runs, job, kind)
    if not RUN_ID.fullmatch(run_id) or not (runs / run_id).is_dir():
        known = [run.name for run in _newest_first(runs)]
        raise NotFound(f"No run {run_id} in {runs}. There are: {', '.join(known[:5]) or 'none'}.")
    found = _models(runs / run_id, job)
    if not found:
        of_job = f" of {job}" if job else ""
        folder = runs / run_id / "out"
        raise NotFound(
            f"Run {run_id} has no model{of_job} in {folder}. Are its results home? Try: bin/fab pull --run {run_id}"
        )
    return next((folder for folder in found if _is_of(folder, kind)), found[0])


def run_of(folder):
    """The run's id, of a folder that find has returned."""
    return folder.parent.name if folder.name == "out" else folder.parent.parent.name


def _newest(runs, job, kind):
    for run in _newest_first(runs):
        for folder in _models(run, job):
            if _is_of(folder, kind):
                return folder
    raise NotFound(f"No finished run of {kind.words} in {runs}. Start one: bin/fab train --job {job or kind.job}")


def _newest_first(runs):
    """Folders RUNS/ID, sorted by the time in their run id."""
    found = [(match["time"], folder) for folder in runs.glob("*") if (match := RUN_ID.fullmatch(folder.name))]
    return [folder for _time, folder in sorted(found, reverse=True)]


def _models(run, job):
    """The run's folders that hold a model: out, or with several jobs out/JOB; those of the job, if one is named."""
    out = run / "out"
    found = {RUN_ID.fullmatch(run.name)["job"]: out} | {folder.name: folder for folder in sorted(out.glob("*"))}
    if job:
        found = {name: folder for name, folder in found.items() if name == job}
    return [folder for folder in found.values() if (folder / "model.json").exists()]


def _is_of(folder, kind):
    try:
        return bool(kind.read(folder))
    except NotFound:
        return False
