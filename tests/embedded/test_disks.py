"""Volumes: what the API refuses, what the machine sees, and that files outlive everything else."""

import pytest
from botocore.exceptions import ClientError

from tests.embedded.rented import booted, wait_until

MOUNT = 'set -e; d=$(readlink -f "$DISK_BY_ID"/*); mkdir -p data; sudo -n mount -o noatime "$d" data'
FORMAT = 'sudo -n mkfs.ext4 -q -L mine "$(readlink -f "$DISK_BY_ID"/*)"'


@pytest.fixture
def volume(ec2):
    """volume(zone=..., **more) -> id of an available volume, deleted afterwards."""
    made = []

    def volume(zone="us-east-1a", **more):
        volume_id = ec2.create_volume(AvailabilityZone=zone, **({"Size": 1, "VolumeType": "gp3"} | more))["VolumeId"]
        made.append(volume_id)
        wait_until(lambda: state(ec2, volume_id) == "available")
        return volume_id

    yield volume
    for volume_id in made:
        if ec2.describe_volumes(Filters=[{"Name": "volume-id", "Values": [volume_id]}])["Volumes"]:
            wait_until(lambda volume_id=volume_id: state(ec2, volume_id) == "available")
            ec2.delete_volume(VolumeId=volume_id)


def state(ec2, volume_id):
    return ec2.describe_volumes(VolumeIds=[volume_id])["Volumes"][0]["State"]


def attach(machine, volume_id, device="/dev/sdf"):
    """Attach a volume and wait for its device."""
    machine.ec2.attach_volume(VolumeId=volume_id, InstanceId=machine.id, Device=device)
    name = "nvme-Amazon_Elastic_Block_Store_" + volume_id.replace("-", "")
    wait_until(lambda: machine.run(f'test -e "$DISK_BY_ID/{name}"').returncode == 0)


def refused(code):
    return pytest.raises(ClientError, match=code)


def detach(machine, volume_id):
    machine.ec2.detach_volume(VolumeId=volume_id)
    assert state(machine.ec2, volume_id) == "in-use"
    wait_until(lambda: state(machine.ec2, volume_id) == "available")


def test_attach_takes_a_moment_and_the_device_is_named_by_the_volume(box, volume):
    one = volume(box.zone)
    attached = box.ec2.attach_volume(VolumeId=one, InstanceId=box.id, Device="/dev/sdf")
    assert attached["State"] == "attaching"

    def attachment():
        return box.ec2.describe_volumes(VolumeIds=[one])["Volumes"][0]["Attachments"][0]

    assert attachment()["DeleteOnTermination"] is False
    wait_until(lambda: attachment()["State"] == "attached")
    assert box.say('ls "$DISK_BY_ID"') == "nvme-Amazon_Elastic_Block_Store_" + one.replace("-", "")
    assert box.say("lsblk -dnro NAME,TYPE,SERIAL,SIZE") == f"nvme1n1 disk {one.replace('-', '')} 1G"
    detach(box, one)
    assert box.say('ls "$DISK_BY_ID"') == ""


def test_what_aws_would_not_attach_is_refused(box, volume, launch, ec2):
    with refused("InvalidZone.NotFound"):
        ec2.create_volume(AvailabilityZone="us-east-1z", Size=1)
    one, other = volume(box.zone), volume(box.zone)
    elsewhere = volume("us-east-1b" if box.zone != "us-east-1b" else "us-east-1c")
    to_box = {"InstanceId": box.id, "Device": "/dev/sdf"}
    ec2.attach_volume(VolumeId=one, **to_box)
    with refused("VolumeInUse"):
        ec2.attach_volume(VolumeId=one, InstanceId=box.id, Device="/dev/sdg")
    with refused("VolumeInUse"):
        ec2.delete_volume(VolumeId=one)
    with refused("InvalidParameterValue.*/dev/sdf is already in use"):
        ec2.attach_volume(VolumeId=other, **to_box)
    with refused("InvalidVolume.ZoneMismatch"):
        ec2.attach_volume(VolumeId=elsewhere, InstanceId=box.id, Device="/dev/sdh")
    with refused("IncorrectState"):
        ec2.attach_volume(VolumeId=other, InstanceId=launch().id, Device="/dev/sdf")
    detach(box, one)
    with refused("IncorrectState"):
        ec2.detach_volume(VolumeId=one)


def test_a_blank_volume_is_blank_until_mkfs(box, volume):
    one = volume(box.zone)
    attach(box, one)
    blkid = 'blkid -p "$(readlink -f "$DISK_BY_ID"/*)"'
    assert (box.run(blkid).returncode, box.run(blkid).stdout) == (2, "")
    is_zero = 'cmp -s -n 1048576 "$(readlink -f "$DISK_BY_ID"/*)" /dev/zero'
    assert box.run(is_zero).returncode == 0
    assert box.run(MOUNT).returncode == 32
    box.say(FORMAT)
    assert 'LABEL="mine"' in box.say(blkid) and 'TYPE="ext4"' in box.say(blkid)
    assert box.run(is_zero).returncode == 1
    detach(box, one)


def test_files_on_a_mounted_volume_outlive_the_instance(launch, volume, ec2):
    first = booted(launch())
    one = volume(first.zone)
    attach(first, one)
    first.say(FORMAT)
    first.say("mkdir -p data; echo below > data/below")
    assert first.say(f"{MOUNT}; ls data; echo kept > data/file; mountpoint -q data && echo yes") == "lost+found\nyes"
    assert "disk" in first.say("findmnt -n -o SOURCE data")
    refusal = first.run(FORMAT)
    assert refusal.returncode == 1 and "is mounted" in refusal.stderr
    first.give_back()
    assert state(ec2, one) == "available"

    second = booted(launch(Placement={"AvailabilityZone": first.zone}))
    attach(second, one)
    assert second.say(f"{MOUNT}; cat data/file") == "kept"
    second.give_back()


def test_unmounting_shows_what_the_directory_held(box, volume):
    one = volume(box.zone)
    attach(box, one)
    box.say(f"{FORMAT}; mkdir data; echo below > data/below; {MOUNT}")
    assert box.run("cat data/below").returncode == 1
    assert box.say("sudo umount data; cat data/below; rm -r data") == "below"
    detach(box, one)


def test_a_snapshot_holds_the_files_of_its_moment(box, volume, ec2):
    one = volume(box.zone, Encrypted=True)
    attach(box, one)
    box.say(f"{FORMAT}; {MOUNT}; echo old > data/file")
    snapshot = ec2.create_snapshot(VolumeId=one)["SnapshotId"]
    wait_until(lambda: ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]["State"] == "completed")
    box.say("echo new > data/file; sudo umount data")
    detach(box, one)
    copy = volume(box.zone, SnapshotId=snapshot)
    attach(box, copy)
    assert box.say(f"{MOUNT}; cat data/file; sudo umount data; rmdir data") == "old"
    detach(box, copy)
    assert ec2.describe_volumes(VolumeIds=[copy])["Volumes"][0]["Encrypted"]
    ec2.delete_snapshot(SnapshotId=snapshot)


def test_the_same_token_is_the_same_volume(ec2):
    request = {"AvailabilityZone": "us-east-1a", "Size": 1, "ClientToken": "volume"}
    one = ec2.create_volume(**request)["VolumeId"]
    assert ec2.create_volume(**request)["VolumeId"] == one
    with refused("IdempotentParameterMismatch"):
        ec2.create_volume(**request | {"Size": 2})
    ec2.delete_volume(VolumeId=one)
