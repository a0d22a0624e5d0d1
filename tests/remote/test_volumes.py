"""A data volume is found by its tags, moved with its name, and deleted only when nothing hangs on it."""

import pytest

from remote import tags, volumes
from remote.errors import Busy, NotFound, Usage
from remote.tags import tags_of


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(volumes, "POLL_S", 0.02)


@pytest.fixture
def instance(ec2):
    """instance(zone) -> the id of a running instance."""

    def launch(zone="us-east-1a"):
        placed = {"AvailabilityZone": zone}
        made = ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1, Placement=placed)
        return made["Instances"][0]["InstanceId"]

    return launch


def make(ec2, tags, zone="us-east-1a", token="t"):
    return volumes.create(ec2, zone, 1, tags, token)


def test_a_volume_is_gp3_and_encrypted_and_belongs_to_its_run(ec2, run_tags):
    volume = make(ec2, run_tags())
    described = ec2.describe_volumes(VolumeIds=[volume.id])["Volumes"][0]
    assert (described["VolumeType"], described["Encrypted"], volume.state) == ("gp3", True, "available")
    assert volume.name == run_tags()[tags.RUN] and not volume.kept
    assert volumes.find_for_run(ec2, run_tags()[tags.RUN]) == volume


def test_a_named_volume_is_kept_and_found_by_its_name(ec2, run_tags):
    volume = make(ec2, run_tags() | {tags.VOLUME: "corpus"})
    assert volumes.find_named(ec2, "corpus") == volume and volume.kept
    assert volumes.find_named(ec2, "other") is None


def test_a_root_disk_is_no_data_volume(ec2, run_tags):
    ec2.run_instances(
        ImageId="ami-1", MinCount=1, MaxCount=1, TagSpecifications=tags.tag_specifications(run_tags(), "volume")
    )
    assert volumes.find_for_run(ec2, run_tags()[tags.RUN]) is None
    assert volumes.list_all(ec2) == []


def test_two_volumes_of_one_name_are_refused_rather_than_guessed(ec2, run_tags):
    for token in "ab":
        make(ec2, run_tags() | {tags.VOLUME: "corpus"}, token=token)
    with pytest.raises(Usage, match="got 2: vol-"):
        volumes.find_named(ec2, "corpus")


def test_attaching_twice_is_attaching_once(ec2, run_tags, instance):
    volume, machine = make(ec2, run_tags()), instance()
    for _ in range(2):
        assert volumes.attach(ec2, volume.id, machine).attached_to == machine


def test_a_volume_in_use_names_who_has_it(ec2, run_tags, instance):
    volume, first, second = make(ec2, run_tags()), instance(), instance()
    volumes.attach(ec2, volume.id, first)
    with pytest.raises(Busy, match=f"attached to {first}"):
        volumes.attach(ec2, volume.id, second)


def test_a_volume_that_another_run_took_just_before_names_it_too(ec2, run_tags, instance, refuse, monkeypatch):
    volume, first, second = make(ec2, run_tags()), instance(), instance()
    attach = ec2.attach_volume

    def lose_the_race(**request):
        attach(VolumeId=volume.id, InstanceId=first, Device="/dev/sdf")
        refuse(ec2, "AttachVolume", "VolumeInUse")
        return attach(**request)

    monkeypatch.setattr(ec2, "attach_volume", lose_the_race)
    with pytest.raises(Busy, match=first):
        volumes.attach(ec2, volume.id, second)


def test_a_volume_of_another_zone_says_what_can_be_done(ec2, run_tags, instance, refuse):
    volume, machine = make(ec2, run_tags(), "us-east-1b"), instance("us-east-1a")
    refuse(ec2, "AttachVolume", "InvalidVolume.ZoneMismatch")
    with pytest.raises(Usage, match="us-east-1b.*--move-volume"):
        volumes.attach(ec2, volume.id, machine)


def test_deleting_may_be_repeated(ec2, run_tags):
    volume = make(ec2, run_tags())
    for _ in range(2):
        volumes.delete(ec2, volume.id)
    assert volumes.list_all(ec2) == []


def test_a_volume_of_a_running_instance_is_not_waited_for(ec2, run_tags, instance):
    volume, machine = make(ec2, run_tags()), instance()
    volumes.attach(ec2, volume.id, machine)
    with pytest.raises(Busy, match=f"in use by {machine}"):
        volumes.delete(ec2, volume.id)
    assert volumes.get(ec2, volume.id).attached_to == machine


def test_a_volume_that_is_not_there_is_named(ec2):
    with pytest.raises(NotFound, match="No volume vol-0123456789abcdef0 in us-east-1"):
        volumes.get(ec2, "vol-0123456789abcdef0")


def test_a_move_keeps_name_and_origin_until_it_is_finished(ec2, run_tags):
    old = make(ec2, run_tags() | {tags.VOLUME: "corpus"})
    copy = volumes.move(ec2, old, "us-east-1c", run_tags())
    assert (copy.zone, copy.name, copy.size_gib) == ("us-east-1c", "corpus", 1)
    assert volumes.find_named(ec2, "corpus").id == copy.id  # a move cut short is found by its copy
    assert volumes.get(ec2, old.id).state == "available"
    for _ in range(2):
        volumes.finish_move(ec2, copy)
    assert [volume.id for volume in volumes.list_all(ec2)] == [copy.id]
    assert tags.MOVED_FROM not in volumes.get(ec2, copy.id).tags
    assert ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []


def test_a_volume_in_use_is_not_moved(ec2, run_tags, instance):
    volume, machine = make(ec2, run_tags()), instance()
    attached = volumes.attach(ec2, volume.id, machine)
    with pytest.raises(Busy, match="can't be moved"):
        volumes.move(ec2, attached, "us-east-1c", run_tags())


def test_a_snapshot_carries_the_volumes_name(ec2, run_tags):
    volume = make(ec2, run_tags() | {tags.VOLUME: "corpus"})
    made = volumes.snapshot(ec2, volume, run_tags())
    described = ec2.describe_snapshots(SnapshotIds=[made])["Snapshots"][0]
    assert tags_of(described)[tags.VOLUME] == "corpus"
    assert volumes.monthly_dollars(volume) == pytest.approx(0.08)
