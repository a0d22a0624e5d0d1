"""A named volume whose zone has no machine left: the run says so, or takes a copy of the volume elsewhere."""

import pytest

from remote import tags
from remote.embedded import orders
from tests.life.checkout import finished, train_words, wait_until

NAMED = ("--volume", "corpus")
SOLD_OUT = {"code": "InsufficientInstanceCapacity", "status": 500, "times": 999}


@pytest.fixture
def zone(checkout):
    """The zone of a volume `corpus` with the results of a run on it, in which there is no machine any more."""
    ec2 = checkout.client("ec2")
    outcome, run = checkout.train("epochs=1", options=NAMED)
    assert outcome.returncode == 0, outcome.stderr
    sell_out(checkout, run["zone"])
    yield run["zone"]
    for volume in ec2.describe_volumes()["Volumes"]:
        ec2.delete_volume(VolumeId=volume["VolumeId"])
    for snapshot in snapshots(ec2):
        ec2.delete_snapshot(SnapshotId=snapshot)


def sell_out(checkout, zone):
    """From now on there is no machine in that zone."""
    wanted = tags.filters({"default-for-az": "true", "availability-zone": zone})
    subnet_id = checkout.client("ec2").describe_subnets(Filters=wanted)["Subnets"][0]["SubnetId"]
    orders.fault(checkout.cloud, "RunInstances", **SOLD_OUT, when={"NetworkInterface.1.SubnetId": subnet_id})


def volumes(ec2):
    return {volume["VolumeId"]: volume for volume in ec2.describe_volumes()["Volumes"]}


def snapshots(ec2):
    ours = tags.filters({f"tag:{tags.MANAGED}": "true"})
    return [one["SnapshotId"] for one in ec2.describe_snapshots(OwnerIds=["self"], Filters=ours)["Snapshots"]]


def test_without_the_option_the_refusal_offers_it_and_nothing_is_copied(checkout, zone):
    before = volumes(checkout.client("ec2")).keys()
    outcome, _ = checkout.train("epochs=1", options=NAMED)
    assert outcome.returncode == 4
    assert "InsufficientInstanceCapacity" in outcome.stderr
    assert f"holds the run in {zone}; with --move-volume it would be copied" in outcome.stderr.splitlines()[-1]
    assert volumes(checkout.client("ec2")).keys() == before and not snapshots(checkout.client("ec2"))


def test_with_it_the_run_goes_on_elsewhere_with_all_that_was_on_the_volume(checkout, zone):
    ec2 = checkout.client("ec2")
    (old,) = volumes(ec2)
    files = set(names(checkout, old))
    outcome, run = checkout.train("epochs=1", options=(*NAMED, "--move-volume"))
    assert outcome.returncode == 0, outcome.stderr
    assert run["zone"] != zone and f"copied from {old}, which is deleted" in outcome.stderr
    (new,) = volumes(ec2).values()
    assert (new["VolumeId"], new["AvailabilityZone"]) == (run["volume_id"], run["zone"])
    assert files and files <= set(names(checkout, new["VolumeId"]))
    carried = tags.tags_of(new)
    assert carried[tags.VOLUME] == "corpus" and tags.MOVED_FROM not in carried
    assert not snapshots(ec2)


def test_with_no_machine_anywhere_nothing_is_copied(checkout, zone):
    orders.fault(checkout.cloud, "RunInstances", **SOLD_OUT)
    before = volumes(checkout.client("ec2")).keys()
    outcome, _ = checkout.train("epochs=1", options=(*NAMED, "--move-volume"))
    assert outcome.returncode == 4 and zone in outcome.stderr
    assert volumes(checkout.client("ec2")).keys() == before and not snapshots(checkout.client("ec2"))


@pytest.mark.usefixtures("zone")
def test_a_quota_that_is_used_up_offers_no_move(checkout):
    orders.clear(checkout.cloud)
    full = {"code": "VcpuLimitExceeded", "status": 400, "times": 999}
    orders.fault(checkout.cloud, "RunInstances", **full)
    before = len(orders.api_log(checkout.cloud))
    outcome, _ = checkout.train("epochs=1", options=(*NAMED, "--move-volume"))
    asked = [call for call in orders.api_log(checkout.cloud)[before:] if call["action"] == "RunInstances"]
    assert outcome.returncode == 4 and "request-service-quota-increase" in outcome.stderr
    assert len(asked) == 1 and "move" not in outcome.stderr


@pytest.mark.parametrize("stopped_at", ["CreateVolume", "AttachVolume", "DeleteVolume"])
def test_a_move_that_was_stopped_is_finished_by_the_next_run(checkout, zone, stopped_at):
    ec2 = checkout.client("ec2")
    (old,) = volumes(ec2)
    files = set(names(checkout, old))
    orders.fault(checkout.cloud, stopped_at, code="UnauthorizedOperation", status=403)
    outcome, _ = checkout.train("epochs=1", options=(*NAMED, "--move-volume"))
    assert old in volumes(ec2), "deleted before its copy was mounted"
    assert outcome.returncode == (0 if stopped_at == "DeleteVolume" else 7), outcome.stderr
    outcome, run = checkout.train("epochs=1", options=(*NAMED, "--move-volume"))
    assert outcome.returncode == 0, outcome.stderr
    assert list(volumes(ec2)) == [run["volume_id"]] and run["zone"] != zone
    assert files <= set(names(checkout, run["volume_id"]))
    assert not snapshots(ec2)


def test_a_run_that_lost_its_machine_takes_its_own_volume_to_another_zone(checkout):
    ec2, before = checkout.client("ec2"), set(checkout.run_ids())
    process = checkout.start(*train_words("epochs=2", "hold=1"), "--move-volume")
    run_id = wait_until(lambda: next(iter(set(checkout.run_ids()) - before), None))
    wait_until(lambda: list(checkout.state.glob(f"volumes/*/files/runs/{run_id}/out/checkpoint/epoch")), seconds=60)
    lost = checkout.run(run_id)
    sell_out(checkout, lost["zone"])
    orders.vanish(checkout.cloud, lost["instance_id"])
    outcome = finished(process)
    assert outcome.returncode == 0, outcome.stderr
    record = checkout.run(run_id)
    assert record["zone"] != lost["zone"] and record["volume_id"] != lost["volume_id"]
    assert "from epoch 2" in checkout.home(run_id)["log"].decode()
    assert not volumes(ec2) and not snapshots(ec2)


def names(checkout, volume_id):
    """Paths of the files on a volume."""
    root = checkout.state / "volumes" / volume_id / "files"
    return [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]
