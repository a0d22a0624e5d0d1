"""Ctrl-C, a polite kill, a closed terminal: at each stage, to the whole process group as a terminal does it, twice."""

import os
import signal
import time
from pathlib import Path

import pytest

from remote.embedded import orders
from tests.life.checkout import finished, read_until, train_words, wait_until


def strike(client, *numbers):
    """Signals to all processes of a command, as fast as an impatient user's."""
    for number in numbers:
        os.killpg(client.pid, number)
        time.sleep(0.2)


def stopped_at(checkout, words, *numbers, **environment):
    """What a training did that got these signals when its story had come to these words."""
    client = checkout.start(*train_words(), **environment)
    read_until(client.stderr, words)
    strike(client, *numbers)
    outcome = finished(client)
    assert outcome.returncode == 130 and "Traceback" not in outcome.stderr, outcome.stderr
    return outcome


def test_two_in_a_row_as_it_asks_for_a_machine_leave_none(checkout):
    stopped_at(checkout, "plan", signal.SIGINT, signal.SIGINT)
    assert checkout.billed() == []


@pytest.mark.parametrize("words", ["boot", "copy"])
def test_two_in_a_row_before_the_start_undo_everything_all_the_same(checkout, tmp_path, words):
    slow = tmp_path / "slow python"  # so that there is time to stop it before the job has started
    slow.write_text('#!/bin/sh\nsleep 3\nexec python3 "$@"\n')
    slow.chmod(0o755)
    outcome = stopped_at(checkout, words, signal.SIGINT, signal.SIGINT, FABRIC_PYTHON=str(slow))
    told = "was undone before its job started. Nothing of it is left."
    assert outcome.stderr.splitlines()[-1].endswith(told), outcome.stderr
    assert checkout.billed() == [] and checkout.run(checkout.run_ids()[-1])["closed"]


def test_one_more_after_a_while_leaves_it_to_its_deadline_and_says_so(checkout):
    orders.fault(checkout.cloud, "TerminateInstances", delay_s=8)
    client = checkout.start(*train_words())
    read_until(client.stderr, "boot")
    strike(client, signal.SIGINT)
    time.sleep(3.2)
    strike(client, signal.SIGINT)
    outcome = finished(client)
    run_id = checkout.run_ids()[-1]
    assert outcome.returncode == 130 and "Traceback" not in outcome.stderr, outcome.stderr
    assert (
        f"It ends itself at {checkout.run(run_id)['deadline']}; or: bin/fab terminate --run {run_id}" in outcome.stderr
    )
    orders.clear(checkout.cloud)
    checkout.done("terminate", "--run", run_id)


def test_a_closed_terminal_undoes_what_has_not_started_though_nobody_reads_its_story(checkout):
    client = checkout.start(*train_words())
    read_until(client.stderr, "boot")
    client.stderr.close()
    strike(client, signal.SIGHUP, signal.SIGHUP)
    assert client.wait(timeout=60) == 130
    assert checkout.billed() == [] and checkout.run(checkout.run_ids()[-1])["closed"]


def test_a_closed_terminal_lets_a_started_job_go_on(checkout):
    client = checkout.start(*train_words("hold=1"))
    read_until(client.stderr, "epoch 1 line 4")
    client.stderr.close()
    strike(client, signal.SIGHUP, signal.SIGTERM)
    assert client.wait(timeout=60) == 130
    run_id = checkout.run_ids()[-1]
    checkout.let_go(run_id)
    outcome = checkout.fab("resume", "--run", run_id)
    assert outcome.returncode == 0, outcome.stderr
    assert checkout.home(run_id)["log"].count(b"epoch 1 line 4") == 1


def test_under_nohup_and_with_nobody_reading_a_run_comes_to_its_end(checkout):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does for its command
    try:
        client = checkout.start(*train_words("epochs=1"))
    finally:
        signal.signal(signal.SIGHUP, before)
    read_until(client.stderr, "launch")
    client.stderr.close()
    strike(client, signal.SIGHUP)
    assert client.wait(timeout=90) == 0
    assert checkout.home(checkout.run_ids()[-1])["exit_code"] == b"0\n"


def arriving(checkout):
    """The large file that is on its way home, once some of it is there."""
    partial = next(iter(checkout.runs.glob("*/.partial/out/big.bin")), None)
    return partial if partial and partial.stat().st_size else None


def test_stopped_while_it_pulls_or_ends_it_is_finished_by_the_command_that_it_names(checkout):
    client = checkout.start(*train_words("epochs=1", "megabytes=120"))
    partial = wait_until(lambda: arriving(checkout), seconds=60, every=0.01)
    strike(client, signal.SIGINT, signal.SIGINT)
    outcome, run_id = finished(client), partial.parts[-4]
    assert outcome.returncode == 130 and "Traceback" not in outcome.stderr, outcome.stderr
    assert "has ended and its results are not home yet" in outcome.stderr
    had, inode = partial.stat().st_size, partial.stat().st_ino
    big = (checkout.there(run_id) / "out/big.bin").read_bytes()
    assert 0 < had < len(big) and not (checkout.runs / run_id / "out/big.bin").exists()
    orders.fault(checkout.cloud, "TerminateInstances", delay_s=2)
    command = outcome.stderr.splitlines()[-1].split("bin/fab ")[1].split()
    ending = checkout.start(*command)
    read_until(ending.stderr, "pull", seconds=60)
    strike(ending, signal.SIGTERM, signal.SIGTERM)
    assert finished(ending).returncode == 130
    home = checkout.runs / run_id / "out/big.bin"
    assert home.stat().st_ino == inode and home.read_bytes() == big, "it was not the partial file that went on"
    orders.clear(checkout.cloud)
    checkout.done(*command)


def test_before_a_command_has_begun_it_leaves_without_a_word(checkout):
    client = checkout.start("runs")
    wait_until(lambda: b"fabfile.py" in Path(f"/proc/{client.pid}/cmdline").read_bytes(), every=0.005)
    time.sleep(0.15)
    os.killpg(client.pid, signal.SIGINT)
    outcome = finished(client)
    assert outcome.returncode == 130 and "Traceback" not in outcome.stderr, outcome.stderr
