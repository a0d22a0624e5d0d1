"""Two machines of one user, so to say, work on one run: neither harms what the other does, and one instance at most."""

import json
import shutil
import signal

import pytest

from remote.embedded import orders
from tests.life import checkout as checkouts
from tests.life.checkout import finished, read_until, wait_until


@pytest.fixture(scope="module")
def elsewhere(checkout, tmp_path_factory):
    """A checkout without the first one's runs, with the credentials to the same cloud."""
    return checkouts.make(tmp_path_factory.mktemp("elsewhere") / "checkout", **checkout.as_aws)


def instances(checkout, run_id):
    """{id: state} of all that there ever were of a run."""
    tagged = [{"Name": "tag:gpu-job:run", "Values": [run_id]}]
    described = checkout.client("ec2").describe_instances(Filters=tagged)["Reservations"]
    return {one["InstanceId"]: one["State"]["Name"] for reservation in described for one in reservation["Instances"]}


def epoch(checkout, run_id):
    kept = checkout.there(run_id) / "out/checkpoint/epoch"
    return int(kept.read_text()) if kept.exists() else 0


def lost(checkout, elsewhere):
    """The id of a run that both know, and whose machine has vanished after its first epoch."""
    run_id = checkout.detached("hold=1", "hold_again=3")
    wait_until(lambda: epoch(checkout, run_id) == 1)
    elsewhere.done("status", "--run", run_id)
    orders.vanish(checkout.cloud, checkout.run(run_id)["instance_id"])
    return run_id


def test_both_follow_and_end_it_at_the_same_time(checkout, elsewhere):
    run_id = checkout.detached("hold=2", "megabytes=8")
    watching = [one.start("follow", "--run", run_id) for one in (checkout, elsewhere)]
    for client in watching:
        read_until(client.stderr, "epoch 2 line 4")
    checkout.let_go(run_id)
    assert [finished(client).returncode for client in watching] == [0, 0]
    log = (checkout.there(run_id) / "log").read_bytes()
    assert [(one.runs / run_id / "log").read_bytes() for one in (checkout, elsewhere)] == [log, log]
    ending = [finished(client) for client in [one.start("terminate", "--run", run_id) for one in (checkout, elsewhere)]]
    assert 0 in [outcome.returncode for outcome in ending], [outcome.stderr for outcome in ending]
    assert not [outcome.stderr for outcome in ending if "Traceback" in outcome.stderr]
    assert b"0\n" in [one.home(run_id).get("exit_code") for one in (checkout, elsewhere)]


def test_both_replace_a_lost_machine_and_there_is_one(checkout, elsewhere):
    run_id = lost(checkout, elsewhere)
    both = {one: one.start("resume", "--run", run_id) for one in (elsewhere, checkout)}
    wait_until(lambda: epoch(checkout, run_id) == 3, seconds=60)
    for one, client in both.items():
        if client.poll() == 9:  # it lost the race; now it watches the machine that the other has launched
            both[one] = one.start("follow", "--run", run_id)
            read_until(both[one].stderr, "epoch 3 line 4")
    assert sorted(instances(checkout, run_id).values()) == ["running", "terminated"], [c.poll() for c in both.values()]
    checkout.let_go(run_id)
    outcomes = [finished(client) for client in both.values()]
    told = [outcome.stderr for outcome in outcomes]
    assert 0 in [outcome.returncode for outcome in outcomes] and not any("Traceback" in one for one in told), told
    home = {**elsewhere.home(run_id), **checkout.home(run_id)}
    assert [json.loads(row)["epoch"] for row in home["out/metrics.jsonl"].splitlines()] == [1, 2, 3]
    assert checkout.billed() == [] and len(instances(checkout, run_id)) == 2
    again = checkout.fab("resume", "--run", run_id)
    assert again.returncode in (0, 3) and len(instances(checkout, run_id)) == 2, again.stderr


