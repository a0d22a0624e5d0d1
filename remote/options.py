"""The options that every command which starts a run takes, said once."""

import dataclasses
import functools
import inspect

from remote.errors import Usage

SETTINGS = {  # each overrides the setting of the same name for one run
    "instance_types": "machines to try in this order, comma-separated",
    "market": "on-demand, spot or spot-then-on-demand",
    "volume": "a named volume that outlives the run, made if need be",
    "max_hours": "the instance ends itself after so many hours",
    "max_cost": "... or when so many dollars are spent",
    "wait_capacity": "go on asking so long when AWS has no machine: 90m, 2h",
    "ssh_cidr": "who may reach port 22, such as 203.0.113.7/32",
}
FLAGS = {  # the same for settings that are true or false
    "move_volume": "copy the volume to another zone when its own has no machine",
}
SHORT = {"spot": "short for --market spot"}
JOB = {
    "job": "a file of jobs/, without .py; several take turns on one machine",
    "set": "a parameter, NAME=VALUE, or JOB.NAME=VALUE of one of several jobs; may be repeated",
}


@dataclasses.dataclass(frozen=True)
class Given:
    """What was typed: the jobs' names, their ["name=value", ...], and the settings that were given."""

    jobs: list
    set: list
    settings: dict


def of_a_run(body):
    """body(c, given, ...) as a function with an option for each of the dicts above: Fabric reads its signature."""

    @functools.wraps(body)
    def with_options(c, job=None, set=None, spot=False, **rest):
        settings = {name: rest.pop(name) for name in (*SETTINGS, *FLAGS) if name in rest}
        settings = {name: value for name, value in settings.items() if value is not None and value is not False}
        return body(c, Given(job or [], set or [], _on_spot(settings) if spot else settings), **rest)

    kind = inspect.Parameter.KEYWORD_ONLY
    own = [one.replace(kind=kind) for one in list(inspect.signature(body).parameters.values())[2:]]
    shared = [inspect.Parameter(name, kind, default=None) for name in ("job", "set", *SETTINGS)]
    shared += [inspect.Parameter(name, kind, default=False) for name in (*FLAGS, *SHORT)]
    context = inspect.Parameter("c", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    with_options.__signature__ = inspect.Signature([context, *shared, *own])
    return with_options


def _on_spot(settings):
    """The settings of a command that says --spot. Raises Usage."""
    if settings.get("market", "spot") != "spot":
        raise Usage(f"--spot is short for --market spot. Expected one of them, got --market {settings['market']} too.")
    return settings | {"market": "spot"}


def task_arguments(own_help=()):
    """Arguments of Fabric's @task that go with of_a_run."""
    shared = {name.replace("_", "-"): text for name, text in (JOB | SETTINGS | FLAGS | SHORT).items()}
    return {"iterable": ["job", "set"], "help": shared | dict(own_help)}
