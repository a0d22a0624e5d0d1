"""What ends a run that nobody watches, what is left of it then, and who can fetch it: anybody with the credentials."""

import json

import pytest

from remote.embedded import orders
from tests.life import checkout as checkouts
from tests.life.checkout import wait_until

HOUR = 3600


def held(checkout, *options):
    """The id of a run whose job has saved an epoch and waits; its client has gone."""
    run_id = checkout.detached("hold=1", options=options)
    wait_until(lambda: (checkout.there(run_id) / "out/checkpoint/epoch").exists())
    return run_id


class Clock:
    """The time of the cloud. Its clients' own does not move, so it is turned back before they launch anything new."""

    def __init__(self, cloud):
        self.cloud, self.ahead_s = cloud, 0

    def advance(self, seconds):
        orders.advance(self.cloud, seconds)
        self.ahead_s += seconds

    def turn_back(self):
        self.advance(-self.ahead_s)


@pytest.fixture
def clock(checkout):
    made = Clock(checkout.cloud)
    yield made
    made.turn_back()


def ended(checkout, run_id):
    """Wait until the instance of a run has ended; returns the state of its volume."""
    ec2, run = checkout.client("ec2"), checkout.run(run_id)

    def state():
        described = ec2.describe_instances(InstanceIds=[run["instance_id"]])["Reservations"][0]["Instances"][0]
        return described["State"]["Name"]

    wait_until(lambda: state() == "terminated")
    if not run["volume_id"]:
        return None
    return ec2.describe_volumes(VolumeIds=[run["volume_id"]])["Volumes"][0]["State"]


def test_after_max_hours_the_machine_is_gone_and_the_volume_keeps_the_results(checkout, clock):
    run_id = held(checkout)
    clock.advance(4 * HOUR + 60)
    assert ended(checkout, run_id) == "available"
    status = json.loads(checkout.done("status", "--run", run_id, "--json"))
    assert status["state"] == "running, gone"
    checkout.done("terminate", "--run", run_id)
    assert checkout.client("ec2").describe_volumes()["Volumes"], "results that are not home were thrown away"
    clock.turn_back()
    outcome = checkout.fab("pull", "--run", run_id)
    assert outcome.returncode == 0, outcome.stderr
    assert checkout.home(run_id)["out/checkpoint/epoch"] == b"1"
    assert checkout.billed() == []


def test_a_machine_on_which_no_job_starts_is_gone_after_start_minutes(checkout, clock):
    run_id = checkout.done("launch", "--job", "tiny")
    clock.advance(29 * 60)
    checkout.done("attach", "--run", run_id)
    clock.advance(2 * 60)
    ended(checkout, run_id)
    checkout.done("terminate", "--run", run_id)


@pytest.fixture(scope="module")
def elsewhere(checkout, tmp_path_factory):
    """Another machine, so to say: a checkout without the first one's runs, with the credentials to the same cloud."""
    return checkouts.make(tmp_path_factory.mktemp("elsewhere") / "checkout", **checkout.as_aws)


def test_a_finished_job_waits_for_its_client_for_grace_minutes(checkout, elsewhere, clock):
    run_id = checkout.detached("epochs=1")
    clock.advance(31 * 60)  # the job has been started: start_minutes count no more
    wait_until(lambda: (checkout.there(run_id) / "exit_code").exists())
    clock.advance(59 * 60)
    assert json.loads(checkout.done("status", "--run", run_id, "--json"))["state"] == "running"
    clock.advance(2 * 60)
    assert ended(checkout, run_id) == "available"
    refused = elsewhere.fab("terminate", "--run", run_id, "--discard")
    assert refused.returncode == 2 and "--yes" in refused.stderr and checkout.billed()
    elsewhere.done("terminate", "--run", run_id, "--discard", "--yes")


def test_another_machine_with_the_credentials_can_follow_pull_and_end_a_run(checkout, elsewhere):
    run_id = held(checkout)
    assert run_id in [row["run"] for row in json.loads(elsewhere.done("runs", "--json"))]
    checkout.let_go(run_id)
    for task in ("follow", "pull", "terminate"):
        outcome = elsewhere.fab(task, "--run", run_id)
        assert outcome.returncode == 0, (task, outcome.stderr)
    home = elsewhere.home(run_id)
    assert home["out/checkpoint/epoch"] == b"3" and home["log"].count(b"epoch 3 line 4") == 1


def test_the_budget_ends_a_run_that_another_machine_then_rescues(checkout, elsewhere, clock):
    first = json.loads(checkout.done("plan", "--job", "tiny", "--max-cost", "0.54", "--json"))["ladder"][0]
    assert 0.9 < first["hours"] < 1.1 and first["most_dollars"] <= 0.5401
    run_id = held(checkout, "--max-cost", "0.1")
    clock.advance(0.2 * HOUR)
    assert ended(checkout, run_id) == "available"
    clock.turn_back()
    outcome = elsewhere.fab("pull", "--run", run_id)
    assert outcome.returncode == 0, outcome.stderr
    assert elsewhere.home(run_id)["out/checkpoint/epoch"] == b"1"
