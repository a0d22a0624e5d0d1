"""Commands that look at runs, and change nothing."""

import functools
import tempfile

from remote import attempts, ec2, history, runs, settings, steps, story
from remote.commands.context import JSON, RUN, aws_of, existing_run, show, task
from remote.errors import Usage
from remote.live import alive, watch_line, watching

OPEN = {"open": "in the browser, where there is a screen"}


@task(name="runs", help=JSON | {"last": "how many of the newest to show"})
def runs_(c, json=False, last=20):
    """The runs that there were and are, and what they cost."""
    aws = aws_of(c)
    found = history.rows(aws.settings, ec2.list_runs(aws.ec2), int(last))
    month = f"\n\nthis month: ${history.month_to_date(aws.settings):.2f}"
    show(
        json, found, (history.table(found) + month) if found else "No run yet. Start one: bin/fab train --job lstm_aiw"
    )


@task(help=RUN | JSON)
def status(c, run="", json=False):
    """One run: where it is, how far it is, what it has cost."""
    aws, found = existing_run(c, run)
    instance = None if found.host else ec2.find(aws.ec2, found.id)
    row = history.row(found, instance if ec2.alive(instance) else None)
    if found.started and not found.closed and (found.host or ec2.alive(instance)):
        row["now"] = watching.row(watching.looked_at(alive.Living(aws, found)))
    row["refused"] = attempts.refusals(found)
    lines = row | ({"now": watch_line.one_line(row["now"])} if "now" in row else {})
    lines["refused"] = f"\n{'':<10}".join(attempts.told(one) for one in row["refused"])
    show(json, row, "\n".join(f"{name:<10}{value}" for name, value in lines.items() if value not in ("", None)))


@task(name="watch", help=JSON | {"once": "print the table once"})
def watch_(c, once=False, json=False):
    """Every run that is alive, in one live table."""
    from remote.live import watch  # rich takes its time to import, and no other command needs it

    account = functools.cache(lambda cloud, region: aws_of(c, cloud=cloud, region=region))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as spare:
        found = watching.Watch(lambda: alive.find(account, settings.read(c.config), spare))
        watching.look_around(found)
        if once or json:
            show(json, watching.first_rows(found), watch.text(found))
        elif watch.interactive():
            watch.live(found)
        else:
            watch.plain(found)


@task(name="report", help=RUN | JSON | OPEN)
def report_(c, run="", open=True, json=False):
    """Make a run's report.html anew, and open it."""
    from remote.page import browser, write  # here and below, for the other commands need not wait for it

    path = write.report(runs.find(settings.read(c.config), run))
    show(json, {"page": str(path)}, str(path))
    if open and not json:
        browser.show(path)


@task(name="compare", iterable=["run"], help=JSON | OPEN | {"run": "ids of two to eight runs: --run may be left out"})
def compare_(c, run, open=True, json=False):
    """Runs side by side: parameters, curves, dollars."""
    from remote.page import browser, comparison

    chosen = settings.read(c.config)
    ids = list(dict.fromkeys(one for words in run for one in words.split(",") if one))
    if not 2 <= len(ids) <= len(comparison.LETTERS):
        raise Usage(f"Expected two to {len(comparison.LETTERS)} runs, got {len(ids)}: bin/fab compare RUN RUN ...")
    compared = comparison.compare([runs.find(chosen, one) for one in ids])
    path = comparison.page(chosen.runs, compared)
    show(json, comparison.as_dict(compared, path), comparison.text(compared))
    story.say("compare", str(path))
    if open and not json:
        browser.show(path)


@task(
    name="tensorboard",
    iterable=["run"],
    help={"run": "ids; all runs if not given", "port": "of this machine; the first free one from 6006 on"},
)
def tensorboard_(c, run, port=None):
    """TensorBoard on runs, also on those that train now."""
    from remote import tensorboard

    chosen = settings.read(c.config)
    named = [runs.find(chosen, one).folder for words in run for one in words.split(",") if one]
    tensorboard.serve(
        lambda: named or runs.folders(chosen),
        lambda one: steps.connect(aws_of(c, one), one),
        None if port is None else _number_of_a_port(port),
    )


def _number_of_a_port(text):
    if not (text.isascii() and text.isdecimal() and int(text) < 1 << 16):
        raise Usage(f"Expected a port from 0 to 65535, got {text!r}.")
    return int(text)


TASKS = (runs_, status, watch_, report_, compare_, tensorboard_)
