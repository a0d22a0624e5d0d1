"""AWS says no, says it late, or says yes and nobody hears it: never a machine too many, never one left behind."""

import json
import re

import pytest

from remote.embedded import orders
from tests.life.checkout import train_words, wait_until

LAUNCH = ("launch", "--job", "tiny")
NO_ROOM = {"code": "InsufficientInstanceCapacity", "status": 500, "times": 1000}


@pytest.fixture
def fault(checkout):
    """fault(action, **fields): order one from the checkout's EC2."""
    return lambda action, **fields: orders.fault(checkout.cloud, action, **fields)


def launched(checkout, *options):
    """The record of a run that was launched and ended again, and what the launch said on stderr."""
    outcome = checkout.fab(*LAUNCH, *options)
    assert outcome.returncode == 0, outcome.stderr
    run_id = outcome.stdout.strip()
    ever = machines(checkout, run_id)
    assert len(ever) == 1, f"{run_id} has had {ever}"
    checkout.done("terminate", "--run", run_id)
    return checkout.run(run_id), outcome.stderr


def machines(checkout, run_id):
    """Ids of all instances that were ever made for a run; AWS, and the embedded EC2, list ended ones for a while."""
    tagged = [{"Name": "tag:gpu-job:run", "Values": [run_id]}]
    described = checkout.client("ec2").describe_instances(Filters=tagged)["Reservations"]
    return [one["InstanceId"] for reservation in described for one in reservation["Instances"]]


def calls(checkout, action):
    return sum(call["action"] == action for call in orders.api_log(checkout.cloud))


def test_no_room_in_two_zones_leads_to_the_third(checkout, fault):
    subnets = checkout.client("ec2").describe_subnets()["Subnets"]
    full = [one["SubnetId"] for one in subnets if one["AvailabilityZone"] in ("us-east-1a", "us-east-1b")]
    fault("RunInstances", when={"NetworkInterface.1.SubnetId": full}, **NO_ROOM)
    run, _ = launched(checkout)
    assert run["zone"] not in ("us-east-1a", "us-east-1b")
    assert [attempt["zone"][-1] for attempt in run["attempts"]] == ["a", "b", run["zone"][-1]]
    assert [attempt.get("instance", "") for attempt in run["attempts"]] == ["", "", run["instance_id"]]
    said = checkout.done("status", "--run", run["id"])
    for zone in ("us-east-1a", "us-east-1b"):
        assert f"g4dn.xlarge in {zone}, on-demand: InsufficientInstanceCapacity: " in said
    refused = json.loads(checkout.done("status", "--json", "--run", run["id"]))["refused"]
    assert [(one["zone"], one["code"], one["times"]) for one in refused][1] == ("us-east-1b", refused[0]["code"], 1)


def test_no_room_anywhere_exits_4_with_all_that_was_tried(checkout, fault):
    fault("RunInstances", **NO_ROOM)
    outcome, run = checkout.train()
    assert outcome.returncode == 4 and "Traceback" not in outcome.stderr, outcome.stderr
    table = outcome.stderr[outcome.stderr.index("fab: ") :]
    assert re.search(r"g4dn.xlarge +us-east-1a +on-demand +InsufficientInstanceCapacity", table)
    assert len(re.findall("InsufficientInstanceCapacity", table)) == len(run["attempts"])
    assert "--wait-capacity" in table and run["closed"]


def test_a_quota_that_is_too_small_exits_4_and_says_how_to_raise_it(checkout):
    orders.quota(checkout.cloud, "L-DB2E81BA", 0)
    try:
        outcome, run = checkout.train()
    finally:
        orders.quota(checkout.cloud, "L-DB2E81BA", 64)
    assert outcome.returncode == 4 and "request-service-quota-increase" in outcome.stderr, outcome.stderr
    assert "L-DB2E81BA" in outcome.stderr and len(run["attempts"]) == 1


def test_a_missing_permission_exits_7_and_is_named(checkout, fault):
    fault("RunInstances", code="UnauthorizedOperation", status=403, message="You are not authorized.")
    outcome = checkout.fab(*LAUNCH)
    assert outcome.returncode == 7 and outcome.stderr.splitlines()[-1].startswith("fab: Not allowed: ec2:RunInstances.")
    assert "UnauthorizedOperation: You are not authorized." in checkout.done("status")


def test_a_missing_permission_half_way_undoes_the_first_half(checkout, fault):
    fault("AttachVolume", code="UnauthorizedOperation", status=403, message="You are not authorized.")
    outcome, _ = checkout.train()
    assert outcome.returncode == 7 and "ec2:AttachVolume" in outcome.stderr.splitlines()[-1]


def test_throttling_is_waited_out_and_a_retired_machine_replaced(checkout, fault):
    fault("RunInstances", code="RequestLimitExceeded", status=503, times=2)
    before = calls(checkout, "RunInstances")
    run, story = launched(checkout, "--instance-types", "p2.xlarge")
    assert run["instance_type"] == "g4dn.xlarge" and "p2.xlarge was retired by AWS" in story
    assert calls(checkout, "RunInstances") == before + 3


def test_a_lost_request_and_a_lost_reply_make_no_second_machine(checkout, fault):
    fault("RunInstances", drop="before")
    fault("RunInstances", drop="after")
    launched(checkout)


def test_a_lost_reply_to_a_volume_makes_no_second_volume(checkout, fault):
    fault("CreateVolume", drop="after")
    run_id = checkout.done(*LAUNCH)
    checkout.done("attach", "--run", run_id)
    volumes = checkout.client("ec2").describe_volumes()["Volumes"]
    ids = [one["VolumeId"] for one in volumes if not root_disk(one)]
    assert ids == [checkout.run(run_id)["volume_id"]]
    checkout.done("terminate", "--run", run_id)


def root_disk(volume):
    return any(attachment["Device"] == "/dev/sda1" for attachment in volume["Attachments"])


def test_a_client_that_dies_before_it_hears_of_its_machine_leaves_one_that_is_found(checkout, fault):
    fault("RunInstances", drop="after", times=1000)  # the machine is made, and no reply ever arrives
    run_id = killed_while_launching(checkout)
    assert not checkout.run(run_id)["instance_id"] and len(machines(checkout, run_id)) == 1
    orders.clear(checkout.cloud)
    checkout.done("terminate", "--run", run_id)
    assert len(machines(checkout, run_id)) == 1


def test_a_client_that_dies_before_it_hears_of_its_machine_can_go_on_with_it(checkout, fault):
    fault("RunInstances", drop="after", times=1000)
    run_id = killed_while_launching(checkout)
    orders.clear(checkout.cloud)
    outcome = checkout.fab("resume", "--run", run_id)
    assert outcome.returncode == 0, outcome.stderr
    assert len(machines(checkout, run_id)) == 1 and checkout.home(run_id)["exit_code"] == b"0\n"


def killed_while_launching(checkout):
    """The id of a run whose client was killed when AWS had made the machine, and had not said so."""
    before = calls(checkout, "RunInstances")
    client = checkout.start(*train_words())
    wait_until(lambda: calls(checkout, "RunInstances") > before)
    wait_until(lambda: machines(checkout, checkout.run_ids()[-1]))
    client.kill()
    client.communicate()
    return checkout.run_ids()[-1]
