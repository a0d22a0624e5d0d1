"""A job's parameters: declared once as a frozen dataclass, checked wherever they are given. Imports no TensorFlow.

    @dataclass(frozen=True)
    class Parameters:
        epochs: int = option(12, "passes over the text", at_least=1)
        dropout: float = option(0.3, "share of the LSTM's outputs left out", at_least=0, at_most=0.9)

The same class gives the flags of `python -m jobs.NAME`, the checks of `--set name=value` and the list in the help.
"""

import argparse
import dataclasses
import difflib
import json
import math
import os
import sys
from pathlib import Path

TYPE_WORDS = {int: "whole number", float: "number", bool: "true or false", str: "text"}
BOOLEANS = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)


class BadInput(ValueError):
    """What the user gave cannot be used; the message is one line: what came, what was expected, what to do."""

    exit_code = 2


class NotFound(BadInput):
    """What the user named is not there, or not whole."""

    exit_code = 3


def option(default, help, *, at_least=None, at_most=None, above=None, choices=None, file=False):  # noqa: A002, PLR0913
    """A field of a Parameters class: its default, one line of help, and the values that it allows.

    above: like at_least, but the bound itself is too small. choices: the only values allowed.
    file: the value is the path of a file or folder of yours, which a remote run takes along; or an address; or empty.
    """
    limits = {"at_least": at_least, "at_most": at_most, "above": above, "choices": choices}
    return dataclasses.field(default=default, metadata={"help": help, "file": file, **limits})


def parse(cls, assignments):
    """An instance of cls from {name: value}, values as text (or as JSON has them); what is not named has its default.

    Raises BadInput, a ValueError, for an unknown name, a wrong type, a value out of range.
    """
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for name in assignments:
        if name not in fields:
            raise BadInput(f"Unknown parameter {name!r}. There are: {', '.join(_closest_first(name, fields))}.")
    return cls(**{name: _value(fields[name], str(value)) for name, value in assignments.items()})


def describe(cls):
    """[(name, type word, default, help, range text)] in the class's order; the range is "" where all is allowed."""
    return [
        (field.name, TYPE_WORDS[_type(field)], field.default, field.metadata["help"], _range_text(field))
        for field in dataclasses.fields(cls)
    ]


def files(cls):
    """The names of the parameters whose values are paths on the machine where they were given."""
    return [field.name for field in dataclasses.fields(cls) if field.metadata["file"]]


def from_command_line(cls, argv, description=None):
    """(an instance of cls, the --out folder as a Path) from a job's arguments; a flag wins over the --params file.

    description: of the help text. Raises BadInput.
    """
    parser = _parser(cls, description)
    given = vars(parser.parse_args(argv))
    out, params_file = Path(given.pop("out")), given.pop("params")
    assignments = _read_json(Path(params_file)) if params_file else {}
    assignments |= {name: value for name, value in given.items() if value is not None}
    return parse(cls, assignments), out


def main(cls, train, description, argv=None):
    """Run a job from its command line: parameters and --out checked, then train(parameters, out).

    Exits 2 with one line for what the user can mend, 1 with one line for a disk that is full or not ours.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's greetings are no news
    try:
        given, out = from_command_line(cls, argv, description)
        out.mkdir(parents=True, exist_ok=True)
        train(given, out)
    except BadInput as wrong:
        _exit(wrong.exit_code, wrong)
    except OSError as wrong:
        _exit(1, f"{wrong.strerror or wrong}: {wrong.filename or out}")


def _exit(code, message):
    print(str(message).splitlines()[0], file=sys.stderr, flush=True)
    raise SystemExit(code)


class _OneLineParser(argparse.ArgumentParser):
    def error(self, message):
        raise BadInput(f"{message[:1].upper()}{message[1:]}. See {self.prog} --help.")


def _parser(cls, description):
    shape = argparse.RawDescriptionHelpFormatter
    parser = _OneLineParser(description=description, formatter_class=shape, allow_abbrev=False)
    parser.add_argument("--out", required=True, metavar="DIR", help="the folder that results go into, or resume from")
    parser.add_argument("--params", metavar="FILE.json", help="parameters as a JSON object")
    for name, word, default, help_text, range_text in describe(cls):
        shown = f"{help_text} ({', '.join(filter(None, [word, range_text, f'default {default!r}']))})"
        flags = dict.fromkeys([f"--{name.replace('_', '-')}", f"--{name}"])
        parser.add_argument(*flags, dest=name, metavar="X", help=shown.replace("%", "%%"))
    return parser


def _read_json(path):
    try:
        assignments = json.loads(path.read_text(encoding="utf-8"))
    except OSError as wrong:
        raise BadInput(f"Cannot read --params {path}: {wrong.strerror}.") from None
    except ValueError as wrong:
        raise BadInput(f"Expected JSON in --params {path}: {wrong}.") from None
    if not isinstance(assignments, dict):
        raise BadInput(f"Expected a JSON object in --params {path}, got {type(assignments).__name__}.")
    return assignments


def _closest_first(name, known):
    close = difflib.get_close_matches(name, known, n=3)
    return close + sorted(set(known) - set(close))


def _type(field):
    """The field's type, also where annotations are kept as text."""
    return {kind.__name__: kind for kind in TYPE_WORDS}.get(field.type, field.type)


def _value(field, text):
    kind = _type(field)
    try:
        value = BOOLEANS[text.strip().lower()] if kind is bool else kind(text)
    except (ValueError, KeyError):
        article = "" if kind is bool else "a "
        raise BadInput(f"Expected {article}{TYPE_WORDS[kind]} for {field.name}, got {text!r}.") from None
    if not _in_range(field, value):
        raise BadInput(f"Expected a value {_range_text(field)} for {field.name}, got {text!r}.")
    return value


def _in_range(field, value):
    limits = field.metadata
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return (
        (limits["at_least"] is None or value >= limits["at_least"])
        and (limits["above"] is None or value > limits["above"])
        and (limits["at_most"] is None or value <= limits["at_most"])
        and (limits["choices"] is None or value in limits["choices"])
    )


def _range_text(field):
    limits = field.metadata
    if limits["choices"] is not None:
        return f"out of {', '.join(map(str, limits['choices']))}"
    words = {"at_least": "at least", "above": "above", "at_most": "at most"}
    return ", ".join(f"{word} {limits[key]}" for key, word in words.items() if limits[key] is not None)
