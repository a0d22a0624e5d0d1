"""What is wrong is said in one line with a documented exit code, before anything is rented or with nothing left."""

import os
import subprocess
import sys

import pytest

from remote.boot import new_key
from tests.life.checkout import train_words, wait_until

NO_SUCH_RUN = "tiny-20260101-000000-0000"
TRAIN = ("train", "--job", "tiny")


def assert_refused(outcome, code, words):
    """Exit code, and one line on stderr that has the words; nothing on stdout."""
    assert "Traceback" not in outcome.stderr, outcome.stderr
    lines = outcome.stderr.splitlines()
    assert (outcome.returncode, len(lines)) == (code, 1), outcome.stderr
    assert lines[0].startswith("fab: ") and words in lines[0]
    assert outcome.stdout == ""


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (("nosuchtask",), 2, "nosuchtask"),
        ((*TRAIN, "--nosuchoption"), 2, "--nosuchoption"),
        (("status", "--nosuchoption"), 2, "--nosuchoption"),
        (("train",), 2, "job"),
        (("train", "--job", "tini"), 3, "Did you mean tiny?"),
        ((*TRAIN, "--set", "epoch=3"), 2, "There are: epochs"),
        ((*TRAIN, "--set", "epochs=many"), 2, "Expected a whole number for epochs, got 'many'"),
        ((*TRAIN, "--set", "epochs=0"), 2, "Expected a value at least 1 for epochs, got '0'"),
        ((*TRAIN, "--set", "epochs"), 2, "Expected --set NAME=VALUE, got --set epochs"),
        ((*TRAIN, "--set", "text=/no/such/file"), 3, "no such file"),
        ((*TRAIN, "--set", "text=/dev/null"), 2, "is empty"),
        ((*TRAIN, "--max-hours", "soon"), 2, "Setting max_hours expects a number, got 'soon'"),
        ((*TRAIN, "--max-hours", "nan"), 2, "Setting max_hours expects a value from"),
        ((*TRAIN, "--max-cost", "-1"), 2, "Setting max_cost expects a value from"),
        ((*TRAIN, "--max-cost", "0.01"), 2, "Expected $0.03 at least"),
        ((*TRAIN, "--market", "cheap"), 2, "Setting market expects one of"),
        ((*TRAIN, "--instance-types", ","), 2, "Setting instance_types is empty"),
        ((*TRAIN, "--instance-types", "x9.huge"), 3, "x9.huge"),
        (("runs", "--last", "few"), 2, "few"),
        (("tensorboard", "--port", "x"), 2, "Expected a port from 0 to 65535, got 'x'"),
        (("status", "--run", "nonsense"), 2, "Expected a run id"),
        (("status", "--run", "../../etc"), 2, "Expected a run id"),
        *(((task, "--run", NO_SUCH_RUN), 3, NO_SUCH_RUN) for task in ("status", "pull", "terminate")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_wrong_word_is_refused_before_anything_is_rented(checkout, command, code, words):
    assert_refused(checkout.fab(*command), code, words)
    assert checkout.run_ids() == []


@pytest.mark.parametrize(
    ("setting", "code", "words"),
    [
        ({"FABRIC_CLOUD": "azure"}, 2, "Setting cloud expects aws or embedded, got 'azure'"),
        ({"FABRIC_ZONES": "us-east-1z"}, 2, "us-east-1z"),
        ({"FABRIC_VOLUME_GIB": "0"}, 2, "Setting volume_gib expects a value from 1"),
        ({"FABRIC_SSH_CIDR": "home"}, 2, "Setting ssh_cidr expects a network"),
        ({"FABRIC_CLOUD": "aws", "FABRIC_PROFILE": "nobody"}, 7, "nobody"),
        ({"FABRIC_CLOUD": "aws", "FABRIC_ENDPOINT_URL": "http://127.0.0.1:9"}, 7, "credentials"),
        ({"FABRIC_RUNS_DIR": "/dev/null/runs"}, 2, "/dev/null"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else None,
)
def test_a_wrong_setting_is_refused(checkout, setting, code, words):
    outcome = checkout.fab(*TRAIN, **setting)
    assert "Traceback" not in outcome.stderr, outcome.stderr
    assert outcome.returncode == code, outcome.stderr
    last = outcome.stderr.splitlines()[-1]
    assert last.startswith("fab: ") and words in last


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that exists and cannot be read, even by root: Linux")
def test_an_unreadable_text_is_refused(checkout):
    assert_refused(checkout.fab(*train_words("text=/proc/self/mem")), 2, "can't be read: Input/output error")


def test_an_empty_folder_is_no_text(checkout, tmp_path):
    assert_refused(checkout.fab(*train_words(f"text={tmp_path}")), 2, "is empty")


def test_with_no_run_at_all_it_says_how_to_start_one(checkout, tmp_path):
    assert_refused(checkout.fab("status", FABRIC_RUNS_DIR=str(tmp_path)), 3, "Start one: bin/fab train")


def test_a_damaged_record_is_named_and_hinders_no_other_run(checkout):
    folder = checkout.runs / "tiny-20200101-000000-0000"
    folder.mkdir()
    (folder / "run.json").write_text('{"id": "tiny-2020')
    try:
        assert_refused(checkout.fab("status", "--run", folder.name), 3, "can't be read")
        assert checkout.fab("runs").returncode == 0
    finally:
        (folder / "run.json").unlink()


def test_a_job_that_raises_is_brought_home_and_ended(checkout):
    outcome, run = checkout.train("fail=2")
    assert outcome.returncode == 5, outcome.stderr
    assert "fab: tiny ended with 1." in outcome.stderr
    assert outcome.stderr.splitlines()[-1] == "  RuntimeError: ordered to fail"
    home = checkout.home(run["id"])
    assert home["out/checkpoint/epoch"] == b"1" and b"epoch 2 line 4" in home["log"]


def test_pulling_and_ending_twice_does_no_harm(checkout):
    """Once a run is over (that of the test before, if it ran), both say so and change nothing."""
    run_id = (checkout.run_ids() or [checkout.train()[1]["id"]])[-1]
    before = checkout.home(run_id)
    for _ in range(2):
        checkout.done("terminate", "--run", run_id)
        assert_refused(checkout.fab("pull", "--run", run_id), 3, "Its results are home")
    assert checkout.home(run_id) == before


def test_a_job_killed_by_a_signal_is_brought_home_and_ended(checkout):
    outcome, run = checkout.train("die=2", "children=2")
    assert outcome.returncode == 5 and "fab: tiny ended with 137." in outcome.stderr
    assert run["exit_code"] == 137 and checkout.home(run["id"])["out/checkpoint/epoch"] == b"1"


@pytest.mark.slow
def test_a_deaf_job_is_ended_all_the_same(checkout):
    run_id = checkout.detached("deaf=true", "hold=1", "children=2")
    wait_until(lambda: (checkout.there(run_id) / "out/checkpoint/epoch").exists())
    outcome = checkout.fab("terminate", "--run", run_id)
    assert outcome.returncode == 0, outcome.stderr
    assert checkout.home(run_id)["exit_code"] == b"137\n"


@pytest.mark.root
@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="mounts a tiny file system: needs root")
def test_a_full_disk_ends_the_job_and_loses_nothing_that_was_written(checkout):
    run_id = checkout.done("launch", "--job", "tiny", "--set", "fill=true")
    checkout.done("attach", "--run", run_id)
    files = checkout.state / "volumes" / checkout.run(run_id)["volume_id"] / "files"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", files], check=True)
    try:
        for step, code in {"copy": 0, "run": 0, "follow": 5, "pull": 0}.items():
            assert checkout.fab(step, "--run", run_id).returncode == code
        home = checkout.home(run_id)
        assert home["exit_code"] == b"1\n" and len(home["out/filling"]) > 1_000_000
        assert home["out/filling"] == (checkout.there(run_id) / "out/filling").read_bytes()
        checkout.done("terminate", "--run", run_id)
    finally:
        subprocess.run(["umount", "--lazy", files], check=True)


def test_a_machine_with_another_host_key_is_refused(checkout):
    run_id = checkout.detached("hold=1")
    known_hosts = checkout.runs / run_id / "known_hosts"
    pinned = known_hosts.read_text()
    _, another = new_key()
    known_hosts.write_text(f"gpu-job {another}\n")
    for task in ("follow", "pull"):
        assert_refused(checkout.fab(task, "--run", run_id), 7, "shows another host key")
    known_hosts.write_text(pinned)
    checkout.done("terminate", "--run", run_id)