def test_one_that_gives_up_leaves_the_machine_of_the_other_alone(checkout, elsewhere):
    run_id = lost(checkout, elsewhere)
    orders.fault(
        checkout.cloud,
        "RunInstances",
        code="InsufficientInstanceCapacity",
        times=99,
        when={"InstanceType": "g6.xlarge"},
    )
    patient = {"FABRIC_INSTANCE_TYPES": "g6.xlarge", "FABRIC_WAIT_CAPACITY": "1h"}
    waiting = elsewhere.start("resume", "--run", run_id, **patient)
    wait_until(lambda: [one for one in elsewhere.run(run_id)["attempts"] if "refused" in one], seconds=30)
    other = checkout.start("resume", "--run", run_id)
    wait_until(lambda: epoch(checkout, run_id) == 3, seconds=60)
    waiting.send_signal(signal.SIGINT)
    stopped = finished(waiting)
    assert stopped.returncode in (9, 130) and "Traceback" not in stopped.stderr, stopped.stderr
    checkout.let_go(run_id)
    assert finished(other).returncode == 0 and len(instances(checkout, run_id)) == 2


def test_of_two_machines_had_at_the_same_moment_one_is_given_back(checkout, elsewhere):
    run_id = lost(checkout, elsewhere)
    kinds = {elsewhere: "g6.xlarge", checkout: "g5.xlarge"}
    both = [one.start("resume", "--run", run_id, FABRIC_INSTANCE_TYPES=kind) for one, kind in kinds.items()]
    wait_until(lambda: epoch(checkout, run_id) == 3, seconds=60)
    wait_until(lambda: 9 in [client.poll() for client in both], seconds=60)
    assert list(instances(checkout, run_id).values()).count("running") == 1
    checkout.let_go(run_id)
    outcomes = [finished(client) for client in both]
    assert sorted(outcome.returncode for outcome in outcomes) == [0, 9], [outcome.stderr for outcome in outcomes]


def test_a_run_that_another_has_ended_is_not_begun_again(checkout, elsewhere):
    run_id = checkout.detached("epochs=1")
    elsewhere.done("status", "--run", run_id)
    checkout.done("follow", "--run", run_id)
    checkout.done("terminate", "--run", run_id)
    again = elsewhere.fab("resume", "--run", run_id)
    assert again.returncode == 3 and "another checkout" in again.stderr, again.stderr
    assert len(instances(checkout, run_id)) == 1


def test_a_named_volume_is_kept_by_a_checkout_that_knows_the_run_by_its_tags_alone(checkout, elsewhere):
    for _ in range(2):  # on the volume that it makes, and on one that is there
        run_id = checkout.detached("epochs=1", options=("--volume", "ours"))
        elsewhere.done("follow", "--run", run_id)
        elsewhere.done("terminate", "--run", run_id)
        assert elsewhere.run(run_id)["volume_name"] == "ours" and elsewhere.home(run_id)["exit_code"] == b"0\n"
    checkout.done("volumes", "--delete", "ours", "--yes")


def test_tags_that_somebody_has_changed_are_not_followed(checkout, elsewhere):
    run_id = checkout.detached("epochs=1")
    for tag, value, words in (
        ("host-key", "nonsense", "no host key that can be read"),
        ("login", "-oProxyCommand=touch gotcha", "Expected a plain user"),
    ):
        tags = [{"Key": f"gpu-job:{tag}", "Value": value}, {"Key": "gpu-job:deadline", "Value": "never"}]
        checkout.client("ec2").create_tags(Resources=[checkout.run(run_id)["instance_id"]], Tags=tags)
        outcome = elsewhere.fab("follow", "--run", run_id)
        assert outcome.returncode == 7 and outcome.stderr.splitlines()[-1].count(words) == 1, outcome.stderr
        shutil.rmtree(elsewhere.runs / run_id)
    assert not list(elsewhere.path.rglob("gotcha"))
    checkout.done("terminate", "--run", run_id, "--discard", "--yes")
