"""The worst day: a laptop asleep, clocks that jump, a disk that fills, a machine that never answers."""

import os
import signal
import subprocess
import sys

import pytest

from remote.embedded import orders
from tests.life import checkout as checkouts
from tests.life.checkout import finished, read_until, train_words, wait_until

DAY_S = 24 * 3600
JUMP = """
import datetime, pathlib, time
jump, real, now = pathlib.Path(__file__).with_name("jump_s"), time.time, datetime.datetime
time.time = lambda: real() + float(jump.read_text())
class Jumping(now):
    @classmethod
    def now(cls, tz=None):
        return now.fromtimestamp(time.time(), tz)
    @classmethod
    def utcnow(cls):
        return now.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(seconds=float(jump.read_text()))
datetime.datetime = Jumping
"""


@pytest.fixture(scope="module")
def aside(checkout, tmp_path_factory):
    """aside(**environment): a checkout of its own with the credentials to the same cloud, to be changed or starved."""

    def make(**environment):
        return checkouts.make(tmp_path_factory.mktemp("aside") / "checkout", **checkout.as_aws, **environment)

    return make


def lines_there(checkout, run_id):
    return (checkout.there(run_id) / "log").read_bytes().count(b"\n")


@pytest.fixture
def jump(tmp_path):
    """jump(seconds): set the clock of the clients that are started with this jump's environment."""
    (tmp_path / "sitecustomize.py").write_text(JUMP)

    def to(seconds):
        (tmp_path / "jump_s").write_text(str(seconds))

    to(0)
    to.environment = {"PYTHONPATH": str(tmp_path)}
    return to


def test_a_laptop_that_sleeps_and_wakes_with_another_clock_misses_nothing(checkout, jump):
    client = checkout.start(*train_words("epochs=2", "lines=30", "seconds=3"), **jump.environment)
    read_until(client.stderr, "epoch 1 line 5 ")
    os.killpg(client.pid, signal.SIGSTOP)
    run_id = checkout.run_ids()[-1]
    before = lines_there(checkout, run_id)
    wait_until(lambda: lines_there(checkout, run_id) > before + 15)
    jump(-DAY_S)
    os.killpg(client.pid, signal.SIGCONT)
    outcome, run = finished(client), checkout.run(run_id)
    assert outcome.returncode == 0, outcome.stderr
    assert run["ended"] < run["started"], "the clock did not jump"
    home = checkout.home(run_id)["log"].decode().splitlines()
    assert home[1:] == [f"epoch {epoch} line {line} of 30" for epoch in (1, 2) for line in range(1, 31)]


def test_a_laptop_that_sleeps_for_a_day_is_told_where_its_results_are(checkout, jump):
    client = checkout.start(*train_words("hold=1"), **jump.environment)
    read_until(client.stderr, "epoch 1 line 4")
    run = checkout.run(checkout.run_ids()[-1])
    wait_until(lambda: (checkout.there(run["id"]) / "out/checkpoint/epoch").exists())
    os.killpg(client.pid, signal.SIGSTOP)
    jump(DAY_S)
    orders.advance(checkout.cloud, DAY_S)
    checkout.client("ec2").get_waiter("instance_terminated").wait(InstanceIds=[run["instance_id"]])
    os.killpg(client.pid, signal.SIGCONT)
    outcome = finished(client)
    orders.advance(checkout.cloud, -DAY_S)
    assert outcome.returncode == 6 and "Traceback" not in outcome.stderr, outcome.stderr
    command = outcome.stderr.splitlines()[-1].split("bin/fab ")[1].split()
    assert command == ["pull", "--run", run["id"]]
    checkout.done(*command)
    assert checkout.home(run["id"])["out/checkpoint/epoch"] == b"1" and checkout.billed() == []


def test_a_machine_that_boots_and_never_answers_is_given_back(aside, checkout):
    made = aside(FABRIC_SSH_CIDR="203.0.113.7/32", FABRIC_CONNECT_MINUTES="0.05")
    outcome, run = made.train()
    assert outcome.returncode == 6 and "No SSH answer" in outcome.stderr.splitlines()[-1], outcome.stderr
    assert run["instance_id"] and run["closed"] and checkout.billed() == []


def test_user_data_whose_second_line_fails_still_ends_the_machine(aside, checkout):
    made = aside()
    boot = made.path / "remote/boot.py"
    first = 'power_off_after("gpu-jobs-deadline", deadline_s), '
    boot.write_text(boot.read_text().replace(first, f'{first}"exit 1", '))
    run_id = made.detached("hold=1")
    instance = checkout.client("ec2").get_console_output(InstanceId=made.run(run_id)["instance_id"], Latest=True)
    assert "bootcmd line failed with exit code 1" in instance["Output"]
    orders.advance(checkout.cloud, 4 * 3600 + 60)
    checkout.client("ec2").get_waiter("instance_terminated").wait(InstanceIds=[made.run(run_id)["instance_id"]])
    orders.advance(checkout.cloud, -4 * 3600 - 60)
    made.done("terminate", "--run", run_id, "--discard", "--yes")


@pytest.mark.root
@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="mounts a small file system: needs root")
def test_a_disk_that_fills_in_the_middle_of_a_pull_keeps_the_rest_on_the_volume(aside, checkout, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", small], check=True)
    try:
        made = aside(FABRIC_RUNS_DIR=str(small / "runs"))
        client = made.start(*train_words("epochs=1", "megabytes=120"))
        wait_until(lambda: list(small.glob("runs/*/.partial/out/big.bin")), seconds=90, every=0.005)
        with (small / "filler").open("wb") as filler, pytest.raises(OSError, match="No space left"):
            while True:
                filler.write(bytes(1 << 20))
        outcome, run_id = finished(client), made.run_ids()[-1]
        assert outcome.returncode == 8 and "Traceback" not in outcome.stderr, outcome.stderr
        assert ".partial/out/big.bin cannot be written (No space left on device)" in outcome.stderr
        assert "make room, then: bin/fab pull" in outcome.stderr
        assert not (small / "runs" / run_id / "out/big.bin").exists()
        assert len(checkout.billed()) == 1, "the volume alone is kept"
        (small / "filler").unlink()
        made.done("pull", "--run", run_id)
        assert (small / "runs" / run_id / "out/big.bin").stat().st_size == 120 << 20
    finally:
        subprocess.run(["umount", "--lazy", small], check=True)
