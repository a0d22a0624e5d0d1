"""What is left over is found in every region, and nothing that somebody still needs is ended."""

import datetime

import pytest

from remote import network, reap, tags, volumes
from remote.orphans import DELETE, KEEP, TERMINATE, WITHDRAW

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
PAST, FUTURE = "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
REGIONS = ["us-east-1", "eu-west-1"]
ZONE = {"us-east-1": "us-east-1a", "eu-west-1": "eu-west-1a"}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(volumes, "POLL_S", 0.02)


@pytest.fixture
def clients(client):
    """clients(region) -> the same EC2 client of that region every time."""
    made = {region: client("ec2", region) for region in REGIONS}
    return made.__getitem__


def launch(ec2, carried, **request):
    tagged = tags.tag_specifications(carried, "instance")
    request |= {"ImageId": "ami-1", "InstanceType": "g4dn.xlarge", "MinCount": 1, "MaxCount": 1}
    return ec2.run_instances(**request, TagSpecifications=tagged)["Instances"][0]["InstanceId"]


def make_volume(ec2, carried):
    return volumes.create(ec2, ZONE[ec2.meta.region_name], 10, carried, carried[tags.RUN])


def found(clients, regions=REGIONS):
    return reap.find(clients, regions, NOW)


def living(ec2):
    states = tags.filters({"instance-state-name": ["pending", "running", "stopped"]})
    reservations = ec2.describe_instances(Filters=states)["Reservations"]
    return [instance["InstanceId"] for reservation in reservations for instance in reservation["Instances"]]


def test_an_empty_account_has_no_orphans(clients):
    assert found(clients) == []


def test_an_instance_past_its_deadline_is_ended_and_no_other(clients, run_tags):
    ec2 = clients("eu-west-1")
    overdue = launch(ec2, run_tags(deadline=PAST))
    others = {launch(ec2, run_tags(deadline=FUTURE)), launch(ec2, {"somebody": "else", tags.DEADLINE: PAST})}
    (orphan,) = found(clients)
    assert (orphan.kind, orphan.id, orphan.region, orphan.action) == ("instance", overdue, "eu-west-1", TERMINATE)
    assert orphan.run == run_tags()[tags.RUN] and 12 < orphan.dollars_per_day < 14 and orphan.age is not None
    assert reap.end(clients, [orphan]) == []
    assert set(living(ec2)) == others


def test_listing_ends_nothing(clients, run_tags):
    launch(clients("us-east-1"), run_tags(deadline=PAST))
    assert found(clients) == found(clients) != []


def test_a_stopped_instance_past_its_deadline_costs_its_disk_only(clients, run_tags):
    ec2 = clients("us-east-1")
    ec2.stop_instances(InstanceIds=[launch(ec2, run_tags(deadline=PAST))])
    (orphan,) = found(clients)
    assert orphan.action == TERMINATE and 0 < orphan.dollars_per_day < 1


def test_an_instance_whose_deadline_was_removed_is_shown_but_left(clients, run_tags):
    ec2 = clients("us-east-1")
    machine = launch(ec2, run_tags(deadline="soon"))
    (orphan,) = found(clients)
    assert orphan.action == KEEP and "deadline" in orphan.reason
    assert reap.end(clients, [orphan]) == [] and living(ec2) == [machine]


def test_a_volume_goes_once_its_results_are_home(clients, run_tags):
    ec2 = clients("us-east-1")
    make_volume(ec2, run_tags(deadline=FUTURE) | {tags.PULLED: "ab" * 32})
    (orphan,) = found(clients)
    assert (orphan.kind, orphan.action) == ("volume", DELETE)
    assert orphan.dollars_per_day == pytest.approx(10 * 0.08 / 30)
    assert reap.end(clients, [orphan]) == [] and volumes.list_all(ec2) == []


def test_the_volume_of_a_job_that_never_started_goes(clients, run_tags):
    ec2 = clients("us-east-1")
    make_volume(ec2, run_tags(deadline=PAST))
    (orphan,) = found(clients)
    assert orphan.action == DELETE and "never started" in orphan.reason
    assert reap.end(clients, [orphan]) == [] and volumes.list_all(ec2) == []


def test_unpulled_results_are_never_deleted_and_their_rescue_is_told(clients, run_tags):
    ec2 = clients("us-east-1")
    volume = make_volume(ec2, run_tags(deadline=PAST) | {tags.STARTED: PAST})
    (orphan,) = found(clients)
    assert orphan.action == KEEP and f"bin/fab pull --run {run_tags()[tags.RUN]}" in orphan.reason
    assert reap.end(clients, [orphan]) == [] and volumes.get(ec2, volume.id)


