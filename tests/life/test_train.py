"""The life of a run as a new user lives it: one command, or step by step."""

import hashlib
import json
import shutil
from types import SimpleNamespace

import pytest

from tests.life.checkout import finished, train_words, wait_until

STEPS = ("plan", "launch", "boot", "volume", "copy", "start", "gpu", "pull", "end", "report")


@pytest.fixture(scope="module")
def life(checkout, tmp_path_factory):
    """One life, with a second that begins and ends while the first is held in its last epoch."""
    letters = tmp_path_factory.mktemp("mine") / "my letters.txt"
    letters.write_text("Dear Alice, " * 100)
    first = checkout.start(*train_words("epochs=3", "hold=3", f"text={letters}"))
    run_id = wait_until(lambda: next((one for one in checkout.run_ids() if checkout.run(one)["started"]), None))
    wait_until(lambda: (checkout.there(run_id) / "out/checkpoint/epoch").exists())
    second = checkout.start(*train_words("epochs=1"), "--json")
    intruder = checkout.fab("follow", "--run", run_id)
    other = finished(second)
    wait_until(lambda: (checkout.there(run_id) / "out/checkpoint/epoch").read_text() == "3")
    written = {path.name: digest(path) for path in (checkout.there(run_id) / "out").rglob("*") if path.is_file()}
    del written["progress.json"]  # for the live line alone: no result
    assert first.poll() is None
    checkout.let_go(run_id)
    outcome = finished(first)
    return SimpleNamespace(
        outcome=outcome, run=checkout.run(run_id), written=written, other=other, intruder=intruder, text=letters
    )


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_it_exits_0_with_the_results_that_the_job_wrote(checkout, life):
    assert life.outcome.returncode == 0, life.outcome.stderr
    out = checkout.runs / life.run["id"] / "out"
    home = {path.name: digest(path) for path in out.rglob("*") if path.is_file()}
    assert home == life.written
    assert {"model.weights.h5", "model.json", "metrics.jsonl", "epoch"} <= home.keys()


def test_the_log_is_home_from_the_first_line_to_the_last(checkout, life):
    lines = checkout.home(life.run["id"])["log"].decode().splitlines()
    assert lines[0] == f"tiny: text of {life.text.stat().st_size} bytes, from epoch 1"
    assert lines[1:] == [f"epoch {epoch} line {line} of 4" for epoch in (1, 2, 3) for line in (1, 2, 3, 4)]


def test_the_story_is_on_stderr_a_line_a_step(life):
    first_words = [line.split(" ")[0] for line in life.outcome.stderr.splitlines()]
    assert [word for word in first_words if word in STEPS] == list(STEPS)
    assert life.outcome.stdout == ""
    assert "\x1b" not in life.outcome.stderr and "\r" not in life.outcome.stderr


def test_the_last_lines_say_where_the_results_are_and_what_they_would_cost(life):
    last = life.outcome.stderr.splitlines()[-2:]
    assert "g4dn.xlarge" in last[0] and "$0.0" in last[0] and "nothing was charged" in last[0]
    assert f"{life.run['id']}/out/" in last[1]


def test_the_record_says_what_happened_and_that_it_is_over(life):
    run = life.run
    assert run["exit_code"] == 0 and run["closed"] >= run["ended"] >= run["started"] >= run["launched"] > ""
    assert [step for step, _ in run["timeline"]] == ["launch", "boot", "volume", "copy", "start", "job", "pull", "end"]
    assert len(run["pulled"]) == 64


def test_secrets_of_the_run_are_readable_by_their_owner_alone(checkout, life):
    folder = checkout.runs / life.run["id"]
    assert (folder / "id_ed25519").stat().st_mode & 0o077 == 0
    assert not (folder / "host_key").exists()


def test_a_second_run_lives_beside_the_first(checkout, life):
    assert life.other.returncode == 0, life.other.stderr
    row = json.loads(life.other.stdout)
    assert row["state"] == "closed" and row["exit_code"] == 0 and row["run"] != life.run["id"]
    assert (checkout.runs / row["run"] / "out/model.weights.h5").exists()


def test_a_second_command_on_the_same_run_is_told_to_wait(life):
    assert life.intruder.returncode == 9
    assert life.intruder.stderr.startswith("fab: Another command works on ") and life.intruder.stderr.count("\n") == 1


def test_runs_and_status_tell_of_it(checkout, life):
    rows = json.loads(checkout.done("runs", "--json"))
    assert [row["run"] for row in rows if row["state"] == "closed"] == checkout.run_ids()
    assert life.run["id"] in checkout.done("runs")
    status = json.loads(checkout.done("status", "--run", life.run["id"], "--json"))
    assert status["results"].endswith(f"{life.run['id']}/out") and 0 < status["dollars"] < 0.1


def test_step_by_step_and_every_step_twice(checkout):
    run_id = checkout.done("launch", "--job", "tiny", "--set", "epochs=2")
    for step in ("attach", "copy", "run", "follow", "gpu", "pull", "terminate"):
        for _ in range(2):
            outcome = checkout.fab(step, "--run", run_id)
            assert outcome.returncode == 0 or (step, outcome.returncode) == ("gpu", 3), (step, outcome.stderr)
    assert checkout.home(run_id)["log"].count(b"epoch 1 line 1") == 1
    assert checkout.run(run_id)["closed"]


def test_detached_it_can_be_watched_and_ended_later(checkout):
    run_id = checkout.detached("epochs=900", "seconds=0.2")
    wait_until(lambda: (checkout.there(run_id) / "out/checkpoint/epoch").exists())
    status = json.loads(checkout.done("status", "--json"))
    assert (status["run"], status["state"], status["results"]) == (run_id, "running", "")
    assert checkout.fab("terminate").returncode == 0
    home = checkout.home(run_id)
    assert home["log"].decode().splitlines()[-1].startswith("tiny: stopped after epoch")
    assert home["exit_code"] == b"143\n" and home["out/checkpoint/epoch"] in home["log"]


def test_a_named_volume_is_kept_and_used_again(checkout):
    options = ("--volume", "mine")
    _, first = checkout.train("epochs=1", options=options)
    volumes = checkout.client("ec2").describe_volumes()["Volumes"]
    assert [one["VolumeId"] for one in volumes] == [first["volume_id"]]
    outcome, second = checkout.train("epochs=1", options=options)
    assert outcome.returncode == 0 and "'mine', kept, found;" in outcome.stderr
    assert second["volume_id"] == first["volume_id"]
    checkout.client("ec2").delete_volume(VolumeId=first["volume_id"])


def test_a_job_of_ones_own_is_one_file(checkout):
    shutil.copy(checkout.path / "jobs/tiny.py", checkout.path / "jobs/mine.py")
    outcome = checkout.fab("train", "--job", "mine", "--set", "epochs=1")
    assert outcome.returncode == 0, outcome.stderr
    assert checkout.run_ids()[-1].startswith("mine-")
