"""watch-stalls.sh beside a real job: what is told where, and what becomes of a job that is to be ended."""

import pytest

from remote import follow
from remote import host as hosts
from tests.system import disks
from tests.system.instance import PATH, wait_until

LISTENS = """
import json, pathlib, signal, sys, time
def save(*_):
    pathlib.Path("../out/saved").write_text("saved")
    sys.exit(%d)
signal.signal(signal.SIGTERM, save)
def progress(step, loss):
    pathlib.Path("../out/progress.json").write_text(json.dumps({"epoch": 1, "step": step, "steps": 900, "loss": loss}))
"""
SICK = LISTENS % 143 + "progress(1, float('nan'))\nprint('no newline at its end', end='', flush=True)\n"
SICK_FOR_A_WHILE = SICK + "time.sleep(1)\nprogress(2, 1.5)\ntime.sleep(1)\nprogress(3, float('nan'))\n"
WAIT = "while True: time.sleep(0.1)\n"
FILL = """
with open("../out/big", "wb", buffering=0) as file:
    while file.write(bytes(4096)):
        pass
"""


@pytest.fixture
def quick(instance):
    """A PATH of the instance on which every sleep takes 50 ms: the watcher looks twenty times a second."""
    sleep = instance.path("/opt/quick/sleep")
    sleep.parent.mkdir(exist_ok=True)
    sleep.write_text("#!/bin/sh\nexec /bin/sleep 0.05\n")
    sleep.chmod(0o755)
    return f"/opt/quick:{PATH}"


def start(run, path, on_stall):
    hosts.run(run.machine, f"PATH={path} {run.start_command} {on_stall}")


def log(run):
    return run.read("log").decode().splitlines()


def test_it_is_told_in_the_log_and_in_a_file_once_and_so_is_its_end(prepare, quick):
    run = prepare(SICK_FOR_A_WHILE + WAIT)
    start(run, quick, "tell")
    wait_until(lambda: len(log(run)) == 4)
    assert log(run) == [
        "no newline at its end",
        "stall    the loss is not a number",
        "stall    over: the loss is not a number",
        "stall    the loss is not a number",
    ]
    assert run.read("stalls/loss") == b"the loss is not a number\n" and not run.path("exit_code").exists()
    run.stop(patience_s=20)


def test_who_follows_hears_of_it_and_that_it_is_over(prepare, quick, machine, tmp_path):
    run, heard = prepare(SICK_FOR_A_WHILE), []
    start(run, quick, "tell")
    follow.watch(machine, run.folder, tmp_path / "log", lambda *frame: heard.append(frame))
    stalls = [text for kind, text in heard if kind == "stall"]
    bad = "the loss is not a number"
    assert stalls in ([bad, "", bad], ["", bad, "", bad])


def test_a_job_to_be_ended_saves_first_and_has_failed_whatever_it_says(prepare, quick):
    run = prepare(LISTENS % 0 + "progress(1, float('inf'))\n" + WAIT)
    start(run, quick, "end")
    assert (run.exit_code(), run.read("out/saved")) == (143, b"saved")
    assert log(run)[1] == "stall    on_stall is end: the job is asked to save, and ended"
    wait_until(lambda: not run.alive(), 8)


def test_a_job_to_be_ended_that_does_not_listen_is_ended_all_the_same(prepare, quick):
    run = prepare(SICK + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + WAIT)
    start(run, quick, "end")
    assert run.exit_code(60) == 128 + 9
    wait_until(lambda: not run.alive(), 8)


def test_what_happened_since_the_last_look_is_told_when_the_job_has_ended(prepare):
    run = prepare(SICK)
    run.start()
    assert run.exit_code() == 0
    assert log(run)[1:] == ["stall    the loss is not a number"]


def test_a_disk_that_a_job_has_filled_is_told_though_there_was_no_room_to_say_it(prepare, instance, machine, tmp_path):
    with disks.disk(tmp_path, mib=8) as volume:
        volume.attach(instance)
        hosts.script(machine, "mount-volume.sh", volume.volume_id, "stalled", "empty")
        run = prepare(FILL, folder="stalled/run")
        run.start()
        code, lines = run.exit_code(), log(run)
        volume.detach(instance)
    assert code == 1 and lines[-1].startswith("stall    the disk is full: 0 of ")


def test_a_job_that_is_well_is_left_alone(prepare, quick, instance):
    nvidia_smi = instance.path("/opt/quick/nvidia-smi")
    nvidia_smi.parent.mkdir(exist_ok=True)
    nvidia_smi.write_text("#!/bin/sh\necho '2026/11/22 05:33:12.123, Tesla T4, 87, 1024, 15360, 61, 58.20, 0'\n")
    nvidia_smi.chmod(0o755)
    run = prepare(LISTENS % 143 + "for step in range(20):\n    progress(step, 1 / (step + 1))\n    time.sleep(0.1)\n")
    start(run, quick, "end")
    assert run.exit_code() == 0 and log(run) == []
    nvidia_smi.unlink()
