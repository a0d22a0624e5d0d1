"""model.json as it came home: read with caution, for it is the word of a machine that is gone."""

import json

from jobs.parameters import NotFound

SIZE_LIMIT = 64 << 20  # bytes; a vocabulary of 20,000 words has 0.5 MB


def read(folder):
    """model.json of a language model as a dict, its vocabulary texts, its parameters a dict. Raises NotFound."""
    path = folder / "model.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.stat().st_size < SIZE_LIMIT else None
    except FileNotFoundError:
        raise NotFound(f"Expected a finished run, found no {path}.") from None
    except (OSError, ValueError, RecursionError):
        found = None
    if not _is_language_model(found):
        raise NotFound(f"{path} is damaged, or not of a language model: expected a vocabulary and parameters in it.")
    return found


def texts(found, name):
    """A list of texts out of a description; [] for anything else."""
    value = found.get(name)
    return value if _are_texts(value) else []


def _is_language_model(found):
    return isinstance(found, dict) and _are_texts(found.get("vocabulary")) and isinstance(found.get("parameters"), dict)


def _are_texts(value):
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
