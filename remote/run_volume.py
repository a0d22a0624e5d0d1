"""The one volume of a run: found, made or copied into its zone at its start, kept or deleted at its end.

A volume is moved only after a machine has been had in another zone: nothing is copied in vain, and that machine, being
told at boot when to power itself off, can't be forgotten while it waits. The old volume is deleted last, when the copy
has been mounted and read; whatever stops a move before that, the next command goes on with the copy, or makes one.
"""

import hashlib
import secrets

from remote import capacity, ec2, host, runs, story, volumes
from remote.errors import Failure, NotFound, Usage
from remote.explain import aws_errors, explain
from remote.settings import check_volume_name
from remote.tags import MANAGED, MOVED_FROM, NAME, OWNER, VOLUME


def find(aws, run):
    """The run's Volume by its tags, or None."""
    if run.volume_name:
        return volumes.find_named(aws.ec2, run.volume_name)
    return volumes.find_for_run(aws.ec2, run.id)


def ensure(aws, run):
    """The run's Volume: recorded, found by its tags, moved, or made. Its id is on disk as soon as it is known."""
    volume = _recorded(aws, run) if run.volume_id else find(aws, run)
    if not volume:
        volume = _made(aws, run)
    elif volume.zone != run.zone:
        volume = _moved(aws, run, volume)
    run.volume_id, run.volume_gib = volume.id, volume.size_gib
    runs.save(run)
    return volume


def _recorded(aws, run):
    """The Volume of the record; None when a run that was undone begins anew. Raises NotFound: its results are gone."""
    try:
        return volumes.get(aws.ec2, run.volume_id)
    except NotFound:
        if run.started:
            raise
        return None


def _made(aws, run):
    tags = ec2.tags_for(run, aws.owner) | ({VOLUME: run.volume_name} if run.volume_name else {})
    # A run that was undone may begin anew: AWS would answer its first token with the volume that is deleted.
    token = hashlib.sha256(f"{run.id} volume {run.zone} {len(run.attempts)}".encode()).hexdigest()[:32]
    return volumes.create(aws.ec2, run.zone, run.volume_gib, tags, token)


def _moved(aws, run, volume):
    """The copy in the run's zone: one that a stopped command has made, or a new one. The volume itself if it may not
    be moved; that it can't be attached is said when that is tried."""
    volume = find(aws, run) or volume  # finds the copy rather than what it was made of
    if volume.zone == run.zone or not (aws.settings.move_volume and movable(volume)):
        return volume
    story.live(f"{'volume':<{story.WIDTH}}copying {volume.size_gib} GiB from {volume.zone} to {run.zone} ...")
    return volumes.move(aws.ec2, volume, run.zone, ec2.tags_for(run, aws.owner))


def movable(volume):
    """Can it be copied to another zone? Not while it is itself a copy that was never mounted and read."""
    return MOVED_FROM not in volume.tags


def held_in(volume):
    """Why a run could not look further, and what would let it; a line below what AWS said."""
    held = f"  - Volume {volume.name} ({volume.id}) holds the run in {volume.zone}"
    if not movable(volume):
        return f"{held}: it is a copy that has not been used yet, and can be moved again only after that."
    return f"{held}; with --move-volume it would be copied to a zone that has a machine."


def finish_move(aws, volume, machine, mount):
    """Read the mounted volume if it is a copy, then delete what it was made of; a list of lines that tell of it."""
    if movable(volume):
        return []
    host.run(machine, f"sudo -n find {host.quote(mount)} -xdev >/dev/null")  # every name on it can be read
    origin = volume.tags[MOVED_FROM]
    try:
        volumes.finish_move(aws.ec2, volume)
    except (Failure, *aws_errors()) as error:  # both are whole, and the next run on this volume tries again
        return [f"copied from {origin}, which could not be deleted: {explain(error)}"]
    return [f"copied from {origin}, which is deleted"]


def create_named(aws, name, zone=""):
    """A Volume that runs may use by its name. zone: "" for the first that sells the first machine. Raises Usage."""
    check_volume_name(name)
    if volumes.find_named(aws.ec2, name):
        raise Usage(f"There is a volume named {name!r} already. See: bin/fab volumes")
    if not zone:
        attempts, _notes = capacity.ladder(aws.ec2, aws.settings.instance_types, aws.settings.zones, "on-demand")
        zone = attempts[0].zone
    tags = {NAME: name, VOLUME: name, MANAGED: "true", OWNER: aws.owner}
    return volumes.create(aws.ec2, zone, aws.settings.volume_gib, tags, secrets.token_hex(16))


def settle(aws, run):
    """Delete the run's own volume if nothing on it is missing at home; says in words what became of it."""
    volume = find(aws, run)
    if volume is None:
        return "no volume"
    if run.volume_name:
        return f"volume {run.volume_name!r} kept"
    if run.started and not run.pulled:
        return f"{volume.id} kept: it has results that are not home (bin/fab pull --run {run.id})"
    volumes.finish_move(aws.ec2, volume)  # else what it was copied from would be left
    volumes.delete(aws.ec2, volume.id)
    return f"{volume.id} deleted"
