"""What a run survives: the death of the client, a broken connection, an impatient user."""

import json
import re
import shlex
import signal

import pytest

from remote.embedded import orders
from tests.life.checkout import finished, read_until, train_words, wait_until

CHATTY = ("epochs=2", "lines=50", "seconds=2")


def assert_log_is_whole(checkout, run_id, epochs=2, lines=50):
    """Each line that the job printed is home exactly once, in order."""
    printed = [(epoch, line) for epoch in range(1, epochs + 1) for line in range(1, lines + 1)]
    home = (checkout.runs / run_id / "log").read_text().splitlines()
    assert home[1:] == [f"epoch {epoch} line {line} of {lines}" for epoch, line in printed]


def test_the_job_outlives_a_killed_client_and_no_line_is_lost(checkout):
    client = checkout.start(*train_words(*CHATTY))
    read_until(client.stderr, "epoch 1 line 10")
    client.kill()
    client.communicate()
    run_id = checkout.run_ids()[-1]
    wait_until(lambda: b"epoch 1 line 30" in (checkout.there(run_id) / "log").read_bytes())
    checkout.done("follow", "--run", run_id)
    assert (checkout.runs / run_id / "log").read_bytes() == (checkout.there(run_id) / "log").read_bytes()
    assert_log_is_whole(checkout, run_id)
    checkout.done("pull", "--run", run_id)
    checkout.done("terminate", "--run", run_id)
    assert checkout.home(run_id)["out/checkpoint/epoch"] == b"2"


def test_a_connection_that_breaks_or_hangs_loses_no_line_and_repeats_none(checkout):
    client = checkout.start(*train_words(*CHATTY))
    read_until(client.stderr, "epoch 1 line 10")
    run = checkout.run(checkout.run_ids()[-1])
    orders.cut(checkout.cloud, run["instance_id"])
    story = read_until(client.stderr, "epoch 1 line 40")
    orders.freeze(checkout.cloud, run["instance_id"])
    wait_until(lambda: b"epoch 2 line 20 " in (checkout.there(run["id"]) / "log").read_bytes())
    orders.thaw(checkout.cloud, run["instance_id"])
    story += read_until(client.stderr, "epoch 2 line 20")
    orders.cut(checkout.cloud, run["instance_id"])
    outcome = finished(client)
    assert outcome.returncode == 0, outcome.stderr
    assert (story + outcome.stderr).count("Connecting again") == 2
    assert_log_is_whole(checkout, run["id"])


@pytest.mark.slow
def test_a_connection_that_stays_silent_is_given_up_for_a_new_one(checkout):
    client = checkout.start(*train_words(*CHATTY))
    read_until(client.stderr, "epoch 1 line 10")
    run = checkout.run(checkout.run_ids()[-1])
    orders.freeze(checkout.cloud, run["instance_id"])
    read_until(client.stderr, "Connecting again", seconds=60)
    orders.thaw(checkout.cloud, run["instance_id"])
    assert finished(client).returncode == 0
    assert_log_is_whole(checkout, run["id"])


@pytest.mark.parametrize(
    ("step", "number"), [("launch", signal.SIGHUP), ("boot", signal.SIGINT), ("volume", signal.SIGTERM)]
)
def test_before_the_start_a_signal_undoes_everything(checkout, step, number):
    client = checkout.start(*train_words())
    read_until(client.stderr, step)
    client.send_signal(number)
    outcome = finished(client)
    assert outcome.returncode == 130 and "Traceback" not in outcome.stderr, outcome.stderr
    assert re.match(r"fab: .* was undone before its job started", outcome.stderr.splitlines()[-1])
    assert checkout.billed() == [] and checkout.run(checkout.run_ids()[-1])["closed"]


def test_after_the_start_a_signal_only_detaches_and_says_how_to_go_on(checkout):
    outcome = finished(signalled(checkout, signal.SIGINT, "epoch 1 line 4", *train_words("hold=1")))
    assert outcome.returncode == 130 and "fab: Detached" in outcome.stderr and "Traceback" not in outcome.stderr
    watch, stop = (shlex.split(command) for command in re.findall(r"bin/fab (.*)", outcome.stderr))
    for number in (signal.SIGTERM, signal.SIGHUP):
        again = finished(signalled(checkout, number, "none on this machine", *watch))
        assert again.returncode == 130 and "fab: Detached" in again.stderr and "Traceback" not in again.stderr
    checkout.let_go(watch[-1])
    checkout.done(*watch)
    checkout.done(*stop)
    assert checkout.home(watch[-1])["out/checkpoint/epoch"] == b"3"


def signalled(checkout, number, words, *command):
    """A client that gets a signal when its story has come to these words."""
    client = checkout.start(*command)
    read_until(client.stderr, words)
    client.send_signal(number)
    return client


def test_a_run_whose_machine_fails_goes_on_from_its_checkpoint_on_another(checkout):
    client = checkout.start(*train_words("hold=2"))
    read_until(client.stderr, "epoch 2 line 4")
    run_id = checkout.run_ids()[-1]
    wait_until(lambda: (checkout.there(run_id) / "out/checkpoint/epoch").read_text() == "2")
    orders.vanish(checkout.cloud, checkout.run(run_id)["instance_id"])
    outcome = finished(client)
    assert outcome.returncode == 0, outcome.stderr
    home = checkout.home(run_id)
    assert [json.loads(row)["epoch"] for row in home["out/metrics.jsonl"].splitlines()] == [1, 2, 3]
    assert b"from epoch 3" in home["log"]


def test_a_spot_machine_that_is_taken_back_is_replaced_and_no_epoch_is_lost(checkout):
    client = checkout.start(*train_words("epochs=60", "seconds=0.2"), "--market", "spot")
    read_until(client.stderr, "epoch 2 line 4")
    run_id = checkout.run_ids()[-1]
    orders.interrupt(checkout.cloud, checkout.run(run_id)["instance_id"], notice_s=20)
    outcome = finished(client)
    assert outcome.returncode == 0, outcome.stderr
    home = checkout.home(run_id)
    assert [json.loads(row)["epoch"] for row in home["out/metrics.jsonl"].splitlines()] == list(range(1, 61))
    assert b"saved" in home["log"]
