"""The one volume of a run: found or made at its start, kept or deleted at its end."""

import hashlib

from remote import ec2, runs, volumes
from remote.tags import VOLUME


def find(aws, run):
    """The run's Volume by its tags, or None."""
    if run.volume_name:
        return volumes.find_named(aws.ec2, run.volume_name)
    return volumes.find_for_run(aws.ec2, run.id)


def ensure(aws, run):
    """The run's Volume: recorded, found by its tags, or made. Its id is on disk as soon as it is known."""
    volume = volumes.get(aws.ec2, run.volume_id) if run.volume_id else find(aws, run)
    if not volume:
        tags = ec2.tags_for(run, aws.owner) | ({VOLUME: run.volume_name} if run.volume_name else {})
        token = hashlib.sha256(f"{run.id} volume {run.zone}".encode()).hexdigest()[:32]
        volume = volumes.create(aws.ec2, run.zone, run.volume_gib, tags, token)
    run.volume_id, run.volume_gib = volume.id, volume.size_gib
    runs.save(run)
    return volume


def zones(aws, run):
    """The zones where the run may live: that of its volume, for none leaves its zone; else those of the settings."""
    volume = find(aws, run)
    return (volume.zone,) if volume else aws.settings.zones


def settle(aws, run):
    """Delete the run's own volume if nothing on it is missing at home; says in words what became of it."""
    volume = find(aws, run)
    if volume is None:
        return "no volume"
    if run.volume_name:
        return f"volume {run.volume_name!r} kept"
    if run.started and not run.pulled:
        return f"{volume.id} kept: it has results that are not home (bin/fab pull --run {run.id})"
    volumes.delete(aws.ec2, volume.id)
    return f"{volume.id} deleted"
