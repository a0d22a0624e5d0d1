"""deadline.sh and watch-spot.sh: what ends an instance that nobody watches, and what AWS's notice does to the job."""

import json
import shutil

import pytest

from remote import follow
from remote import host as hosts
from tests.system.instance import HERE, PYTHON, wait_until

NOTICE = json.dumps({"action": "terminate", "time": "2026-11-22T01:02:03Z"})
LISTENING = """
import pathlib, signal, sys, time
def save(*_):
    pathlib.Path("../out/saved").write_text("saved")
    sys.exit(143)
signal.signal(signal.SIGTERM, save)
print("ready", flush=True)
time.sleep(%d)
"""


def recorded_by(instance, action):
    """What systemctl and systemd-run were asked to do by action()."""
    before = len(instance.recorded())
    action()
    return instance.recorded()[before:]


def test_a_deadline_replaces_the_one_of_its_name(machine, instance):
    asked = recorded_by(instance, lambda: hosts.script(machine, "deadline.sh", "grace", 90))
    armed = "systemd-run --on-active=90s --unit=gpu-jobs-grace systemctl poweroff"
    assert asked == ["systemctl stop gpu-jobs-grace.timer", armed]


def test_a_deadline_can_be_called_off(machine, instance):
    asked = recorded_by(instance, lambda: hosts.script(machine, "deadline.sh", "start", "off"))
    assert asked == ["systemctl stop gpu-jobs-start.timer"]


def test_a_deadline_that_cannot_be_armed_is_an_error(machine, instance):
    refusing = instance.path("/opt/refusing")
    refusing.mkdir()
    (refusing / "systemd-run").write_text("#!/bin/sh\nexit 1\n")
    (refusing / "systemd-run").chmod(0o755)
    script = (hosts.SCRIPTS / "deadline.sh").read_bytes()
    output = hosts.run(machine, "PATH=/opt/refusing:$PATH bash -s -- grace 90", script, check=False)
    assert output.code == 1 and b"could not arm 'grace' for 90 s" in output.stderr and output.stderr.count(b"\n") == 1


@pytest.fixture(scope="module")
def notice(instance):
    """The file whose content the metadata service gives as the notice."""
    shutil.copy(HERE / "metadata.py", instance.path("/opt/metadata.py"))
    path = instance.path("/run/spot-notice")
    instance.root(f"{PYTHON} /opt/metadata.py /run/spot-notice >/run/metadata.log 2>&1 &")
    wait_until(lambda: instance.root("curl -s -o /dev/null -w '%{http_code}' http://169.254.169.254/", False) == "401")
    return path


@pytest.mark.usefixtures("notice")
def test_without_a_notice_the_job_is_left_alone(prepare):
    run = prepare(LISTENING % 1)
    run.start()
    assert run.exit_code() == 0 and not run.path("spot_notice").exists()


def test_a_notice_makes_the_job_save_and_is_kept(prepare, machine, notice, tmp_path):
    run = prepare(LISTENING % 60)
    run.start()
    wait_until(lambda: run.read("log"))
    notice.write_text(NOTICE)
    assert run.exit_code(seconds=8) == 143  # AWS asks to look every five seconds
    notice.unlink()
    assert json.loads(run.read("spot_notice")) == json.loads(NOTICE) and run.read("out/saved") == b"saved"
    assert follow.watch(machine, run.folder, tmp_path / "log", lambda *_: None) == follow.TAKEN
