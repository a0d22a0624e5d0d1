"""Commands that look at runs, and change nothing."""

from remote import ec2, history
from remote.commands.context import JSON, RUN, aws_of, existing_run, show, task


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
    show(json, row, "\n".join(f"{name:<10}{value}" for name, value in row.items() if value not in ("", None)))


TASKS = (runs_, status)
