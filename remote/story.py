"""What a person reads while a run lives: a line a step, with its duration, and one live line on a terminal."""

import contextlib
import datetime
import os
import shutil
import sys
import time

from remote.errors import Interrupted, Usage

WIDTH = 9  # of the column with the step's name
_live = False  # is a live line on the screen, that the next line must replace?


def _terminal():
    return sys.stderr.isatty()


def say(step, text="", seconds=None):
    """One line: the step, what happened, how long it took."""
    duration = "" if seconds is None else f"  ({_short(seconds)})"
    _replace_live()
    _tell(printable(f"{step:<{WIDTH}}{text}{duration}".rstrip()) + "\n")


def live(text, columns=None):
    """Show text in place of the last live line; nothing where stderr is no terminal."""
    global _live
    if not _terminal():
        return
    columns = columns or _columns()
    _tell(f"\r\033[K{printable(text[: columns - 1]).replace(chr(10), ' ')}")
    _live = True


def raw(text):
    """Text of the job's own; it ends where it ends."""
    _replace_live()
    _tell(printable(text))


def complain(text):
    """What went wrong, at the end of the story."""
    _replace_live()
    _tell(printable(text) + "\n")


@contextlib.contextmanager
def step(name, waiting, timeline=None):
    """Time a step. Yields a list: append the text to tell. timeline: list that gets [name, seconds]."""
    live(f"{name:<{WIDTH}}{waiting} ...")
    began = time.monotonic()
    told = []
    yield told
    seconds = time.monotonic() - began
    if timeline is not None:
        timeline.append([name, round(seconds, 2)])
    for number, text in enumerate(told):
        say(name if number == 0 else "", text, seconds if number == len(told) - 1 else None)


def _replace_live():
    global _live
    if _live:
        _tell("\r\033[K")
        _live = False


def _tell(text):
    """Write to stderr; where nobody reads it any more (a closed terminal, `| head`), a run goes on without a story."""
    try:
        print(text, end="", file=sys.stderr, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _columns():
    return shutil.get_terminal_size().columns


def _short(seconds):
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def printable(text):
    """text without what could fool a terminal: control and escape characters become a visible mark."""
    return "\n".join(line if line.isprintable() else _marked(line) for line in text.split("\n"))


def _marked(line):
    return "".join(char if char == "\t" or char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)


def confirm(question, yes):
    """Go on only if the user says yes, by option or at the terminal. Raises Usage, Interrupted."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Usage(f"{question} Nobody is at a terminal to ask. Expected --yes.")
    print(f"{question} Type yes: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != "yes":
        raise Interrupted("Nothing was changed.")


def finish():
    """Leave no live line behind."""
    _replace_live()


def clock(iso):
    """A moment for people: "05:33 UTC", with the date when it isn't today's."""
    moment = datetime.datetime.fromisoformat(iso)
    today = datetime.datetime.now(datetime.UTC).date()
    return moment.strftime("%H:%M UTC" if moment.date() == today else "%Y-%m-%d %H:%M UTC")
