"""What only a cloud with states, idempotent tokens and refusing volumes can show: one run, one machine, one volume."""

import boto3
import pytest
from botocore.config import Config

from remote import capacity, images, reap, tags, volumes
from remote.capacity import client_token, ladder, launch_first
from remote.embedded import orders
from remote.errors import Busy, NoCapacity, Usage

ZONES = ("us-east-1a", "us-east-1b")


@pytest.fixture(scope="module")
def make(cloud):
    """make(service, region="us-east-1") -> a client that asks once, as the one for launching does."""
    session = boto3.Session(aws_access_key_id=cloud.access_key, aws_secret_access_key=cloud.secret_key)
    once = Config(retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=10)

    def client(service, region="us-east-1"):
        return session.client(service, region_name=region, endpoint_url=cloud.endpoint_url, config=once)

    return client


@pytest.fixture
def ec2(make, cloud):
    """An account without living instances and volumes, before and after."""
    made = make("ec2")
    yield made
    orders.clear(cloud)
    for instance_id in living(made):
        made.terminate_instances(InstanceIds=[instance_id])
    for volume in volumes.list_all(made):
        volumes.delete(made, volume.id)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(volumes, "POLL_S", 0.1)
    monkeypatch.setattr(capacity, "BACKOFF_S", (0.1, 0.1, 0.1, 0.1, 0.1))


@pytest.fixture
def attempts(ec2):
    return ladder(ec2, ("g4dn.xlarge",), ZONES, "on-demand")[0]


@pytest.fixture
def image(ec2, make):
    return images.find(make("ssm"), ec2, "", "us-east-1")


@pytest.fixture
def request_for(image, run_tags):
    """Builds requests as the lifecycle does; `deadline` is part of them, and differs when a run is launched again."""

    def build(attempt, deadline="2099-01-01T00:00:00Z"):
        carried = run_tags(deadline=deadline)
        return {
            "ImageId": image.id,
            "InstanceType": attempt.instance_type,
            "SubnetId": attempt.subnet_id,
            "MinCount": 1,
            "MaxCount": 1,
            "ClientToken": client_token(carried[tags.RUN], attempt),
            "TagSpecifications": tags.tag_specifications(carried, "instance", "volume"),
        }

    return build


def record(*_what):
    """Where the lifecycle writes run.json."""


def living(ec2):
    states = tags.filters({"instance-state-name": ["pending", "running"]})
    reservations = ec2.describe_instances(Filters=states)["Reservations"]
    return [instance["InstanceId"] for reservation in reservations for instance in reservation["Instances"]]


def running(ec2, instance):
    ec2.get_waiter("instance_running").wait(InstanceIds=[instance["InstanceId"]], WaiterConfig={"Delay": 0.1})
    return instance["InstanceId"]


def test_a_reply_lost_on_the_way_back_makes_no_second_machine(ec2, cloud, attempts, request_for):
    orders.fault(cloud, "RunInstances", drop="after")
    instance, _ = launch_first(ec2, attempts, request_for, record, record)
    assert living(ec2) == [instance["InstanceId"]]


def test_a_command_killed_after_the_call_is_repeated_into_the_same_machine(ec2, attempts, request_for):
    first, attempt = launch_first(ec2, attempts, request_for, record, record)
    again, _ = launch_first(ec2, [attempt, *attempts], request_for, record, record)
    assert again["InstanceId"] == first["InstanceId"] and len(living(ec2)) == 1


def test_the_repeated_request_may_differ_by_its_deadline(ec2, attempts, request_for):
    first, attempt = launch_first(ec2, attempts, request_for, record, record)

    def later(attempt):
        return request_for(attempt, deadline="2099-01-01T00:00:05Z")

    again, _ = launch_first(ec2, [attempt, *attempts], later, record, record)
    assert again["InstanceId"] == first["InstanceId"] and len(living(ec2)) == 1


