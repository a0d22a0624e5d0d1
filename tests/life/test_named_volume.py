"""Volumes that outlive runs: made, listed, used, snapshotted and deleted by name."""

import json

from tests.life import checkout as checkouts


def test_a_named_volume_from_its_making_to_its_end(checkout):
    volume_id = checkout.done("volumes", "--create", "corpus", "--zone", "us-east-1b")
    again = checkout.fab("volumes", "--create", "corpus")
    assert again.returncode == 2 and "already" in again.stderr

    outcome, run = checkout.train("epochs=1", options=("--volume", "corpus"))
    assert outcome.returncode == 0, outcome.stderr
    assert run["volume_id"] == volume_id and run["zone"] == "us-east-1b"

    (listed,) = json.loads(checkout.done("volumes", "--json"))
    assert (listed["name"], listed["id"], listed["attached_to"]) == ("corpus", volume_id, None)
    assert listed["dollars_per_month"] > 0
    assert checkout.done("volumes", "--snapshot", "corpus").startswith("snap-")

    unasked = checkout.fab("volumes", "--delete", "corpus")
    assert unasked.returncode == 2 and "--yes" in unasked.stderr
    checkout.done("volumes", "--delete", "corpus", "--yes")
    assert json.loads(checkout.done("volumes", "--json")) == []
    assert checkout.fab("volumes", "--delete", "corpus", "--yes").returncode == 3


def test_results_are_found_from_elsewhere_when_their_machine_is_forgotten(checkout, tmp_path):
    made = checkout.detached("epochs=1", options=("--volume", "corpus"))
    checkout.done("follow", "--run", made)
    checkout.done("terminate", "--run", made)
    unpulled = checkout.detached("epochs=2", options=("--volume", "corpus"))
    checkout.done("follow", "--run", unpulled)
    checkout.done("embedded", "--stop")  # with all its machines; volumes stay
    checkout.done("embedded", "--start")
    elsewhere = checkouts.make(tmp_path / "elsewhere", **checkout.as_aws)
    for run_id, epoch in ((unpulled, b"2"), (made, b"1")):
        elsewhere.done("pull", "--run", run_id)
        assert elsewhere.home(run_id)["out/checkpoint/epoch"] == epoch
    for one, run_id in ((elsewhere, unpulled), (checkout, unpulled), (elsewhere, made)):
        one.fab("terminate", "--run", run_id)
    assert [one["name"] for one in json.loads(checkout.done("volumes", "--json"))] == ["corpus"]
    checkout.done("volumes", "--delete", "corpus", "--yes")
