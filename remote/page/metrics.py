"""What a job wrote of each epoch, and the best of it: out/metrics.jsonl, read without trusting it."""

import dataclasses
import json
import math

from remote.page import files

MOST_ROWS = 100_000
MOST_NAMES = 40
HIGHER_IS_BETTER = ("iou", "dice", "accuracy", "precision", "recall", "f1", "auc")
LOWER_IS_BETTER = ("loss", "perplexity", "error")
HELD_OUT = ("held_out_", "test_", "validation_", "val_")  # the most honest first


@dataclasses.dataclass(frozen=True)
class Best:
    """The value of the metric by which a run is judged, and the epoch that had it.

    kept: it is that of the weights that came home. An epoch in between may have had a better one by chance.
    """

    name: str
    value: float
    epoch: int
    kept: bool = False


def read(path):
    """Rows {"epoch": 3, "loss": 1.52, ...} of numbers, in order; lines that are none are left out. [] without a file.

    A value that is not a number, or infinite, is None.
    """
    rows = []
    for line in files.text(path).splitlines()[:MOST_ROWS]:
        row = _parsed(line)
        if row:
            rows.append({"epoch": len(rows) + 1} | row)
    return rows


def _parsed(line):
    try:
        return numbers(json.loads(line))
    except (ValueError, RecursionError):
        return {}


def numbers(row):
    """The numbers of a dict, None for those that are infinite or none; {} of anything else."""
    if not isinstance(row, dict):
        return {}
    found = [(name, value) for name, value in row.items() if type(value) in (int, float)]
    row = {name: float(value) if _usable(value) else None for name, value in found[:MOST_NAMES]}
    if row.get("epoch") is None:
        row.pop("epoch", None)
    return row


def _usable(value):
    return abs(value) < 1e30 and math.isfinite(
        value
    )  # the first comparison also refuses integers too large for a float


def names(rows):
    """Names of all metrics of the rows, in the order in which they first appear."""
    return [name for name in dict.fromkeys(name for row in rows for name in row) if name != "epoch"]


def points(rows, name):
    """[(epoch, value or None)] of one metric."""
    return [(row["epoch"], row[name]) for row in rows if name in row]


def family(name):
    """What a metric measures, so that those which measure the same share a chart: "held_out_mean_iou" is an "iou"."""
    words = name.lower().split("_")
    known = [word for word in words if word in HIGHER_IS_BETTER + LOWER_IS_BETTER]
    return known[0] if known else words[-1]


def families(rows):
    """{family: [names]} of the rows: first that of the best metric, last the seconds."""
    grouped, judged = {}, best(rows)
    for name in names(rows):
        grouped.setdefault(family(name), []).append(name)
    headline = judged and family(judged.name)
    return dict(sorted(grouped.items(), key=lambda item: (item[0] == "seconds", item[0] != headline)))


def is_held_out(name):
    return name.lower().startswith(HELD_OUT)


def best(rows):
    """The Best of the metric that says most: on held-out data rather than learnt, a quality rather than a loss.

    None when there is none. Of equals the earliest.
    """
    judged = [name for name in names(rows) if family(name) in HIGHER_IS_BETTER + LOWER_IS_BETTER]
    if not judged:
        return None
    name = min(judged, key=_rank)
    reached = [(epoch, value) for epoch, value in points(rows, name) if value is not None]
    if not reached:
        return None
    sign = -1 if family(name) in HIGHER_IS_BETTER else 1
    epoch, value = min(reached, key=lambda point: sign * point[1])
    return Best(name, value, int(epoch))


def _rank(name):
    honesty = [name.lower().startswith(prefix) for prefix in HELD_OUT] + [True]
    order = (*HIGHER_IS_BETTER, *LOWER_IS_BETTER)
    return honesty.index(True), order.index(family(name)), "mean" not in name, len(name)
