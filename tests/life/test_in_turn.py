"""Several jobs on one instance, one volume, one deadline: `fab train --job A --job B`."""

import json
import shutil

import pytest

from remote.embedded import orders
from tests.life.checkout import finished, wait_until

BOTH = ("train", "--job", "tiny", "--job", "other")


@pytest.fixture(autouse=True)
def other_job(checkout):
    """A second job, which is the tiny one under another name."""
    shutil.copy2(checkout.path / "jobs/tiny.py", checkout.path / "jobs/other.py")


def newest(checkout):
    return checkout.run(checkout.run_ids()[-1])


def sets(*assignments):
    return [word for one in assignments for word in ("--set", one)]


def test_two_jobs_train_in_turn_on_one_machine(checkout, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("x" * 77)
    before = len(orders.api_log(checkout.cloud))
    checkout.done(*BOTH, *sets("epochs=2", "other.epochs=3", f"other.text={text}"))
    launched = [call for call in orders.api_log(checkout.cloud)[before:] if call["action"] == "RunInstances"]
    run = newest(checkout)
    home = checkout.home(run["id"])
    assert len(launched) == 1 and run["exit_code"] == 0
    assert [home[f"out/{job}/checkpoint/epoch"] for job in ("tiny", "other")] == [b"2", b"3"]
    log = home["log"].decode()
    assert log.index("=== tiny, 1 of 2") < log.index("=== other, 2 of 2") < log.index("text of 77 bytes")


def test_a_job_that_fails_keeps_none_from_its_turn(checkout):
    outcome = checkout.fab(*BOTH, *sets("epochs=2", "tiny.fail=1"))
    home = checkout.home(newest(checkout)["id"])
    assert outcome.returncode == 5 and "tiny, then other ended with 1" in outcome.stderr
    assert home["out/other/checkpoint/epoch"] == b"2" and home["out/tiny/exit_code"] == b"1\n"


def test_after_a_lost_machine_only_what_had_not_ended_goes_on(checkout):
    process = checkout.start(*BOTH, *sets("epochs=2", "other.hold=1"))
    wait_until(lambda: list(checkout.state.glob("volumes/*/files/runs/tiny-*/out/other/checkpoint/epoch")), 60)
    run = newest(checkout)
    orders.vanish(checkout.cloud, run["instance_id"])
    wait_until(lambda: newest(checkout)["instance_id"] != run["instance_id"], 60)
    wait_until(lambda: b"has ended before" in (checkout.runs / run["id"] / "log").read_bytes(), 60)
    checkout.let_go(run["id"])
    outcome = finished(process)
    assert outcome.returncode == 0, outcome.stderr
    log = checkout.home(run["id"])["log"].decode()
    assert log.count("tiny: text of") == 3 and "from epoch 2" in log, log  # tiny trained once, other twice


def test_what_is_stopped_starts_no_further_job(checkout):
    run_id = checkout.done(*BOTH, *sets("epochs=2", "tiny.hold=1"), "--detach")
    wait_until((checkout.there(run_id) / "out/tiny/checkpoint/epoch").exists)
    checkout.done("terminate", "--run", run_id)
    home = checkout.home(run_id)
    assert home["out/tiny/checkpoint/epoch"] == b"1" and not [name for name in home if name.startswith("out/other")]
    assert home["exit_code"] == b"143\n"


@pytest.mark.parametrize(
    "words, code, said",
    [
        (("--job", "tiny", "--job", "tiny"), 2, "each job once"),
        ((*BOTH[1:], "--set", "bogus=1"), 2, "bogus=1"),
        ((*BOTH[1:], "--set", "nobody.epochs=1"), 2, "nobody.epochs=1"),
        ((*BOTH[1:], "--set", "epochs"), 2, "NAME=VALUE"),
        ((*BOTH[1:], "--set", "other.epochs=0"), 2, "other"),
        (("--job", "tiny", "--job", "nobody"), 3, "nobody"),
        ((), 2, "Expected --job NAME"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_rented(checkout, words, code, said):
    before = checkout.run_ids()
    outcome = checkout.fab("train", *words)
    assert outcome.returncode == code and said in outcome.stderr
    assert checkout.run_ids() == before


def test_the_plan_shows_the_parameters_of_each(checkout):
    plan = json.loads(checkout.done("plan", *BOTH[1:], "--set", "epochs=7", "--offline", "--json"))
    assert plan["job"] == "tiny" and [turn["job"] for turn in plan["then"]] == ["other"]
    assert plan["parameters"]["epochs"] == plan["then"][0]["parameters"]["epochs"] == 7
