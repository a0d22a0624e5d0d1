"""A region without machines leads to the next one; a named volume keeps its run in its region."""

from remote.embedded import orders

OTHER = {"FABRIC_OTHER_REGIONS": "us-west-2"}
FULL = {"code": "InsufficientInstanceCapacity", "status": 500, "times": 1000}


def fill_first_region(checkout):
    """No machine in us-east-1, whose zones' subnets are told from the other region's by their ids."""
    subnets = [one["SubnetId"] for one in checkout.client("ec2").describe_subnets()["Subnets"]]
    orders.fault(checkout.cloud, "RunInstances", when={"NetworkInterface.1.SubnetId": subnets}, **FULL)


def test_a_full_region_leads_to_the_next_and_leaves_nothing_in_the_first(checkout):
    fill_first_region(checkout)
    outcome, run = checkout.train(**OTHER)
    assert outcome.returncode == 0, outcome.stderr
    assert run["region"] == "us-west-2" and run["zone"].startswith("us-west-2")
    assert checkout.billed() == []


def test_a_named_volume_keeps_its_run_in_its_region(checkout):
    outcome, run = checkout.train(options=("--volume", "kept"))
    assert outcome.returncode == 0, outcome.stderr
    fill_first_region(checkout)
    outcome, _ = checkout.train(options=("--volume", "kept"), **OTHER)
    assert outcome.returncode == 4, outcome.stderr
    orders.clear(checkout.cloud)
    checkout.done("volumes", "--delete", "kept", "--yes")


def test_a_mistyped_region_is_told_before_a_machine_is_asked_for_in_any(checkout):
    outcome = checkout.fab("train", "--job", "tiny", FABRIC_OTHER_REGIONS="us-wst-2")
    assert outcome.returncode == 2 and "no region us-wst-2" in outcome.stderr
    assert checkout.billed() == []


def test_what_the_first_region_refused_is_told_also_when_the_next_one_fails_otherwise(checkout):
    fill_first_region(checkout)
    there = checkout.client("ec2", "us-west-2")
    for subnet in there.describe_subnets()["Subnets"]:
        there.delete_subnet(SubnetId=subnet["SubnetId"])
    outcome = checkout.fab("train", "--job", "tiny", **OTHER)
    assert outcome.returncode == 3, outcome.stderr
    assert "AWS has no machine for this run" in outcome.stderr and "No default subnet in us-west-2" in outcome.stderr
    assert checkout.billed() == []
