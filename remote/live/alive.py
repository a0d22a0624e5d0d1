"""Every run that is alive: this checkout's, by its records, and those launched elsewhere, by their tags."""

import contextlib
import dataclasses
import functools
from dataclasses import dataclass

from remote import adoption, ec2, runs
from remote.aws import Aws
from remote.cloud import Cloud
from remote.errors import Failure, NotFound
from remote.explain import aws_errors, explain


@dataclass(frozen=True)
class Living:
    """A run that is alive. elsewhere: launched from another checkout; its folder is then a spare one."""

    aws: Aws
    run: runs.Run
    elsewhere: bool = False


def find(account, settings, spare):
    """([Living], [why a region couldn't be asked]), oldest first. Raises what it is when none could.

    account: called with (cloud, region), gives the Aws there. spare: a folder for keys to runs of other checkouts, so
    that looking at them leaves no record among ours.
    """
    here = [run for run in _recorded(settings) if not run.closed and (run.launched or run.host and run.started)]
    found = [Living(Aws(settings, Cloud()), run) for run in here if run.host]
    places = [(settings.cloud, region) for region in (settings.region, *settings.other_regions)]
    places += [(run.cloud, run.region) for run in here if not run.host]
    places, refused = dict.fromkeys(places), []
    for place in places:
        try:
            found += _in_place(account(*place), spare)
        except (Failure, *aws_errors()) as error:
            refused.append(error if isinstance(error, Failure) else explain(error))
    if len(refused) == len(places) and not found:
        raise refused[0]
    problems = [failure.message for failure in refused]
    return sorted(found, key=lambda living: runs.RUN_ID.fullmatch(living.run.id)["time"]), problems


def _in_place(aws, spare):
    """The Livings of one region."""
    listed = ec2.list_runs(aws.ec2)
    return [
        _living(aws, run_id, spare)
        for run_id, instance in listed
        if ec2.alive(instance) and runs.RUN_ID.fullmatch(run_id)
    ]


def _living(aws, run_id, spare):
    with contextlib.suppress(NotFound):
        return Living(aws, runs.find(aws.settings, run_id))
    there = _aside(aws, spare)
    with contextlib.suppress(NotFound):
        return Living(there, runs.find(there.settings, run_id), True)
    return Living(there, adoption.adopt(there, run_id), True)


@functools.cache
def _aside(aws, spare):
    """The same account with its records in the spare folder."""
    there = Aws(dataclasses.replace(aws.settings, runs_dir=str(spare)), aws.cloud)
    _made_here = there.ec2, there.instance_connect  # boto3 makes clients in one thread only
    return there


def _recorded(settings):
    for folder in runs.folders(settings):
        with contextlib.suppress(NotFound):
            yield runs.load(folder)
