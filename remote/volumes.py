"""EBS data volumes: made, found by tag, attached, copied into another zone, deleted only when nothing hangs on them.

Every data volume carries the tag VOLUME: its name when it outlives runs, the run's id when it is that run's own.
Root disks carry the run's other tags but not this one, so they are never taken for data.
"""

import dataclasses
import datetime

from botocore.exceptions import ClientError, WaiterError

from remote import prices
from remote import tags as tagging
from remote.errors import Busy, NotFound, TimedOut, Usage
from remote.explain import code_of
from remote.tags import filters, tag_specifications, tags_of

POLL_S = 0.5  # AWS allows some hundred describes a second; its own default of 15 s would dominate a short run
MADE_WITHIN_S = 120
ATTACHED_WITHIN_S = 120
FREE_WITHIN_S = 300  # a terminating instance shuts down first, which may take minutes
COPIED_WITHIN_S = 3600  # a snapshot's duration grows with what was written on the volume
LIVING = ("creating", "available", "in-use", "error")
NO_SUCH_VOLUME = ("InvalidVolume.NotFound", "InvalidVolumeID.Malformed", "InvalidParameterValue")


@dataclasses.dataclass(frozen=True)
class Volume:
    """A data volume as AWS last described it."""

    id: str
    name: str
    zone: str
    size_gib: int
    state: str  # creating, available, in-use, deleting, error
    attached_to: str | None  # instance id
    created: datetime.datetime
    snapshot_id: str  # what it was made from; "" for one that was made empty
    tags: dict

    @property
    def kept(self):
        """Whether it outlives its runs: it was given a name of its own."""
        return self.name != self.tags.get(tagging.RUN)


def create_request(zone, size_gib, tags, client_token, snapshot_id=None):
    """Arguments of create_volume: gp3, encrypted. Without the tag VOLUME it is the run's own."""
    named = {tagging.VOLUME: tags[tagging.RUN]} if tagging.VOLUME not in tags else {}
    request = {
        "AvailabilityZone": zone,
        "Size": size_gib,
        "VolumeType": "gp3",
        "Encrypted": True,
        "ClientToken": client_token,
        "TagSpecifications": tag_specifications(tags | named, "volume"),
    }
    return request | ({"SnapshotId": snapshot_id} if snapshot_id else {})


def create(ec2, zone, size_gib, tags, client_token, snapshot_id=None):
    """The Volume, once it can be attached. Repeated with the same token, it is the same volume."""
    request = create_request(zone, size_gib, tags, client_token, snapshot_id)
    volume_id = ec2.create_volume(**request)["VolumeId"]
    _wait(ec2, "volume_available", MADE_WITHIN_S, volume_id)
    return get(ec2, volume_id)


def get(ec2, volume_id):
    """The Volume with that id. Raises NotFound."""
    try:
        return _volume(ec2.describe_volumes(VolumeIds=[volume_id])["Volumes"][0])
    except ClientError as error:
        if code_of(error) in NO_SUCH_VOLUME:
            raise NotFound(f"No volume {volume_id} in {ec2.meta.region_name}.") from None
        raise


def find_named(ec2, name):
    """The Volume of that name, or None. Of a volume and its unfinished move, the copy. Raises Usage for two others."""
    found = _unreplaced(_find(ec2, {f"tag:{tagging.VOLUME}": name}))
    if len(found) > 1:
        ids = ", ".join(f"{volume.id} ({volume.zone})" for volume in found)
        raise Usage(f"Expected one volume named {name!r}, got {len(found)}: {ids}. Delete all but the one you want.")
    return found[0] if found else None


def find_for_run(ec2, run_id):
    """The Volume that the run made, or the named one on which it was the last to start; None where there is neither.

    Of a volume and its unfinished move, the copy.
    """
    data = {"tag-key": tagging.VOLUME}
    found = _find(ec2, data | {f"tag:{tagging.RUN}": run_id}) or _find(ec2, data | {f"tag:{tagging.STARTED}": run_id})
    found = _unreplaced(found)
    return found[-1] if found else None


def _unreplaced(volumes):
    """Those of which there is no copy in another zone."""
    replaced = {volume.tags.get(tagging.MOVED_FROM) for volume in volumes}
    return [volume for volume in volumes if volume.id not in replaced]


def list_all(ec2):
    """Every data volume of the region that the tool made, oldest first."""
    return _find(ec2, {f"tag:{tagging.MANAGED}": "true", "tag-key": tagging.VOLUME})


def attach(ec2, volume_id, instance_id, device="/dev/sdf"):
    """The Volume, attached to the instance. May be repeated.

    Raises Busy when another instance has it, Usage when it is in another zone.
    """
    volume = get(ec2, volume_id)
    if volume.attached_to is None:
        _attach(ec2, volume, instance_id, device)
        volume = get(ec2, volume_id)
    if volume.attached_to != instance_id:
        raise Busy(f"Volume {volume_id} is attached to {volume.attached_to}, not to {instance_id}. End that run first.")
    _wait(ec2, "volume_in_use", ATTACHED_WITHIN_S, volume_id)
    return get(ec2, volume_id)


