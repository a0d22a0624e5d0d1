"""What a person reads while a run lives: a line a step, with its duration, and one live line on a terminal."""

import contextlib
import datetime
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
    print(f"{step:<{WIDTH}}{text}{duration}".rstrip(), file=sys.stderr, flush=True)


def live(text, columns=None):
    """Show text in place of the last live line; nothing where stderr is no terminal."""
    global _live
    if not _terminal():
        return
    columns = columns or _columns()
    print(f"\r\033[K{text[: columns - 1]}", end="", file=sys.stderr, flush=True)
    _live = True


def raw(text):
    """Text of the job's own, already safe for a terminal; it ends where it ends."""
    _replace_live()
    print(text, end="", file=sys.stderr, flush=True)


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
        print("\r\033[K", end="", file=sys.stderr)
        _live = False


def _columns():
    return shutil.get_terminal_size().columns


def _short(seconds):
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def printable(text):
    """text without what could fool a terminal: control and escape characters become a visible mark."""
    return "".join(char if char in "\n\t" or char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


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
