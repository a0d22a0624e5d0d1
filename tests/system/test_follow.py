"""remote/follow.py and scripts/follow.sh over the real sshd: the log comes home byte for byte, whatever is cut."""

import threading

import pytest

from remote import follow
from remote import host as hosts
from remote.errors import Unverified
from remote.host import Disconnected
from tests.system.instance import wait_until

# Among its lines are such as could be taken for follow.sh's own, bytes that are no UTF-8, and no newline at the end.
TALK = r"""
import json, pathlib, sys, time
for number in range(%d):
    sys.stdout.buffer.write(b"line %%d \xff\xc3 \x1b[31m\nexit 0\nlost\nlog 7\n" %% number)
    sys.stdout.buffer.flush()
    pathlib.Path("../out/progress.json").write_text(json.dumps({"step": number}))
    time.sleep(0.01)
sys.stdout.buffer.write(b"the end, without a newline")
sys.exit(9)
"""
SILENT = "import time\ntime.sleep(%d)\nprint('over')"


@pytest.fixture
def log(tmp_path):
    """Where the log is kept at home."""
    return tmp_path / "log"


def watch(machine, run, log, show=lambda *_: None):
    return follow.watch(machine, run.folder, log, show)


def test_the_log_is_exact_when_nothing_happens(prepare, machine, log):
    run, shown = prepare(TALK % 50), []
    run.start()
    assert watch(machine, run, log, lambda *frame: shown.append(frame)) == 9
    assert log.read_bytes() == run.read("log")
    assert ("progress", {"step": 49}) in shown and ("gpu", "none") in shown


def test_the_log_is_exact_across_cuts(prepare, machine, instance, log):
    run, cuts = prepare(TALK % 300), 0
    run.start()
    while True:
        cut = threading.Timer(0.6, instance.cut)
        cut.start()
        try:
            code = watch(machine, run, log)
            break
        except Disconnected:
            cuts += 1
            hosts.close(machine)
            cut.join()
            machine = hosts.connect(instance.login, wait_s=10)
    cut.cancel()
    cut.join()
    assert cuts >= 2 and code == 9
    assert log.read_bytes() == run.read("log")


def test_a_log_cut_in_the_middle_of_a_character_goes_on_there(prepare, machine, log):
    run = prepare("print('größer ' * 1000)")
    run.start()
    run.exit_code()
    log.write_bytes(run.read("log")[:4])
    assert watch(machine, run, log) == 0
    assert log.read_bytes() == run.read("log")


def test_a_long_log_is_exact(prepare, machine, log):
    run = prepare("import sys\nfor number in range(300_000): print(number, 'x' * 60)")
    run.start()
    assert watch(machine, run, log) == 0
    assert log.read_bytes() == run.read("log") and log.stat().st_size > 18_000_000


def test_a_silent_job_is_no_dead_connection_but_a_silent_network_is(prepare, machine, instance, log, monkeypatch):
    monkeypatch.setattr(follow, "SILENCE_S", 6)
    run = prepare(SILENT % 7)
    run.start()
    assert watch(machine, run, log) == 0
    run = prepare(SILENT % 60, folder="silenced")
    run.start()
    with instance.unplugged(), pytest.raises(Disconnected, match="broke"):
        watch(machine, run, log)


def test_no_follower_stays_behind_on_the_instance(prepare, machine, instance, log):
    run = prepare(SILENT % 60)
    run.start()
    follower = f"bash -s -- {run.folder}"
    threading.Timer(1, instance.cut).start()
    with pytest.raises(Disconnected):
        watch(machine, run, log)
    wait_until(lambda: not [words for words in instance.tree().values() if follower in words], seconds=8)


def test_a_job_whose_wrapper_was_killed_is_lost(prepare, machine, instance, log):
    run = prepare("import time\nprint('last words', flush=True)\ntime.sleep(60)")
    pid = run.start()
    wait_until(lambda: run.read("log"))
    instance.root(f"kill -KILL {pid}")
    assert watch(machine, run, log) == follow.LOST
    assert log.read_bytes() == b"last words\n"
    wait_until(lambda: not [words for words in run.alive() if "run-job.sh" in words], seconds=8)


def test_a_full_disk_at_home_is_no_broken_connection(prepare, machine, log):
    run = prepare("print('once')")
    run.start()
    log.symlink_to("/dev/full")
    with pytest.raises(Unverified, match="No space left on device.*make room, then: bin/fab follow"):
        watch(machine, run, log)
    log.unlink()
    assert watch(machine, run, log) == 0 and log.read_bytes() == b"once\n"