def test_the_volume_of_an_ended_instance_survives_it(clients, run_tags):
    ec2 = clients("us-east-1")
    carried = run_tags(deadline=PAST)
    machine = launch(ec2, carried, Placement={"AvailabilityZone": ZONE["us-east-1"]})
    volume = make_volume(ec2, carried)
    volumes.attach(ec2, volume.id, machine)
    assert reap.end(clients, found(clients)) == []
    assert living(ec2) == [] and volumes.get(ec2, volume.id).state == "available"


def test_volumes_that_are_needed_yet_are_no_orphans(clients, run_tags):
    ec2 = clients("us-east-1")
    make_volume(ec2, run_tags("a-20260101-120000-0001", deadline=PAST) | {tags.VOLUME: "corpus"})  # a named one
    make_volume(ec2, run_tags("b-20260101-120000-0002", deadline=FUTURE))  # its machine was lost, and will come again
    assert found(clients) == []


def test_a_root_disk_without_its_instance_goes(clients, run_tags):
    ec2 = clients("us-east-1")
    tagged = tags.tag_specifications(run_tags(deadline=PAST), "volume")
    ec2.create_volume(AvailabilityZone="us-east-1a", Size=75, TagSpecifications=tagged)
    (orphan,) = found(clients)
    assert orphan.action == DELETE and "root disk" in orphan.reason


def test_the_snapshot_of_an_unfinished_move_goes_but_not_as_the_last_copy(clients, run_tags):
    ec2 = clients("us-east-1")
    old = make_volume(ec2, run_tags(deadline=PAST) | {tags.VOLUME: "corpus"})
    copy = volumes.move(ec2, old, "us-east-1b", run_tags(deadline=PAST))
    (orphan,) = found(clients)
    assert (orphan.kind, orphan.action) == ("snapshot", DELETE)
    for volume in (old, copy):
        volumes.delete(ec2, volume.id)
    (orphan,) = found(clients)
    assert orphan.action == KEEP and "only copy" in orphan.reason


def test_a_users_snapshot_stays(clients, run_tags):
    ec2 = clients("us-east-1")
    volumes.snapshot(ec2, make_volume(ec2, run_tags() | {tags.VOLUME: "corpus"}), run_tags(deadline=PAST))
    assert found(clients) == []


def test_a_rule_whose_runs_are_over_is_withdrawn(clients, run_tags):
    ec2 = clients("us-east-1")
    group = network.ensure_group(ec2, None, run_tags())
    network.open_ssh(ec2, group, "203.0.113.7/32", run_tags(deadline=PAST))
    network.open_ssh(ec2, group, "198.51.100.9/32", run_tags(deadline=FUTURE))
    ec2.authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="192.0.2.1/32"
    )  # by hand, not ours to judge
    (orphan,) = found(clients)
    assert (orphan.kind, orphan.action) == ("rule", WITHDRAW) and "203.0.113.7/32" in orphan.reason
    assert reap.end(clients, [orphan]) == []
    assert len(network.ssh_rules(ec2, group)) == 2


def test_a_rule_that_a_new_run_has_joined_meanwhile_stays(clients, run_tags):
    ec2 = clients("us-east-1")
    group = network.ensure_group(ec2, None, run_tags())
    network.open_ssh(ec2, group, "203.0.113.7/32", run_tags(deadline=PAST))
    listed = found(clients)
    network.open_ssh(ec2, group, "203.0.113.7/32", run_tags("b-20260101-120000-0002", deadline=FUTURE))
    assert reap.end(clients, listed) == []
    assert len(network.ssh_rules(ec2, group)) == 1


def test_a_region_that_cannot_be_asked_is_said_so_and_hides_no_other(clients, run_tags, refuse):
    launch(clients("eu-west-1"), run_tags(deadline=PAST))
    refuse(clients("us-east-1"), "DescribeInstances", "UnauthorizedOperation", times=9)
    region, instance = found(clients)
    assert (region.kind, region.action) == ("region", KEEP) and "ec2:DescribeInstances" in region.reason
    assert instance.kind == "instance"


def test_one_that_cannot_be_ended_does_not_save_the_others(clients, run_tags, refuse):
    ec2 = clients("us-east-1")
    for run_id in ("a-20260101-120000-0001", "b-20260101-120000-0002"):
        launch(ec2, run_tags(run_id, deadline=PAST))
    refuse(ec2, "TerminateInstances", "OperationNotPermitted", "has termination protection")
    ((orphan, failure),) = reap.end(clients, found(clients))
    assert living(ec2) == [orphan.id] and "termination protection" in str(failure)


def test_what_ended_by_itself_meanwhile_is_fine(clients, run_tags):
    ec2 = clients("us-east-1")
    launch(ec2, run_tags(deadline=PAST))
    make_volume(ec2, run_tags() | {tags.PULLED: "ab" * 32})
    listed = found(clients)
    assert reap.end(clients, listed) == [] == reap.end(clients, listed)


def test_regions_that_the_account_has_not_enabled_are_not_asked(ec2):
    regions = reap.enabled_regions(ec2)
    assert "us-east-1" in regions and "ap-east-1" not in regions
