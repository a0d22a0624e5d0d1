"""Runs side by side: what differs between them, how well each learnt, and what it cost."""

import dataclasses

from remote import history, tables
from remote.page import chart, facts, metrics, words
from remote.page.write import TITLES, write

LETTERS = "ABCDEFGH"  # a run is called so in curves; there are as many colours
COLUMNS = ("", "run", "verdict", "best", "epoch", "minutes", "dollars")


@dataclasses.dataclass(frozen=True)
class Compared:
    """One job of a run among others. best: "held-out loss 1.307" or ""."""

    letter: str
    number: int
    facts: facts.Facts

    @property
    def run(self):
        return self.facts.run

    @property
    def seconds(self):
        return facts.seconds(self.run)

    @property
    def dollars(self):
        return history.cost(self.run)

    @property
    def best(self):
        found = self.facts.best
        return f"{words.metric(found.name)} {found.value:.4g}" if found else ""


def compare(runs):
    """A Compared for each run, in the order given; for each job of a run that has several. Eight at most."""
    found = [each for run in runs for each in facts.gather(run)]
    return [Compared(letter, number, each) for number, (letter, each) in enumerate(zip(LETTERS, found, strict=False))]


def page(folder, compared):
    """Write the page that compares them into a folder; returns its Path. Its name follows from theirs."""
    name = "-".join(["compare", *dict.fromkeys(one.run.id.rpartition("-")[2] for one in compared)])
    return write(folder / f"{name}.html", "compare.html", contents(compared))


def contents(compared):
    """What compare.html is given."""
    jobs = list(dict.fromkeys(one.facts.job for one in compared))
    return {
        "compared": compared,
        "jobs": jobs,
        "differing": differing(compared),
        "charts": [drawn for job in jobs for drawn in _charts([one for one in compared if one.facts.job == job], jobs)],
        "winners": winners(compared),
    }


def differing(compared):
    """[(name, [value of each run, None where its job has no such parameter])] of the parameters that differ.

    They do when runs of one job have other values of them, or several jobs share the name and not the value.
    """
    values = {
        name: [{one.name: one.value for one in each.facts.parameters}.get(name) for each in compared]
        for name in dict.fromkeys(one.name for each in compared for one in each.facts.parameters)
    }
    return [(name, each) for name, each in values.items() if _differ(compared, each)]


def _differ(compared, values):
    of_jobs = {}
    for one, value in zip(compared, values, strict=True):
        of_jobs.setdefault(one.facts.job, set()).add(value)
    return any(len(known) > 1 for known in of_jobs.values()) or len(set(values) - {None}) > 1


def winners(compared):
    """Letters of the runs that are best by the same metric of the same job; none where a run has no rival."""
    rivals = {}
    for one in compared:
        if one.facts.best:
            rivals.setdefault((one.facts.job, one.facts.best.name), []).append(one)
    best = [min(group, key=lambda one: _badness(one.facts.best)) for group in rivals.values() if len(group) > 1]
    return {one.letter for one in best}


def _badness(best):
    return -best.value if metrics.family(best.name) in metrics.HIGHER_IS_BETTER else best.value


def _charts(group, jobs):
    """A Chart for each family of metrics of runs of one job: a colour per run, dashed what was learnt from."""
    families = dict.fromkeys(family for one in group for family in metrics.families(one.facts.rows))
    drawn = []
    for family in families:
        lines = [line for one in group for line in _lines(one, family)]
        title = TITLES.get(family, words.metric(family))
        units = dict.fromkeys(filter(None, (facts.unit(one.facts, family) for one in group)))
        drawn.append(chart.draw(f"{group[0].facts.job}: {title}" if len(jobs) > 1 else title, lines, ", ".join(units)))
    return [one for one in drawn if one]


def _lines(one, family):
    """The lines of one run: of a family with held-out metrics, the first of these in full and one learnt, faint."""
    rows = one.facts.rows
    names = metrics.families(rows).get(family, [])
    held_out = [name for name in names if metrics.is_held_out(name)][:1]
    learnt = [name for name in names if not metrics.is_held_out(name)][:1]
    pairs = [(name, False) for name in held_out or learnt] + [(name, True) for name in learnt if held_out]
    return [
        chart.Line(
            f"{one.letter} learnt" if faint else one.letter, metrics.points(rows, name), one.number, faint, not faint
        )
        for name, faint in pairs
    ]


def text(compared):
    """The comparison for a terminal: a row per run, then a row per parameter that differs."""
    rows = [
        (
            one.letter,
            one.run.id,
            one.facts.verdict.text,
            one.best + (" *" if one.letter in winners(compared) else ""),
            one.facts.best.epoch if one.facts.best else None,
            f"{one.seconds / 60:.1f}",
            round(one.dollars, 4),
        )
        for one in compared
    ]
    found = differing(compared)
    letters = [one.letter for one in compared]
    below = tables.table(("parameter", *letters), [(name, *map(_brief, values)) for name, values in found])
    return f"{tables.table(COLUMNS, rows)}\n\n{below if found else 'All parameters are the same.'}"


def as_dict(compared, path):
    """The comparison for programs."""
    found = [
        {
            "run": one.run.id,
            "job": one.facts.job,
            "verdict": one.facts.verdict.text,
            "best": dataclasses.asdict(one.facts.best) if one.facts.best else None,
            "seconds": round(one.seconds),
            "dollars": round(one.dollars, 4),
        }
        for one in compared
    ]
    ids = [one.run.id for one in compared]
    parameters = {name: dict(zip(ids, values, strict=True)) for name, values in differing(compared)}
    return {"runs": found, "differing": parameters, "page": str(path)}


def _brief(value, most=24):
    return value if value is None or len(value) <= most else value[: most - 1] + "…"
