"""A run that stalls: told at once wherever somebody looks, ended with what it saved if that is wished."""

import json
import shutil
from pathlib import Path

import pytest

from remote.embedded import orders
from tests.life.checkout import finished, read_until, train_words, wait_until

BAD = "the loss is not a number"
NOTIFY = 'printf "%s %s\\n" "$GPU_JOB_EVENT" "$GPU_JOB_TEXT" >>told'  # commands run in the checkout


@pytest.fixture(scope="module", autouse=True)
def sick(checkout):
    """The sick job among the checkout's."""
    shutil.copy2(Path(__file__).with_name("sick.py"), checkout.path / "jobs/sick.py")


@pytest.fixture
def told(checkout):
    """told() -> [(event, text)] of what the notifier was given."""
    path = checkout.path / "told"
    path.unlink(missing_ok=True)
    return lambda: [tuple(line.split(" ", 1)) for line in path.read_text().splitlines()] if path.exists() else []


def test_it_is_ended_with_what_it_saved_and_everybody_is_told(checkout, told):
    outcome = checkout.fab("train", "--job", "sick", FABRIC_ON_STALL="end", FABRIC_NOTIFY=NOTIFY)
    run = checkout.run(checkout.run_ids()[-1])
    assert outcome.returncode == 5, outcome.stderr
    assert f"\nstall    {BAD}\n" in outcome.stderr and "on_stall is end" in outcome.stderr
    assert f"fab: sick ended with 143. It had stalled: {BAD}. What it wrote is in " in outcome.stderr
    home = checkout.home(run["id"])
    assert json.loads(home["out/model.json"]) == {"saved": True} and f"stall    {BAD}" in home["log"].decode()
    assert (run["stall"], run["exit_code"], bool(run["closed"])) == (BAD, 143, True)
    assert [event for event, _ in told()] == ["stall", "failure"]
    assert told()[0][1] == f"{run['id']}: has stalled: {BAD}"
    assert told()[1][1].startswith(f"{run['id']}: sick ended with 143. It had stalled: {BAD}.")


def test_it_is_only_told_if_nothing_else_is_wished_and_watch_and_status_show_it(checkout, told):
    run_id = checkout.done("train", "--job", "sick", "--detach", FABRIC_NOTIFY=NOTIFY)
    wait_until(lambda: (checkout.there(run_id) / "stalls/loss").exists())
    table = checkout.done("watch", "--once")
    assert "stalled" in table and f"sick {run_id[-4:]}: {BAD}" in table
    [now] = [line for line in checkout.done("status", "--run", run_id).splitlines() if line.startswith("now ")]
    assert "stalled  epoch 1/9 6%  loss nan" in now and now.endswith(BAD)
    assert told() == []  # nobody has followed it
    follower = checkout.start("follow", "--run", run_id, FABRIC_NOTIFY=NOTIFY)
    assert "loss: ?" in read_until(follower.stderr, BAD, seconds=60)
    wait_until(told)
    follower.terminate()
    finished(follower)
    assert [event for event, _ in told()] == ["stall"] and checkout.run(run_id)["stall"] == BAD
    checkout.done("terminate", "--run", run_id)
    assert "out/model.json" in checkout.home(run_id)


def test_an_end_and_an_interruption_are_told(checkout, told):
    outcome = checkout.fab(*train_words("epochs=1"), FABRIC_NOTIFY=NOTIFY)
    assert outcome.returncode == 0 and [event for event, _ in told()] == ["end"]
    assert "results are home; 0." in told()[0][1]
    client = checkout.start(*train_words("hold=1"), FABRIC_NOTIFY=NOTIFY)
    read_until(client.stderr, "epoch 1 line 4")
    run = checkout.run(checkout.run_ids()[-1])
    wait_until((checkout.there(run["id"]) / "out/checkpoint/epoch").exists)
    orders.vanish(checkout.cloud, run["instance_id"])
    wait_until(lambda: len(told()) == 2, seconds=60)
    read_until(client.stderr, "from epoch 2", seconds=90)
    client.terminate()
    assert finished(client).returncode == 130
    assert [event for event, _ in told()] == ["end", "interruption", "interruption"]
    assert "its machine is lost" in told()[1][1] and "Detached: tiny goes on without you" in told()[2][1]
    checkout.done("terminate", "--run", run["id"])
