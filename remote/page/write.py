"""The page of a run, from its facts to the file: what report.html shows, and where."""

import functools
from pathlib import Path

from remote import history, runs
from remote.page import chart, commands, facts, gpu, metrics, samples, timeline, words

NAME = "report.html"
FREE_CLOUD = "embedded"
MOST_LINES = 8  # in a chart; there are as many colours
TITLES = {"seconds": "time an epoch took"}


def report(run):
    """Write runs/<id>/report.html; returns its Path."""
    return write(run.folder / NAME, "report.html", contents(run))


def write(path, template, values):
    """Render a template of this folder into a file, whole or not at all; returns its Path."""
    page = _templates().get_template(template).render(values, now=runs.now())
    partial = path.with_name(path.name + ".part")
    partial.write_text(page, encoding="utf-8")
    return partial.replace(path)


def contents(run):
    """What report.html is given: {name: value}."""
    found = facts.gather(run)
    gpu_samples = gpu.read(run.folder / "gpu.csv")
    changed = {each.job: [one.name for one in each.parameters if one.differs] for each in found}
    return {
        "run": run,
        "verdict": found[0].verdict,
        "sentence": facts.sentence(run.job) if len(found) == 1 else "",
        "seconds": facts.seconds(run),
        "dollars": None if run.host else history.cost(run),
        "charged": _charged(run),
        "where": ", ".join(filter(None, (run.zone, run.market))),
        "last_lines": facts.last_lines(run) if found[0].verdict.kind == "bad" else "",
        "turns": [of_job(one) for one in found],
        "steps": timeline.steps(run),
        "attempts": timeline.attempts(run),
        "gpu_charts": gpu.charts(gpu_samples),
        "gpu_summary": gpu.summary(gpu_samples),
        "again": commands.again(run, changed),
        "more": commands.more(run, [each.model for each in found], any(run.folder.glob("out/**/tensorboard"))),
        "versions": facts.versions(run, next((one.model for one in found if one.model), {})),
    }


def of_job(found):
    """What report.html shows of one job. found: its Facts."""
    texts = samples.texts(found.out)
    pictures, left_out = samples.pictures(found.out)
    measures, classes = facts.by_class(found)
    return {
        "facts": found,
        "charts": curves(found),
        "results": facts.results(found),
        "measures": measures,
        "classes": classes,
        "pictures": pictures,
        "left_out": left_out,
        "texts": texts,
        "openings": samples.openings(texts[:-1]),
    }


def curves(found):
    """A Chart for each family of metrics: what was held out, what was learnt from, what comes without learning."""
    headline, drawn = found.best and metrics.family(found.best.name), []
    for family, names in metrics.families(found.rows).items():
        names = sorted(names, key=metrics.is_held_out, reverse=True)[:MOST_LINES]
        lines = [
            chart.Line(words.metric(name), metrics.points(found.rows, name), colour=number)
            for number, name in enumerate(names)
        ]
        lines += _baselines(found, len(lines)) if family == headline else []
        drawn.append(chart.draw(TITLES.get(family, words.metric(family)), lines, facts.unit(found, family)))
    return [one for one in drawn if one]


def _baselines(found, already):
    """Level lines at what the job compares its best metric with."""
    epochs = [found.rows[0]["epoch"], found.rows[-1]["epoch"]]
    levels = list(facts.baselines(found).items())[: MOST_LINES - already]
    return [
        chart.Line(name[:40], [(epoch, value) for epoch in epochs], colour=7, faint=True)
        for name, value in levels
        if value is not None
    ]


def _charged(run):
    if run.host:
        return "a machine of your own"
    return "nothing was charged: your own machine" if run.cloud == FREE_CLOUD else run.price_source


@functools.cache
def _templates():
    """Jinja's environment, imported when a page is made: most commands make none."""
    import jinja2

    folder = jinja2.FileSystemLoader(Path(__file__).parent)
    options = {"autoescape": True, "undefined": jinja2.StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    environment = jinja2.Environment(loader=folder, **options)
    environment.filters |= {
        "moment": words.moment,
        "duration": words.duration,
        "dollars": words.dollars,
        "figure": lambda value: f"{value:.4g}",
        "metric": words.metric,
    }
    return environment
