"""bin/fab watch as a person sees it: a terminal of 80 columns, several runs at once, and no terminal at all."""

import json
import os
import shutil
from types import SimpleNamespace

import pytest

from remote.embedded import orders
from tests.life.checkout import finished, read_until, wait_until
from tests.life.terminal import Terminal


@pytest.fixture(scope="module")
def alive(checkout, tmp_path_factory):
    """Three runs that are alive: ours with a GPU, one launched elsewhere, and one that doesn't answer."""
    ours = checkout.done("launch", "--job", "tiny", "--set", "epochs=9", "--set", "hold=3")
    orders.gpu(checkout.cloud, checkout.run(ours)["instance_id"], utilization=87, memory_used=5120, temperature=61)
    for step in ("attach", "copy", "run"):
        checkout.done(step, "--run", ours)
    theirs, silent = checkout.detached("hold=1"), checkout.detached("hold=1")
    orders.freeze(checkout.cloud, checkout.run(silent)["instance_id"])
    shutil.move(checkout.runs / theirs, tmp_path_factory.mktemp("another checkout") / theirs)
    wait_until(lambda: (checkout.there(ours) / "gpu.csv").exists())
    yield SimpleNamespace(ours=ours, theirs=theirs, silent=silent)
    checkout.done("embedded", "--stop")
    wait_until(lambda: not checkout.processes(), seconds=30)


@pytest.fixture
def terminal(checkout):
    """terminal(*words) -> bin/fab WORDS in a Terminal."""
    opened = []

    def start(*words):
        environment = os.environ | checkout.environment
        opened.append(Terminal([checkout.path / "bin/fab", *words], checkout.path, environment))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@pytest.fixture(autouse=True)
def nothing_left():
    """Not here: all tests look at the same runs, which end with their EC2."""


def line_of(screen, words):
    """The line of a screen on which the words stand, and the one below it."""
    lines = screen.splitlines()
    found = next(index for index, line in enumerate(lines) if words in line)
    return lines[found], lines[found + 1]


def short(run_id):
    return f"tiny {run_id[-4:]}"


def test_all_runs_are_in_the_table_with_all_that_is_known_of_them(alive, terminal):
    watch = terminal("watch")
    screen = watch.shows("epoch 3/9", "epoch 1/3", "no answer", seconds=60)
    first, second = line_of(screen, short(alive.ours))
    assert first.startswith("1  tiny ") and "33%" in first and "0.3333" in first and "87 % 61 C" in first
    assert " of 2.1" in first and "$0.0" in first
    assert "g4dn.xlarge" in second and "step 4/4" in second and "█▃▁" in second
    assert "5.0/15 GiB" in second and "ends " in second
    assert "none" in line_of(screen, short(alive.theirs))[0]
    assert "3 runs; $0.0" in screen and f"{short(alive.silent)}: " in screen
    assert "Traceback" not in screen and all(len(line) <= 80 for line in screen.splitlines())
    watch.type("q")
    assert watch.exit_code() == 0


def test_looking_leaves_no_trace_of_a_run_launched_elsewhere(checkout, alive):
    rows = json.loads(checkout.done("watch", "--json"))
    theirs = next(row for row in rows if row["run"] == alive.theirs)
    assert theirs["elsewhere"] and theirs["state"] == "running" and theirs["epoch"] == 1
    assert 0 < theirs["dollars"] < 0.5 < theirs["dollars_at_most"] < 3
    assert not (checkout.runs / alive.theirs).exists()


def test_a_run_is_entered_for_its_log_and_left_again(alive, terminal):
    watch = terminal("watch")
    watch.shows("epoch 3/9", seconds=60)
    for keys, back in (("\r", "q"), ("1", "\x1b"), ("\x1b[B\x1bOA\n", "q")):
        watch.type(keys)
        watch.shows(alive.ours, "epoch 3 line 4 of 4", "q, Esc: back")
        watch.type(back)
        watch.shows("Enter: its log")
    watch.type("2")
    watch.shows(alive.theirs, "epoch 1 line 4 of 4")
    watch.type("\x03")  # Ctrl-C leaves as q does
    assert watch.exit_code() == 0 and "Traceback" not in "\n".join(watch.lines)


def test_it_disturbs_no_command_that_follows_and_the_other_way_round(checkout, alive):
    follower = checkout.start("follow", "--run", alive.ours)
    read_until(follower.stderr, "epoch 3 line 4 of 4")
    assert any(row["run"] == alive.ours and row["epoch"] == 3 for row in json.loads(checkout.done("watch", "--json")))
    assert follower.poll() is None
    follower.terminate()
    assert finished(follower).returncode == 130


def test_without_a_terminal_it_is_a_table_printed_once(checkout, alive):
    lines = checkout.done("watch", "--once").splitlines()
    assert len(lines) >= 8 and all(len(line) <= 80 for line in lines) and "\x1b" not in "".join(lines)
    assert lines[1].startswith(f"1  {short(alive.ours)}")


def test_status_looks_at_the_run_as_well(checkout, alive):
    status = json.loads(checkout.done("status", "--run", alive.ours, "--json"))
    assert status["state"] == "running" and status["now"]["epoch"] == 3 and status["now"]["gpus"][0]["use"] == 87
    assert "epoch 3/9 33%  loss 0.3333  GPU 87 %" in checkout.done("status", "--run", alive.ours)


def test_without_a_terminal_it_is_a_line_for_a_change_until_nothing_lives(checkout, alive):
    watch = checkout.start("watch")
    story = read_until(watch.stdout, f"{alive.silent}  no answer", seconds=60)
    assert f"{alive.ours}  running  epoch 3/9 33%" in story
    checkout.let_go(alive.ours)
    read_until(watch.stdout, f"{alive.ours}  ended  exit code 0", seconds=60)
    watch.terminate()
    assert finished(watch).returncode == 130
