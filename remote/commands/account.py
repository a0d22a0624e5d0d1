"""Commands that look after the account and this machine: what is left over, what is kept, what is missing."""

import datetime

from remote import (
    dead_man,
    deadline_role,
    doctor,
    embedded,
    listings,
    reader_role,
    reap,
    roles,
    run_volume,
    settings,
    story,
    tags,
    volumes,
)
from remote import policy as policies
from remote.commands.context import CLOUDS, JSON, aws_of, show, task
from remote.errors import NotFound, Usage


@task(name="reap", help=JSON | {"yes": "end them; without, only list them", "region": "one region; all if not given"})
def reap_(c, yes=False, region="", json=False):
    """What is left over anywhere; ended with --yes."""
    aws = aws_of(c)
    regions = [region] if region else reap.enabled_regions(aws.ec2)
    found = reap.find(aws.ec2_in, regions, datetime.datetime.now(datetime.UTC), aws.scheduler_in)
    failed = reap.end(aws.ec2_in, found, aws.scheduler_in) if yes else []
    show(json, listings.orphans_as_dicts(found), listings.orphans_as_text(found, yes, len(regions)))
    for orphan, failure in failed:
        story.say("reap", f"{orphan.id} could not be ended: {failure}")
    if failed:
        raise failed[0][1]


@task(
    help={"read": "s3://BUCKET/FOLDER/ that the instances of jobs which name an s3:// address may read"}
    | {"remove": "delete all of it again; with --read, only that address"}
    | {"policy": "only print the IAM policy that runs need, for your settings"}
)
def setup(c, read="", remove=False, policy=False):
    """Once per account: the roles by which AWS acts for runs."""
    aws = aws_of(c)
    arn = dead_man.role_arn(aws)
    if policy:
        names = aws.settings.deadline_role, roles.partition(arn), aws.settings.instance_profile
        show(True, policies.document(*names))
    elif read:
        _set_up_reading(aws, read, remove)
    elif remove:
        print(f"{arn}: {deadline_role.remove(aws.iam, aws.settings.deadline_role)}")
        _remove_reader(aws)
    else:
        print(f"{arn}: {deadline_role.ensure(aws.iam, arn)}. It can end what is tagged {tags.MANAGED}=true.")


def _set_up_reading(aws, address, remove):
    """Let instances read an s3:// address, or no longer."""
    name = aws.settings.instance_profile
    if not name:
        raise Usage("Setting instance_profile is empty. Expected a name for the role that reads: see fabric.yaml.")
    arn = roles.arn(aws.sts, name)
    if remove:
        print(f"{arn}: {address} {reader_role.withdraw(aws.iam, name, address)}.")
    else:
        print(f"{arn}: {reader_role.ensure(aws.iam, arn, address)}. Instances that get it can read {address}.")


def _remove_reader(aws):
    name = aws.settings.instance_profile
    if name:
        print(f"{roles.arn(aws.sts, name)}: {reader_role.remove(aws.iam, name)}")


@task(
    name="volumes",
    help=JSON
    | {"create": "a name for a new one, of volume_gib", "zone": "where; the region's first if not given"}
    | {"snapshot": "the name of a volume to snapshot", "delete": "the name of one to delete", "yes": "do not ask"},
)
def volumes_(c, create="", zone="", snapshot="", delete="", yes=False, json=False):
    """Data volumes: age, size, price; make, keep, delete."""
    aws = aws_of(c)
    if create:
        print(run_volume.create_named(aws, create, zone).id)
    elif snapshot:
        volume = _named(aws, snapshot)
        print(volumes.snapshot(aws.ec2, volume, volume.tags))
    elif delete:
        volume = _named(aws, delete)
        story.confirm(f"Delete volume {delete!r} ({volume.id}, {volume.size_gib} GiB) and all that is on it?", yes)
        volumes.delete(aws.ec2, volume.id)
    else:
        found = volumes.list_all(aws.ec2)
        show(json, listings.volumes_as_dicts(found), listings.volumes_as_text(found))


@task(name="doctor", help=JSON)
def doctor_(c, json=False):
    """Can a run start? What is wrong, and what mends it."""
    found = doctor.examine(aws_of(c))
    show(json, doctor.as_dicts(found), doctor.as_text(found))
    failure = doctor.verdict(found)
    if failure:
        raise failure


@task(name="embedded", help=JSON | {"stop": "end it and all its instances", "start": "start it, if it isn't running"})
def embedded_(c, start=False, stop=False, json=False):
    """Show, start or stop the EC2 in a box on this machine."""
    chosen = settings.read(c.config)
    state = chosen.runs / ".embedded"
    if stop:
        embedded.stop(state)
    elif start:
        CLOUDS["embedded"](chosen)
    found = embedded.status(state)
    lines = [f"{name:<14}{value}" for name, value in (found or {}).items()]
    show(json, found, "\n".join(lines) or "Not running. Commands start it when they need it (cloud: embedded).")


def _named(aws, name):
    volume = volumes.find_named(aws.ec2, name)
    if volume is None:
        raise NotFound(f"No volume named {name!r} in {aws.settings.region}. See what there is: bin/fab volumes")
    return volume


TASKS = (reap_, volumes_, setup, doctor_, embedded_)
