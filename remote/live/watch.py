"""`fab watch`: a live table where there is a terminal, plain lines where there is none."""

import contextlib
import sys
import time
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from remote.live import keyboard, watch_line, watch_table, watching

REFRESH_S = 0.5
LOG_BYTES = 32 << 10  # of a log, that can be scrolled through
FRAME = 4  # lines above and below what changes
TABLE_KEYS = "up, down, number: choose   Enter: its log   q: quit"
NEWS = ("state", "exit_code", "epoch", "stalls", "problem")  # what is worth another plain line
LOG_KEYS = "up, down: scroll   q, Esc: back"


@dataclass
class View:
    """What the screen shows. opened: whether it is the log of the chosen run. above: lines scrolled up in it."""

    chosen: int = 0
    opened: bool = False
    above: int = 0
    over: bool = False


def interactive():
    """Is there a terminal that can show a live table, and a keyboard?"""
    console = Console()
    return sys.stdin.isatty() and console.is_terminal and not console.is_dumb_terminal


def text(watch):
    """The table, printed once."""
    console = Console(highlight=False)
    with console.capture() as captured:
        rows = watching.first_rows(watch)
        console.print(watch_table.table(rows, watch.problems, console))
    return captured.get().rstrip()


def live(watch):
    """The live table, until q or Ctrl-C is pressed."""
    watching.keep_looking_around(watch)
    with contextlib.suppress(KeyboardInterrupt, EOFError):  # EOFError: the terminal has gone
        _live(watch, Console(highlight=False))


def _live(watch, console):
    view = View()
    with keyboard.listening() as key, Live(console=console, screen=True, auto_refresh=False) as screen:
        while not view.over:
            runs = list(watch.watched.values())
            read_log(view, runs)
            screen.update(render(view, runs, watch.problems, console), refresh=True)
            press(view, key(REFRESH_S), len(runs), console.height - FRAME)


def press(view, key, count, page):
    """Change the view as a key asks. count: of runs. page: lines of the log that fit."""
    if key.isdigit() and 0 < int(key) <= count:
        view.chosen, view.opened, view.above = int(key) - 1, True, 0
    elif view.opened:
        moves = {"up": 1, "down": -1, "page up": page, "page down": -page, "home": LOG_BYTES, "end": -LOG_BYTES}
        view.above = max(0, view.above + moves.get(key, 0))
        view.opened = key not in ("q", "escape")
    elif key in ("up", "down"):
        view.chosen = max(0, min(view.chosen + (1 if key == "down" else -1), count - 1))
    elif key == "enter":
        view.opened, view.above = count > 0, 0
    elif key in ("q", "escape"):
        view.over = True


def read_log(view, runs):
    """Have the log that is shown sent along, and no other."""
    for index, one in enumerate(runs):
        wanted = LOG_BYTES if view.opened and index == view.chosen else 0
        if wanted > one.log_bytes:
            one.wake.set()
        one.log_bytes = wanted


def render(view, runs, problems, console):
    """What the screen shows now."""
    height = console.height - FRAME
    rows = [watching.row(one) for one in runs]
    if view.opened:
        lines = runs[view.chosen].seen.log if runs[view.chosen].seen else []
        view.above = min(view.above, max(0, len(lines) - height))
        return _page(watch_table.log(rows[view.chosen], lines, height, view.above), LOG_KEYS)
    return _page(watch_table.table(rows, problems, console, view.chosen, height), TABLE_KEYS)


def _page(content, keys):
    return Group(content, Text(f"\n{keys}", style="dim", no_wrap=True))


def plain(watch):
    """A line for each run, and another whenever something about it changes, until none is alive any more."""
    watching.keep_looking_around(watch)
    told = {}
    while True:
        for row in watching.first_rows(watch):
            news = [row[name] for name in NEWS]
            if told.get(row["run"]) != news:
                print(f"{row['run']}  {watch_line.one_line(row)}", flush=True)
            told[row["run"]] = news
        if all(one.gone for one in list(watch.watched.values())):
            print(watch_table.NOTHING)
            return
        time.sleep(watching.EVERY_S)