def _attach(ec2, volume, instance_id, device):
    """Ask for it; that somebody was quicker shows when the volume is read again."""
    try:
        ec2.attach_volume(VolumeId=volume.id, InstanceId=instance_id, Device=device)
    except ClientError as error:
        if code_of(error) == "InvalidVolume.ZoneMismatch":
            where = f"Volume {volume.id} is in {volume.zone} and {instance_id} is not"
            raise Usage(f"{where}. Start the instance in that zone, or copy the volume: --move-volume.") from None
        if code_of(error) != "VolumeInUse":
            raise


def delete(ec2, volume_id):
    """Delete the volume once its instance, being terminated, has let it go. Gone already is fine.

    Raises TimedOut when the instance keeps it, Busy at once when that instance isn't even ending.
    """
    try:
        volume = get(ec2, volume_id)
        if volume.state == "deleting":
            return
        _refuse_if_used(ec2, volume)
        _wait(ec2, "volume_available", FREE_WITHIN_S, volume_id)
        ec2.delete_volume(VolumeId=volume_id)
    except NotFound:
        return
    except ClientError as error:
        if code_of(error) not in NO_SUCH_VOLUME:
            raise


def _refuse_if_used(ec2, volume):
    """Waiting is for an instance that is being terminated; any other holds its volume for as long as it likes."""
    wanted = filters(
        {"instance-id": volume.attached_to or "", "instance-state-name": ("pending", "running", "stopped")}
    )
    if volume.attached_to and ec2.describe_instances(Filters=wanted)["Reservations"]:
        raise Busy(f"Volume {volume.id} is in use by {volume.attached_to}. End its run first: bin/fab terminate")


def snapshot_request(volume, tags):
    """Arguments of create_snapshot; the snapshot keeps the volume's name."""
    named = tags | {tagging.VOLUME: volume.name}
    return {
        "VolumeId": volume.id,
        "Description": f"ec2-gpu-jobs: {volume.name}",
        "TagSpecifications": tag_specifications(named, "snapshot"),
    }


def snapshot(ec2, volume, tags):
    """The id of a snapshot of the volume as it is now. AWS goes on copying for minutes; the volume may be used."""
    return ec2.create_snapshot(**snapshot_request(volume, tags))["SnapshotId"]


def move(ec2, volume, to_zone, tags):
    """A copy of the volume in another zone, under the same name. The old one stays until finish_move.

    tags: the run's; they mark the snapshot in between. The volume must be free, so that the copy is whole.
    """
    if volume.attached_to:
        raise Busy(f"Volume {volume.id} is attached to {volume.attached_to}: it can't be moved while it is written to.")
    origin = {tagging.MOVED_FROM: volume.id}
    snapshot_id = snapshot(ec2, volume, tags | origin)
    ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[snapshot_id], WaiterConfig=_patience(COPIED_WITHIN_S))
    # The snapshot's id makes the token new for each move, and the same for each retry of this one.
    return create(ec2, to_zone, volume.size_gib, volume.tags | origin, f"{snapshot_id}-{to_zone}", snapshot_id)


def finish_move(ec2, copy):
    """Delete what a copy was made of. Only after the copy has been mounted and read. May be repeated."""
    origin = copy.tags.get(tagging.MOVED_FROM)
    if not origin:
        return
    delete(ec2, origin)
    wanted = filters({f"tag:{tagging.MOVED_FROM}": origin, f"tag:{tagging.MANAGED}": "true"})
    for made in ec2.describe_snapshots(OwnerIds=["self"], Filters=wanted)["Snapshots"]:
        ec2.delete_snapshot(SnapshotId=made["SnapshotId"])
    ec2.delete_tags(Resources=[copy.id], Tags=[{"Key": tagging.MOVED_FROM}])


def monthly_dollars(volume):
    """What keeping the volume costs a month, in dollars."""
    return volume.size_gib * prices.GP3_GIB_MONTH


def _find(ec2, wanted):
    """The living volumes that match, oldest first. wanted: as for filters()."""
    pages = ec2.get_paginator("describe_volumes").paginate(Filters=filters(wanted | {"status": LIVING}))
    return sorted((_volume(found) for page in pages for found in page["Volumes"]), key=lambda volume: volume.created)


def _volume(described):
    """AWS's description as a Volume."""
    tags = tags_of(described)
    holders = [a["InstanceId"] for a in described.get("Attachments", ()) if a.get("State") != "detached"]
    return Volume(
        id=described["VolumeId"],
        name=tags.get(tagging.VOLUME, ""),
        zone=described["AvailabilityZone"],
        size_gib=described["Size"],
        state=described["State"],
        attached_to=holders[0] if holders else None,
        created=described["CreateTime"],
        snapshot_id=described.get("SnapshotId") or "",
        tags=tags,
    )


def _wait(ec2, waiter, seconds, volume_id):
    """Wait until AWS says so of the volume. Raises TimedOut, or NotFound when the volume vanishes meanwhile."""
    try:
        ec2.get_waiter(waiter).wait(VolumeIds=[volume_id], WaiterConfig=_patience(seconds))
    except WaiterError as error:
        volume = get(ec2, volume_id)
        wanted = waiter.removeprefix("volume_").replace("_", "-")
        held = f" by {volume.attached_to}" if volume.attached_to else ""
        words = f"Volume {volume_id} is {volume.state}{held}; waited {seconds} s for it to be {wanted}."
        raise TimedOut(f"{words} Look again: bin/fab volumes") from error


def _patience(seconds):
    """The WaiterConfig that polls for that long."""
    return {"Delay": POLL_S, "MaxAttempts": max(1, round(seconds / POLL_S))}
