"""User-data at boot: in cloud-init's order, with cloud-init's mercy and its traps."""

import email.mime.multipart
import email.mime.text
import json
import sys
from pathlib import Path

import pytest

from tests.embedded.rented import booted, key_pair, wait_until


def multipart(config, script):
    """User-data of a cloud-config and a shell script."""
    message = email.mime.multipart.MIMEMultipart()
    message.attach(email.mime.text.MIMEText("#cloud-config\n" + json.dumps(config), "cloud-config"))
    message.attach(email.mime.text.MIMEText(script, "x-shellscript"))
    return message.as_string()


def test_bootcmd_runs_before_sshd_and_runcmd_after_it(launch):
    machine = launch({"bootcmd": ["echo early"], "runcmd": ["echo late"]})
    booted(machine)
    console = wait_until(lambda: "finished" in machine.console and machine.console)
    assert console.index("early") < console.index("BEGIN SSH HOST KEY") < console.index("late")


def test_a_failing_line_does_not_stop_the_boot(launch):
    machine = booted(launch({"bootcmd": ["false", ["no-such-command", "1"], "echo third"]}))
    assert "bootcmd line failed with exit code 1: false" in machine.console
    assert "no-such-command" in machine.console
    assert "third" in machine.console


def test_a_deadline_armed_in_bootcmd_is_kept_by_the_machine(launch):
    arm = (
        "systemd-run --no-block --on-active=40min --timer-property=DefaultDependencies=no --unit=end systemctl poweroff"
    )
    machine = booted(launch({"bootcmd": [arm]}))
    assert machine.say("systemctl is-active end.timer") == "active"


def test_shutdown_in_minutes_does_not_work_in_bootcmd(launch):
    machine = booted(launch({"bootcmd": ["shutdown -h +30"]}))
    assert "Failed to connect to bus" in machine.console


def test_a_timer_with_default_dependencies_deadlocks_the_boot(launch):
    machine = launch({"bootcmd": ["systemd-run --on-active=40min --unit=end systemctl poweroff"]})
    machine.wait_for("running")
    with pytest.raises(AssertionError, match="in vain"):
        wait_until(lambda: machine.run("true").returncode == 0, seconds=2)
    machine.give_back()  # the hanging process goes with it


def test_a_sleeping_process_survives_cloud_init(launch):
    machine = launch({"bootcmd": ["setsid sh -c 'sleep 2; poweroff -f' >/dev/null 2>&1 </dev/null &"]})
    assert booted(machine).state == "running"
    wait_until(lambda: machine.state == "terminated")


def test_config_that_is_no_yaml_is_dropped_and_another_host_key_answers(launch):
    machine = launch(UserData="#cloud-config\n{ssh_keys: [unclosed")
    wait_until(lambda: "BEGIN SSH HOST KEY" in machine.console)
    assert "WARNING: Failed loading yaml blob" in machine.console
    wait_until(lambda: "REMOTE HOST IDENTIFICATION HAS CHANGED" in machine.run("true").stderr)


def test_both_parts_of_a_multipart_message_run(launch):
    private, public = key_pair()
    config = {"bootcmd": ["echo from bootcmd"], "ssh_keys": {"ed25519_private": private, "ed25519_public": public}}
    machine = launch(UserData=multipart(config, "#!/bin/bash\necho from a script of $USER\n"))
    console = wait_until(lambda: "finished" in machine.console and machine.console)
    assert console.index("from bootcmd") < console.index(public.split()[1]) < console.index("from a script of root")


def test_files_are_written_under_the_machines_own_root(launch):
    files = [{"path": "/home/ubuntu/notes/a.txt", "content": "hello", "permissions": "0640"}]
    machine = booted(launch({"write_files": [*files, {"path": "/etc/motd", "content": "not the computer's"}]}))
    assert machine.say("cat notes/a.txt; stat -c %a notes/a.txt") == "hello640"
    assert machine.say('cat "$EMBEDDED_EC2_ROOT/etc/motd"') == "not the computer's"


def test_the_key_pair_of_the_launch_opens_the_machine(launch, ec2):
    private, public = key_pair()
    ec2.import_key_pair(KeyName="mine", PublicKeyMaterial=public.encode())
    machine = launch({"ssh_authorized_keys": []}, KeyName="mine")
    (machine.folder / "key").write_text(private)
    assert booted(machine).say("whoami")


def test_the_environment_is_the_machines_own(box):
    told = dict(line.split("=", 1) for line in box.say("env").splitlines() if "=" in line)
    assert told["USER"] == "ubuntu" and told["HOME"].endswith("/home/ubuntu")
    assert not [
        name for name in told if name.startswith(("AWS_ACC", "AWS_SEC", "AWS_PROF", "VIRTUAL_ENV", "PYTHONPATH"))
    ]
    assert box.run("command -v nvidia-smi").returncode != 0
    assert box.say("command -v python3") == f"{Path(sys.executable).parent}/python3"


def test_files_that_cannot_be_written_do_not_stop_the_boot(launch):
    files = ["no mapping", {"content": "no path"}, {"path": "/../../out"}, {"path": "/home/ubuntu/ok", "content": "ok"}]
    machine = booted(launch({"write_files": files}))
    assert machine.console.count("WARNING: write_files") == 3
    assert machine.say("cat ok") == "ok"
