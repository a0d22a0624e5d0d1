"""The server process: one per state folder, quick to find, gone when nobody needs it, and nothing left behind."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from botocore.exceptions import ClientError

from remote import embedded
from remote.errors import Usage
from tests.embedded.rented import booted, client, rent, wait_until

ROOT = Path(__file__).parents[2]
BIN = ROOT / "remote/embedded/bin"


@pytest.fixture
def state():
    """A state folder that exists only once a server has made it."""
    parent = Path(tempfile.mkdtemp(prefix="embedded-server-"))
    yield parent / "state"
    embedded.stop(parent / "state")
    shutil.rmtree(parent)


def gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def marked(state):
    """Processes of instances of this state folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("EMBEDDED_EC2_STATE") == str(state) and not gone(process.pid):
                found.append(process)
        except psutil.Error:
            pass
    return found


def test_two_commands_at_once_start_one_server(state):
    with ThreadPoolExecutor(4) as pool:
        clouds = list(pool.map(lambda _: embedded.connect(state, "us-east-1"), range(4)))
    assert len({cloud.endpoint_url for cloud in clouds}) == 1
    started = time.monotonic()
    assert embedded.connect(state, "us-east-1") == clouds[0]
    assert time.monotonic() - started < 0.1


def test_status_tells_what_runs_and_none_when_nothing_does(state):
    assert embedded.status(state) is None
    embedded.connect(state, "us-east-1", idle_s=50)
    status = embedded.status(state)
    assert psutil.pid_exists(status["pid"])
    assert status["instances"] == [] and status["volumes"] == [] and 40 < status["ends_in_s"] <= 50
    embedded.stop(state)
    assert embedded.status(state) is None
    wait_until(lambda: gone(status["pid"]))


def test_a_folder_that_cannot_be_written_is_the_users_mistake(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Usage, match="Cannot write"):
        embedded.connect(tmp_path / "file/state", "us-east-1")
    assert embedded.status(tmp_path / "file/state") is None


def test_an_idle_server_ends_by_itself(state):
    embedded.connect(state, "us-east-1", idle_s=0.5)
    pid = embedded.status(state)["pid"]
    wait_until(lambda: gone(pid), seconds=20)
    assert not (state / "server.json").exists()


def test_a_server_whose_folder_was_deleted_ends(state):
    embedded.connect(state, "us-east-1")
    pid = embedded.status(state)["pid"]
    shutil.rmtree(state)
    wait_until(lambda: gone(pid), seconds=20)


def test_stop_ends_the_machines_processes_too(state, tmp_path):
    machine = booted(rent(embedded.connect(state, "us-east-1"), tmp_path))
    machine.say("nohup sleep 1000 >/dev/null 2>&1 </dev/null &")
    assert marked(state)
    embedded.stop(state)
    assert not marked(state)


def test_a_signal_ends_it_in_order(state):
    embedded.connect(state, "us-east-1")
    pid = embedded.status(state)["pid"]
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: gone(pid))
    assert not (state / "server.json").exists()


def test_what_a_killed_server_left_is_ended_by_the_next_and_volumes_are_kept(state, tmp_path):
    cloud = embedded.connect(state, "us-east-1")
    machine = booted(rent(cloud, tmp_path))
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "gpu-job:run", "Value": "alice"}]}]
    request = {"AvailabilityZone": machine.zone, "Size": 3, "VolumeType": "gp3", "Encrypted": True}
    volume = machine.ec2.create_volume(**request, TagSpecifications=tags)["VolumeId"]
    before = wait_until(lambda: available(machine.ec2, volume))
    snapshot = machine.ec2.create_snapshot(VolumeId=volume, Description="kept")["SnapshotId"]
    (state / "volumes" / volume / "files/file").write_text("kept")
    machine.say("nohup sleep 1000 >/dev/null 2>&1 </dev/null &")
    pid = embedded.status(state)["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: gone(pid))
    assert marked(state)

    ec2 = client(embedded.connect(state, "us-east-1"), "ec2")
    wait_until(lambda: not marked(state))
    assert ec2.describe_instances()["Reservations"] == []
    assert available(ec2, volume) == before
    assert ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]["Description"] == "kept"
    assert (state / "volumes" / volume / "files/file").read_text() == "kept"
    ec2.delete_volume(VolumeId=volume)
    assert not (state / "volumes" / volume).exists()
    assert (state / "snapshots" / snapshot / "files").exists()


def available(ec2, volume_id):
    """The volume as the API describes it, once it is available; else None."""
    volume = ec2.describe_volumes(VolumeIds=[volume_id])["Volumes"][0]
    return volume if volume["State"] == "available" else None


def test_other_users_of_the_computer_get_nothing(cloud):
    stranger = dataclasses.replace(cloud, access_key="AKIAIOSFODNN7EXAMPLE")
    with pytest.raises(ClientError, match="AuthFailure"):
        client(stranger, "ec2").describe_instances()
    state = cloud.ssh_config.parent
    assert (state / "server.json").stat().st_mode & 0o077 == 0


def test_a_command_that_only_connects_imports_no_server():
    heavy = "moto asyncssh psutil werkzeug boto3 invoke yaml"
    code = f"import sys, remote.embedded; print([name for name in '{heavy}'.split() if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).strip() == "[]"


@pytest.mark.parametrize("path", [path for path in sorted(BIN.iterdir()) if path.is_file()], ids=lambda path: path.name)
def test_the_machines_commands_are_clean_bash(path):
    checker = shutil.which("shellcheck") or str(Path(sys.executable).parent / "shellcheck")
    words = [checker, "--exclude=SC1091", "-x", "-P", str(BIN), str(path)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
