"""docs/kill-matrix.md, written from the rows of a whole matrix: how many cases of what, and what became of them."""

import datetime
import fnmatch
import tomllib
from collections import Counter
from pathlib import Path

from tests.faults.cases import AGAIN, ELSEWHERE, ITSELF, NOTHING, STEPS
from tests.faults.holes import HOLES

ROOT = Path(__file__).resolve().parents[2]
# What the faults of the cases are called in the table, and how their names begin.
COLUMNS = {
    "client killed": "killed-",
    "refused once": ("throttle-once", "error-once"),
    "refused for ever": ("throttle-always", "error-always", "denied-", "capacity-", "quota-", "volume-quota-"),
    "request or reply lost, no answer": ("lost-", "silence-"),
    "SSH cut": "cut-",
    "SSH frozen": "frozen-",
    "machine vanished": "vanished",
    "spot machine taken": "interrupted",
    "disk full": "full",
    "disk read-only": "read-only",
}
AFTERWARDS = {
    ITSELF: "nothing: a run must get over that by itself",
    AGAIN: "`fab resume`, or the same command where no run was recorded yet",
    ELSEWHERE: "`fab follow`, `fab pull`, and after the deadline `fab reap`, from a checkout with only the credentials",
    NOTHING: "nothing at all until the deadline, then `fab pull` and `fab reap` from such a checkout",
}


def text(rows, today):
    """The page. rows: of lane.py, one per case. today: a date."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    counted = Counter(row["outcome"] for row in rows)
    played = [row for row in rows if row["outcome"] != "not reached"]
    parts = [
        "# The kill matrix",
        INTRODUCTION.format(
            version=version,
            date=today.isoformat(),
            cases=len(rows),
            places=len({row["case"].split("/")[0] for row in rows}),
            held=counted["held"],
            violated=counted["violated"],
            missed=counted["not reached"],
            states=_states(rows),
            following=sum("then_next" in row and row["then_next"] for row in played),
        ),
        "## Cases by step and fault\n\n" + _by_step(played),
        "## What was done afterwards, and how it ended\n\n" + _by_recovery(played),
        "## What did not hold\n\n" + _violations(rows),
        "## Holes found, each with the cases that show it, and their mends\n\n" + _holes(rows),
    ]
    return "\n\n".join(parts) + "\n"


INTRODUCTION = """Version {version}, {date}.

A run was recorded: every AWS request, SSH connection, command and transfer, and every write of the client's own;
{places} places. At each of them something goes wrong, and then somebody does something about it, or nobody does. That
makes {cases} cases, each played by the real command against the embedded EC2, with real SSH and real processes.
**{held} held, {violated} did not.** Not reached, for the run took another way, and not counted below: {missed}.

In every case all of this must hold: no instance lives past its deadline; never two instances of one run at once; what
the job had written by its last completed epoch is home, byte for byte, or `fab pull` brings it home from its volume; no
partial file under its final name; no log line twice or missing; only documented exit codes, and no traceback; nothing
that costs money without tags; nothing left at the end. After {following} of the cases, at least one at each place, the
next run was tried too.

Played on {states}.

What this does not show: AWS itself, on which nobody has played it; two faults at once; a fault within one system call.
A job is three epochs of 0.15 s. Time passes on the embedded EC2's clock, and on the commands' with it. The commands'
own waits, the seconds without an answer, are shortened, and so is the size from which a file is a large one.

    python -m tests.faults.matrix --table                  # all of it: {cases} times 3 s of one processor
    python -m tests.faults.matrix --only 'CASE' --lanes 1  # one, or those that match a pattern

It needs Linux; the cases of disks need root."""


def _states(rows):
    """On which commits the rows were played, and how many on each."""
    return ", ".join(f"{code} ({count} cases)" for code, count in Counter(row["code"] for row in rows).items())


def _by_step(rows):
    """A row for each step of a run, a column for each kind of fault."""
    cells = Counter()
    wrong = Counter()
    for row in rows:
        key = row["step"], _column(row["fault"])
        cells[key] += 1
        wrong[key] += row["outcome"] == "violated"
    steps = [step for step, _last in STEPS]
    lines = [_line(["step", *COLUMNS, "cases"]), _line(["---"] + ["---:"] * (len(COLUMNS) + 1))]
    for step in steps:
        numbers = [_cell(cells[step, column], wrong[step, column]) for column in COLUMNS]
        lines.append(_line([step, *numbers, sum(cells[step, column] for column in COLUMNS)]))
    sums = [sum(cells[step, column] for step in steps) for column in COLUMNS]
    return "\n".join([*lines, _line(["all", *sums, sum(sums)])])


def _cell(count, wrong):
    return f"{count} ({wrong} did not hold)" if wrong else count or ""


def _column(fault):
    return next(column for column, begins in COLUMNS.items() if fault.startswith(begins))


def _by_recovery(rows):
    """How many of the cases needed what was done, and what the first command's exit code was."""
    lines = [_line(["afterwards", "cases", "went through by itself", "held", "did not"]), _line(["---"] + ["---:"] * 4)]
    for name, words in AFTERWARDS.items():
        among = [row for row in rows if row["recovery"] == name]
        through = sum(row["commands"][:1] == ["train 0"] for row in among)
        held = sum(row["outcome"] == "held" for row in among)
        lines.append(_line([words, len(among), through, held, len(among) - held]))
    codes = Counter(row["commands"][0].split()[1] for row in rows if row["commands"])
    told = ", ".join(f"{code}: {count}" for code, count in sorted(codes.items(), key=lambda item: -item[1]))
    return "\n".join(lines) + f"\n\nExit codes of `fab train` under these faults (-9: killed): {told}."


def _violations(rows):
    wrong = [row for row in rows if row["outcome"] == "violated"]
    lines = [f"- `{row['case']}`: {'; '.join(row['violations'])} ({', '.join(row['commands'])})" for row in wrong]
    return "\n".join(lines) or "Nothing."


def _holes(rows):
    lines = [_line(["cases", "what was wrong", "mend", "now"]), _line(["---"] * 4)]
    for hole in HOLES:
        found = [row["outcome"] for row in rows if fnmatch.fnmatch(row["case"], hole.cases)]
        now = f"{found.count('held')} of {len(found)} hold"
        lines.append(_line([f"`{hole.cases}`", hole.found, hole.mend, now]))
    return "\n".join(lines)


def _line(cells):
    return "| " + " | ".join(map(str, cells)) + " |"


def write(rows):
    """Write the page; returns its path."""
    path = ROOT / "docs/kill-matrix.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text(rows, datetime.datetime.now(datetime.UTC).date()))
    return path
