"""start-job.sh, run-job.sh and stop-job.sh under the real sshd: a job outlives every connection, and ends whole."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from remote import host as hosts
from tests.system import disks
from tests.system.instance import PYTHON, wait_until

COUNT = """
import time
print("started", flush=True)
for number in range(20):
    print(number, flush=True)
    time.sleep(0.1)
"""
COUNTED = b"started\n" + b"".join(b"%d\n" % number for number in range(20))
FILL = """
print("filling", flush=True)
with open("../out/big", "wb", buffering=0) as file:
    while file.write(bytes(4096)):
        pass
"""
WITH_CHILDREN = "import subprocess\nsubprocess.Popen(['sleep', '300'])\nsubprocess.Popen(['setsid', 'sleep', '301'])\n"


def test_a_job_leaves_its_books_and_nothing_else(prepare):
    run = prepare("import sys\nprint('hello')\nprint('trouble', file=sys.stderr)\nsys.exit(3)")
    pid = run.start()
    assert run.exit_code() == 3
    assert run.read("log") == b"hello\ntrouble\n"
    assert int(run.read("pid")) == pid
    wait_until(lambda: not run.alive(), 5)
    assert not run.path("reserve").exists() and not run.path("exit_code.part").exists()


def test_a_job_gets_the_grace_time_once_it_has_ended(prepare, instance):
    before = len(instance.recorded())
    run = prepare("import time\ntime.sleep(0.5)")
    run.start()
    wait_until(lambda: instance.recorded()[before:] == ["systemctl stop gpu-jobs-start.timer"], 5)
    run.exit_code()
    grace = ["systemctl stop gpu-jobs-grace.timer"]
    grace += ["systemd-run --on-active=3600s --unit=gpu-jobs-grace systemctl poweroff"]
    assert instance.recorded()[before + 1 :] == grace


def test_it_outlives_the_connection_that_started_it(prepare, machine):
    run = prepare(COUNT)
    run.start()
    hosts.close(machine)
    assert run.exit_code() == 0 and run.read("log") == COUNTED


def test_it_outlives_a_crash_of_the_ssh_server_and_a_sighup(prepare, instance):
    run = prepare(COUNT)
    run.start()
    instance.root("kill -HUP $(cat /run/sshd/pid)")
    instance.root("pkill -HUP -f '^sshd: ubuntu'; sleep 0.2")
    assert run.exit_code() == 0 and run.read("log") == COUNTED


def test_it_outlives_a_terminal(prepare, machine):
    run = prepare(COUNT)
    machine.connection.run(run.start_command, pty=True, in_stream=False, hide=True)
    hosts.close(machine)
    assert run.exit_code() == 0 and run.read("log") == COUNTED


def test_starting_returns_at_once(prepare, machine):
    run = prepare("import time\ntime.sleep(60)")
    hosts.run(machine, run.start_command, wait_s=10)  # a stream left open would keep the channel open for a minute
    assert run.alive()


def test_started_again_it_is_still_one_job(prepare):
    run = prepare(COUNT)
    with ThreadPoolExecutor(4) as four:
        pids = list(four.map(lambda _: run.start(), range(4)))
    assert len({*pids, run.start()}) == 1
    assert run.exit_code() == 0 and run.read("log") == COUNTED
    assert run.start() == pids[0] and run.read("log") == COUNTED


def test_a_job_that_dies_takes_what_it_forked_along(prepare):
    run = prepare(WITH_CHILDREN + "import os, time\ntime.sleep(0.3)\nos.kill(os.getpid(), 9)")
    run.start()
    assert run.exit_code() == 128 + 9
    wait_until(lambda: not run.alive(), 5)
    assert not {"sleep 300", "sleep 301"} & set(run.instance.tree().values())


def test_a_job_that_listens_saves_when_it_is_stopped(prepare):
    run = prepare(
        "import signal, sys, time, pathlib\n"
        "def save(*_):\n    time.sleep(0.5)\n    pathlib.Path('../out/saved').write_text('saved')\n    sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, save)\nprint('ready', flush=True)\nwhile True: time.sleep(0.1)\n"
    )
    run.start()
    wait_until(lambda: run.read("log"))
    run.stop(patience_s=20)
    assert (run.exit_code(1), run.read("out/saved")) == (143, b"saved")


def test_a_job_that_does_not_listen_is_ended_all_the_same(prepare):
    deaf = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready', flush=True)\n"
    run = prepare(WITH_CHILDREN + deaf + "while True: time.sleep(0.1)")
    run.start()
    wait_until(lambda: run.read("log"))
    run.stop(patience_s=1)
    assert run.exit_code(1) == 128 + 9
    wait_until(lambda: not run.alive(), 5)
    assert not {"sleep 300", "sleep 301"} & set(run.instance.tree().values())


def test_a_job_whose_wrapper_was_killed_is_asked_to_save_and_ended_all_the_same(prepare, instance):
    run = prepare(
        WITH_CHILDREN + "import signal, sys, time, pathlib\n"
        "def save(*_):\n    pathlib.Path('../out/saved').write_text('saved')\n    sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, save)\nprint('ready', flush=True)\nwhile True: time.sleep(0.1)\n"
    )
    pid = run.start()
    wait_until(lambda: run.read("log"))
    instance.root(f"kill -KILL {pid}")
    run.stop(patience_s=1)
    assert run.read("out/saved") == b"saved"
    wait_until(lambda: not run.alive(), 10)
    assert not {"sleep 300", "sleep 301"} & set(run.instance.tree().values())


def test_stopping_what_has_ended_or_never_began_is_harmless(prepare):
    run = prepare("print('done')")
    run.stop(patience_s=1)
    run.start()
    assert run.exit_code() == 0
    run.stop(patience_s=1)
    assert run.exit_code() == 0


def test_a_full_disk_keeps_what_was_written_and_the_exit_code(prepare, instance, machine, tmp_path):
    with disks.disk(tmp_path, mib=8) as volume:
        volume.attach(instance)
        hosts.script(machine, "mount-volume.sh", volume.volume_id, "small", "empty")
        run = prepare(FILL, folder="small/run")
        run.start()
        code, log = run.exit_code(), run.read("log")
        free_kib = hosts.run(machine, "df -Pk small | awk 'NR == 2 {print $4}'").text
        volume.detach(instance)
    assert code == 1 and log.startswith(b"filling\n")
    assert int(free_kib) < 128


def test_an_interpreter_that_is_not_there_is_told_in_the_log(prepare, machine):
    run = prepare("")
    hosts.run(machine, run.start_command.replace(PYTHON, "/no/python"))
    assert run.exit_code() == 127 and b"/no/python" in run.read("log")


def test_a_run_that_cannot_start_says_so_in_bounded_time(prepare, machine, hurried):
    run = prepare("")
    run.path("scripts/run-job.sh").unlink()
    with pytest.raises(hosts.CommandFailed, match="did not start within 10 s.*run-job.sh: No such file"):
        hosts.run(machine, f"PATH={hurried} {run.start_command}")
