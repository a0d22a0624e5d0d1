"""bin/fab -H box: the same life on a machine that is there already, and nothing is left on it."""

import os
import re
import signal

import psutil
import pytest

from tests.life.checkout import read_until, train_words, wait_until


@pytest.fixture
def box(checkout, tmp_path):
    """The environment in which `box` is a machine of the user's own: a rented one that no command of the test knows."""
    run_id = checkout.done("launch", "--job", "tiny")
    instance, folder = checkout.run(run_id)["instance_id"], checkout.runs / run_id
    described = checkout.client("ec2").describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    there = checkout.cloud.ssh_config.read_text().split(f"Host {described['PublicIpAddress']}\n")[1]
    port = re.search(r"Port (\d+)", there)[1]
    (tmp_path / ".ssh").mkdir(mode=0o700)
    key = (folder / "known_hosts").read_text().split(maxsplit=1)[1]
    (tmp_path / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{port} {key}")
    lines = ["HostName 127.0.0.1", f"Port {port}", "User ubuntu", f'IdentityFile "{folder / "id_ed25519"}"']
    lines += [f"UserKnownHostsFile {tmp_path}/.ssh/known_hosts", "IdentitiesOnly yes"]
    (tmp_path / ".ssh/config").write_text("Host box\n  " + "\n  ".join(lines) + "\n")
    yield {"HOME": str(tmp_path)}
    checkout.done("terminate", "--run", run_id)


def left(checkout, run_id):
    """Processes of the run's job, and its folders on the machine."""
    mark = f"/gpu-jobs/runs/{run_id}"
    processes = [one.pid for one in psutil.process_iter() if mark in environment(one).get("GPU_JOB", "")]
    return processes + [path for path in checkout.state.rglob("gpu-jobs") if path.is_dir()]


def environment(process):
    try:
        return process.environ() if process.status() != psutil.STATUS_ZOMBIE else {}
    except psutil.Error:
        return {}


def there(checkout, run_id):
    return next(iter(checkout.state.glob(f"**/gpu-jobs/runs/{run_id}")))


def test_a_whole_run_rents_nothing_and_leaves_nothing(checkout, box):
    before = set(checkout.run_ids())
    billed = checkout.billed()
    outcome = checkout.fab("-H", "box", *train_words("epochs=2", "children=2"), **box)
    assert outcome.returncode == 0, outcome.stderr
    (run_id,) = set(checkout.run_ids()) - before
    assert checkout.home(run_id)["out/checkpoint/epoch"] == b"2" and checkout.run(run_id)["closed"]
    assert left(checkout, run_id) == [] and checkout.billed() == billed


@pytest.mark.parametrize(("how", "deaf"), [((), "false"), (("--discard", "--yes"), "true")], ids=["kept", "discarded"])
def test_a_job_that_its_wrapper_no_longer_watches_is_ended_with_all_that_it_forked(checkout, box, how, deaf):
    client = checkout.start("-H", "box", *train_words("hold=1", "children=2", f"deaf={deaf}"), "--detach", **box)
    run_id = client.communicate(timeout=90)[0].decode().strip()
    wait_until(lambda: b"epoch 1 line 4" in (there(checkout, run_id) / "log").read_bytes())
    wait_until(lambda: (there(checkout, run_id) / "out/checkpoint/epoch").exists())
    os.kill(int((there(checkout, run_id) / "pid").read_text()), signal.SIGKILL)
    assert len(left(checkout, run_id)) >= 4
    checkout.done("terminate", "--run", run_id, *how, **box)
    assert left(checkout, run_id) == []
    assert ("out/checkpoint/epoch" in checkout.home(run_id)) == (not how)


def test_a_detached_run_is_followed_and_ended_by_its_id(checkout, box):
    client = checkout.start("-H", "box", *train_words("hold=1"), "--detach", **box)
    run_id = client.communicate(timeout=90)[0].decode().strip()
    watching = checkout.start("follow", "--run", run_id, **box)
    read_until(watching.stderr, "epoch 1 line 4")
    (there(checkout, run_id) / "go").touch()
    assert watching.wait(timeout=60) == 0
    checkout.done("terminate", "--run", run_id, **box)
    assert checkout.home(run_id)["exit_code"] == b"0\n" and left(checkout, run_id) == []
