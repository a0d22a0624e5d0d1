"""Write text with the weights of a run: numpy and h5py alone, so that it starts at once. bin/sample.sh calls it."""

import argparse
import itertools
import json
import os
import sys
from pathlib import Path

for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # before numpy: these products are too small to share
    os.environ.setdefault(variable, "1")

from jobs import finished_runs  # noqa: E402
from jobs.parameters import BadInput  # noqa: E402
from jobs.text import network, speaking, text_files, writing  # noqa: E402


def main(argv=None):
    """The command line. Returns the exit code: 0, 2 for a wrong value, 3 for no such run or damaged weights."""
    try:
        given = _arguments(argv)
        folder = finished_runs.find(given.runs_dir, given.run, given.job)
        model = network.read(folder)
        given.prompt = speaking.opening(folder, given.speaker, given.channel) + given.prompt
        action = _score if given.score else _write_one if given.samples == 1 else _write_several
        action(model, given, finished_runs.run_of(folder))
    except BadInput as wrong:
        print(f"sample.sh: {wrong}", file=sys.stderr)
        return wrong.exit_code
    except BrokenPipeError:  # as in `bin/sample.sh | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130
    return 0


def _write_one(model, given, run):
    """Show the prompt and what follows as it is written; as JSON when it is whole."""
    writing.numbers(model, given.prompt)  # a prompt that is no good is not to be repeated
    pieces = writing.pieces(model, given.length, given.prompt, _choice(given), given.stop)
    if given.json:
        _print_json(given, run, "".join(pieces))
        return
    for piece in itertools.chain([given.prompt], pieces, ["\n"]):
        _show(piece)


def _write_several(model, given, run):
    """Print each text under a heading, or as a line of JSON."""
    texts = writing.texts(model, given.length, given.samples, given.prompt, _choice(given), given.stop)
    for number, text in enumerate(texts, start=1):
        if given.json:
            _print_json(given, run, text)
        else:
            _show(f"--- {number} of {given.samples} ---\n{given.prompt}{text}\n")


def _score(model, given, run):
    """Print how many nats per character, or word, the model needs for a file; what it never saw is left out."""
    text = "".join(text_files.Text(text_files.find(given.score), given.encoding))
    numbers, left_out = writing.known_numbers(model, text)
    if len(numbers) < 2:
        raise BadInput(f"Expected two symbols that the model knows in {given.score}, got {len(numbers)}.")
    nats, unit = writing.score(model, numbers), "word" if model.is_words else "character"
    if given.json:
        found = {"run": run, "file": given.score, "nats": nats, "unit": unit, "symbols": len(numbers)}
        print(json.dumps(found | {"left_out": left_out}))
    else:
        note = f"; {left_out:,} that it never saw left out" if left_out else ""
        print(f"{nats:.4f} nats per {unit} ({len(numbers):,} {unit}s of {given.score} under {run}{note})")


def _choice(given):
    return writing.Choice(given.temperature, given.top_k, given.top_p, given.seed)


def _print_json(given, run, text):
    facts = {"run": run, "seed": given.seed, "temperature": given.temperature, "prompt": given.prompt, "text": text}
    _show(json.dumps(facts, ensure_ascii=False) + "\n")


def _show(text):
    """Text of the model's own on stdout; on a terminal without the characters that would steer it."""
    if sys.stdout.isatty():
        text = "".join(char if char in "\n\t" or char.isprintable() else "\ufffd" for char in text)
    print(text, end="", flush=True)


class _OneLineParser(argparse.ArgumentParser):
    def error(self, message):
        raise BadInput(f"{message[:1].upper()}{message[1:]}. See: bin/sample.sh --help")


def _arguments(argv):
    parser = _OneLineParser(prog="sample.sh", add_help=False, allow_abbrev=False)
    parser.add_argument("--run")
    parser.add_argument("--job")
    parser.add_argument("--length", type=_number(int, 0), default=500)
    parser.add_argument("--temperature", type=_number(float, 0), default=0.7)
    parser.add_argument("--top-k", type=_number(int, 0), default=0)
    parser.add_argument("--top-p", type=_number(float, 0, 1), default=1.0)
    parser.add_argument("--prompt", default="")
    parser.add_argument("--as", dest="speaker", default="")
    parser.add_argument("--in", dest="channel", default="")
    parser.add_argument("--stop", default="")
    parser.add_argument("--seed", type=_number(int, 0), default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--samples", type=_number(int, 1), default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--score", metavar="FILE")
    parser.add_argument("--encoding", default="")
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"))
    return parser.parse_args(argv)


def _number(kind, at_least, at_most=float("inf")):
    """An argparse type that checks the range."""

    def check(text):
        value = kind(text)
        if not at_least <= value <= at_most or value == float("inf"):
            limit = f" and at most {at_most}" if at_most < float("inf") else ""
            raise argparse.ArgumentTypeError(f"expected at least {at_least}{limit}, got {text}")
        return value

    check.__name__ = {int: "whole number", float: "number"}[kind]
    return check


if __name__ == "__main__":
    sys.exit(main())
