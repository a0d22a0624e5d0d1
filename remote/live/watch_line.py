"""A run in a line of text, for people: what it does now, what it costs. rows: as watching.row makes them."""

from remote import story

LONG_NAME = 10  # characters


def one_line(row):
    """A run in a line without its name: what a program's log, or a head line, has room for."""
    code = None if row["exit_code"] is None else f"exit code {row['exit_code']}"
    epoch = None if row["share"] is None else f"epoch {row['epoch']:g}/{row['epochs']:g} {row['share']:.0%}"
    left = None if row["seconds_left"] is None else f"{duration(row['seconds_left'])} left"
    loss = None if row["loss"] is None else f"loss {row['loss']:.4g}"
    parts = [row["state"], code, epoch, left, loss]
    parts += [f"GPU {gpu['use']:.0f} %" for gpu in row["gpus"] if gpu["use"] is not None]
    parts += [cost(row), end(row), *row["stalls"], row["problem"]]
    return "  ".join(part for part in parts if part)


def cost(row):
    """ "$0.02 of 2.17", the most that it can be; "" where nothing is rented."""
    if not row["deadline"]:
        return ""
    return f"${_dollars(row['dollars'])} of {_dollars(row['dollars_at_most'])}"


def _dollars(amount):
    return f"{amount:.2f}" if amount < 100 else f"{amount:.0f}"


def end(row):
    """ "ends 07:12 UTC", or "ends 11-23 07:12" when that isn't today."""
    if not row["deadline"]:
        return "nothing rented"
    clock = story.clock(row["deadline"])
    return f"ends {clock.partition('-')[2].removesuffix(' UTC') or clock}"


def short(run_id):
    """ "lstm_aiw c7a0" of lstm_aiw-20261122-031237-c7a0; a long name is cut off."""
    return f"{run_id.split('-')[0][:LONG_NAME]} {run_id.rpartition('-')[2]}"


def total(rows):
    """ "3 runs; $0.05 so far, $6.47 at most"."""
    spent, most = (sum(row[name] or 0 for row in rows) for name in ("dollars", "dollars_at_most"))
    return f"{len(rows)} run{'s' if len(rows) > 1 else ''}; ${spent:.2f} so far, ${most:.2f} at most"


def duration(seconds):
    """ "41 s", "12 min", "3.5 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"
