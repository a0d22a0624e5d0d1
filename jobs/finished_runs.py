"""Finds the run whose weights are meant: by its id, or the newest that has a language model."""

import json
import re

from jobs.parameters import NotFound

RUN_ID = re.compile(r"(?P<job>.+)-(?P<time>\d{8}-\d{6})-(?P<tail>[0-9a-f]{4})")


def find(runs, run_id=None):
    """The folder of the run's results, RUNS/ID/out; run_id None: the newest finished one. Raises NotFound."""
    if run_id is None:
        return _newest(runs)
    folder = runs / run_id / "out"
    if not RUN_ID.fullmatch(run_id) or not (runs / run_id).is_dir():
        known = [path.parent.name for path in _newest_first(runs)]
        raise NotFound(f"No run {run_id} in {runs}. There are: {', '.join(known[:5]) or 'none'}.")
    if not (folder / "model.json").exists():
        raise NotFound(f"Run {run_id} has no model in {folder}. Are its results home? Try: bin/fab pull --run {run_id}")
    return folder


def _newest(runs):
    for folder in _newest_first(runs):
        if _is_language_model(folder):
            return folder
    raise NotFound(f"No finished run of a language model in {runs}. Start one: bin/fab train --job lstm_aiw")


def _newest_first(runs):
    """Folders runs/ID/out, sorted by the time in their run id."""
    found = [(match["time"], folder / "out") for folder in runs.glob("*") if (match := RUN_ID.fullmatch(folder.name))]
    return [folder for _time, folder in sorted(found, reverse=True)]


def _is_language_model(folder):
    try:
        return "vocabulary" in json.loads((folder / "model.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
