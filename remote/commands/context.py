"""What a command works on: the Aws and the Run that its words and the settings mean, and how its result is shown."""

import functools
import json as jsons

import fabric

from remote import adoption, embedded, request, runs, settings, story
from remote.aws import Aws
from remote.cloud import Cloud
from remote.errors import NotFound

task = functools.partial(fabric.task, auto_shortflags=False)  # -h for --ssh-cidr would surprise

CLOUDS = {
    "aws": lambda _chosen: Cloud(),  # boto3 finds the way by itself
    "embedded": lambda chosen: embedded.connect(chosen.runs / ".embedded", chosen.region),
}
RUN = {"run": "a run's id; the newest if not given"}
JSON = {"json": "for programs: JSON on stdout"}


def aws_of(c, run=None, offline=False, **given):
    """The Aws that a command works on; for an existing run, the one that the run was launched in.

    offline: one that is never asked.
    """
    where = run.options | {"cloud": run.cloud, "region": run.region} if run else {}
    chosen = settings.read(c.config, given | where)
    if offline or isinstance(c, fabric.Connection) or (run and run.host):
        return Aws(chosen, Cloud())  # never asked
    return Aws(chosen, settings.choose(CLOUDS, chosen.cloud)(chosen))


def new_run(c, given, offline=False):
    """(Aws, Run) for what options.of_a_run has collected: checked, neither recorded nor rented."""
    aws = aws_of(c, offline=offline, **given.settings)
    run = request.new_run(aws.settings, given.jobs, given.set)
    run.options = given.settings
    if isinstance(c, fabric.Connection):  # bin/fab -H user@box train: a machine that is there already
        run.host = f"{c.user}@{c.original_host}:{c.port}"  # as typed: ssh_config has more to say about it than a name
    return aws, run


def existing_run(c, run_id):
    """(Aws, Run) of an id, or of the newest run. One that this checkout doesn't know is looked for by its tags."""
    chosen = settings.read(c.config)
    try:
        run = runs.find(chosen, run_id)
    except NotFound:
        if not run_id or (chosen.runs / run_id).exists():
            raise
        aws = aws_of(c)
        return aws, adoption.adopt(aws, run_id)
    return aws_of(c, run), run


def show(as_json, value, text=None):
    """The result on stdout: value as JSON, or the text for people, if there is any."""
    if as_json:
        print(jsons.dumps(value, indent=1))
    elif text is not None:
        print(story.printable(text))  # some of it is tags, or an instance's words