def test_an_ended_machine_is_followed_by_a_new_one(ec2, attempts, request_for):
    first, attempt = launch_first(ec2, attempts, request_for, record, record)
    ec2.terminate_instances(InstanceIds=[first["InstanceId"]])
    second, later = launch_first(ec2, [attempt, *attempts], request_for, record, record)
    assert living(ec2) == [second["InstanceId"]] and later.number == attempt.number + 1


def test_the_zone_without_capacity_is_passed_over(ec2, cloud, attempts, request_for):
    full = attempts[0].subnet_id
    orders.fault(cloud, "RunInstances", code="InsufficientInstanceCapacity", status=500, when={"SubnetId": full})
    instance, attempt = launch_first(ec2, attempts, request_for, record, record)
    assert attempt.zone == instance["Placement"]["AvailabilityZone"] == "us-east-1b"


def test_a_quota_of_zero_is_told_with_the_command_that_raises_it(ec2, cloud, attempts, request_for):
    orders.quota(cloud, "L-DB2E81BA", 0)
    try:
        with pytest.raises(NoCapacity, match="--quota-code L-DB2E81BA --desired-value 4 --region us-east-1"):
            launch_first(ec2, attempts, request_for, record, record)
    finally:
        orders.quota(cloud, "L-DB2E81BA", 64)


def test_the_image_is_the_newest_that_its_machine_can_boot(ec2, make, image):
    images.check_architecture(image, "g4dn.xlarge")
    assert "24.04" in image.name and image.root_gib == 75
    arm = images.find(make("ssm"), ec2, "", "us-east-1", architecture="arm64")
    images.check_architecture(arm, "g5g.xlarge")


def test_a_volume_lives_through_its_machine_and_dies_after_it(ec2, attempts, request_for, run_tags):
    instance, attempt = launch_first(ec2, attempts, request_for, record, record)
    volume = volumes.create(ec2, attempt.zone, 1, run_tags(), "token")
    again = volumes.create(ec2, attempt.zone, 1, run_tags(), "token")
    assert again.id == volume.id
    volumes.attach(ec2, volume.id, running(ec2, instance))
    with pytest.raises(Busy):
        volumes.delete(ec2, volume.id)
    ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
    volumes.delete(ec2, volume.id)  # waits until the machine has let it go
    assert volumes.find_for_run(ec2, run_tags()[tags.RUN]) is None


def test_a_volume_in_another_zone_is_refused_and_its_copy_is_not(ec2, attempts, request_for, run_tags):
    instance, attempt = launch_first(ec2, attempts, request_for, record, record)
    machine = running(ec2, instance)
    elsewhere = volumes.create(ec2, "us-east-1c", 1, run_tags() | {tags.VOLUME: "corpus"}, "elsewhere")
    with pytest.raises(Usage, match="us-east-1c.*--move-volume"):
        volumes.attach(ec2, elsewhere.id, machine)
    copy = volumes.move(ec2, elsewhere, attempt.zone, run_tags())
    assert volumes.attach(ec2, copy.id, machine).attached_to == machine
    volumes.finish_move(ec2, copy)
    assert [volume.id for volume in volumes.list_all(ec2)] == [copy.id]


def test_what_is_past_its_deadline_is_reaped_but_not_its_results(ec2, make, attempts, request_for, run_tags):
    overdue = "2020-01-01T00:00:00Z"
    instance, attempt = launch_first(ec2, attempts, lambda attempt: request_for(attempt, overdue), record, record)
    volume = volumes.create(ec2, attempt.zone, 1, run_tags(deadline=overdue) | {tags.STARTED: overdue}, "overdue")
    volumes.attach(ec2, volume.id, running(ec2, instance))

    def found():
        return reap.find(of_region, ["us-east-1"], tags.moment("2026-01-01T00:00:00Z"))

    def of_region(region):
        return make("ec2", region)

    assert reap.end(of_region, found()) == []
    assert living(ec2) == []
    ec2.get_waiter("volume_available").wait(VolumeIds=[volume.id], WaiterConfig={"Delay": 0.1})
    (left,) = found()
    assert left.id == volume.id and "bin/fab pull" in left.reason
