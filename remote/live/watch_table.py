"""How `fab watch` looks: a table of runs that fits 80 columns, two lines a run; the log of one; a line for a change.

All functions are pure: rows, as watching.row makes them, in; what rich can print out.
"""

from dataclasses import dataclass

from rich.console import Group
from rich.table import Table
from rich.text import Text

from remote.live import sparkline, watch_line


@dataclass(frozen=True)
class Look:
    """What the terminal has: room for whole run ids and long bars, or not; ASCII alone, or more."""

    wide: bool
    ascii: bool


WIDE = 100  # columns from which run ids are not shortened
COLUMNS = {"": 1, "run": 13, "progress": 23, "loss": 9, "GPU": 11, "cost and end": 14}  # least widths: 76 with gaps
NOTHING = "No run is alive. Start one: bin/fab train --job lstm_aiw"
STYLES = {
    "running": "green",
    "starting": "cyan",
    "stalled": "bold red",
    "no answer": "yellow",
    "lost": "red",
    "over": "dim",
    "ended": "bold",
}


def table(rows, problems, console, chosen=None, height=None):
    """The runs, and below them what is wrong with any of them. chosen: index of the row under the cursor.

    height: lines that the runs may take; the chosen one is always among those shown.
    """
    said = [Text(note, style="red") for note in [*notes(rows), *problems]]
    if not rows:
        return Group(Text(NOTHING), *said)
    grid = Table(box=None, expand=True, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for heading, width in COLUMNS.items():
        grid.add_column(heading, no_wrap=True, overflow="ellipsis", min_width=width)
    look = Look(console.width >= WIDE, console.options.ascii_only)
    for index in shown(len(rows), chosen, height and (height - len(said)) // 2):
        grid.add_row(*cells(index, rows[index], look), style="reverse" if index == chosen else "")
    return Group(grid, Text(f"\n{watch_line.total(rows)}", style="dim"), *said)


def shown(count, chosen, room):
    """Indices of the rows that fit, the chosen one among them. room: how many; None for all."""
    if room is None or count <= room:
        return range(count)
    first = min(max(0, chosen - room // 2), count - room)
    return range(first, first + max(1, room))


def cells(index, row, look):
    """The two lines of a run, column by column."""
    number = Text(str(index + 1), style="dim")
    return number, run_cell(row, look), progress_cell(row, look), loss_cell(row, look), gpu_cell(row), cost_cell(row)


def run_cell(row, look):
    """Its id, or the part of it that tells it from others, over its machine."""
    return Text(f"{row['run'] if look.wide else watch_line.short(row['run'])}\n").append(row["machine"], style="dim")


def progress_cell(row, look):
    """ "epoch 3/12 ####......  33%" over "step 45/90, 41 s left"; the state, when it isn't training or doesn't say."""
    state = Text(row["state"], style=STYLES.get(row["state"], ""))
    if row["exit_code"] is not None and row["state"] in ("ended", "over"):
        state.append(f", exit code {row['exit_code']}")
    if row["share"] is None or row["state"] not in ("running", "stalled"):
        costs = row["state"] in ("ended", "lost") and row["deadline"]
        return state.append("\nits machine still costs" if costs else "", "dim")
    first = Text(f"epoch {row['epoch']:g}/{row['epochs']:g} ") + meter(row["share"], look)
    first.append(f" {row['share']:.0%}\n")
    if row["state"] == "stalled":
        return first.append("stalled", STYLES["stalled"]).append(f" {_step(row)}", "dim")
    left = "" if row["seconds_left"] is None else f"{watch_line.duration(row['seconds_left'])} left"
    return first.append(", ".join(part for part in (_step(row), left) if part), "dim")


def _step(row):
    return f"step {row['step']:g}/{row['steps']:g}" if row["step"] is not None and row["steps"] else ""


def loss_cell(row, look):
    """The loss over its curve."""
    losses = [*row["losses"], *([] if row["loss"] is None else [row["loss"]])]
    if not losses:
        return ""
    bars = sparkline.ASCII_BARS if look.ascii else sparkline.BARS
    return Text(f"{losses[-1]:.4g}\n").append(sparkline.sparkline(losses, 20 if look.wide else 9, bars), "cyan")


def gpu_cell(row):
    """ "87 %, 61 C" over "5.0/15 GiB": of several GPUs the mean use, the hottest, all memory."""
    gpus = row["gpus"]
    if not gpus:
        return Text("" if row["state"] in ("starting", "no answer", "over") else "none", style="dim")
    known = {name: [gpu[name] for gpu in gpus if gpu[name] is not None] for name in gpus[0]}
    use, heat = known["use"], known["celsius"]
    first = f"{sum(use) / len(use):.0f} %" if use else "? %"
    first += f" {max(heat):.0f} C" if heat else ""
    memory = f"{sum(known['used_mib']) / 1024:.1f}/{sum(known['total_mib']) / 1024:.0f} GiB"
    return Text(f"{first}\n").append(memory, style="dim")


def cost_cell(row):
    """ "$0.02 of 2.17" over "ends 07:12 UTC"."""
    return Text(f"{watch_line.cost(row)}\n").append(watch_line.end(row), style="dim")


def notes(rows):
    """A line for everything that is wrong with a run."""
    return [f"{watch_line.short(row['run'])}: {one}" for row in rows for one in (*row["stalls"], row["problem"]) if one]


def log(row, lines, height, above):
    """The last lines of a run's log that fit; above: how many lines further up to look."""
    end = max(0, len(lines) - above)
    head = Text(f"{row['run']}  {watch_line.one_line(row)}\n", style="bold", no_wrap=True, overflow="ellipsis")
    body = [Text(line.expandtabs(), no_wrap=True, overflow="ellipsis") for line in lines[max(0, end - height) : end]]
    return Group(head, *(body or [Text("nothing in its log yet", style="dim")]))


def meter(share, look):
    """A bar."""
    width = 16 if look.wide else 6
    done = round(share * width)
    if look.ascii:
        return Text("#" * done + "." * (width - done))
    return Text("\N{BOX DRAWINGS HEAVY HORIZONTAL}" * done, "green").append(
        "\N{BOX DRAWINGS LIGHT HORIZONTAL}" * (width - done), "dim"
    )
