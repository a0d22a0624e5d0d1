"""scripts/stalls.sh: what a stall is and, as much, what is none; look by look, in a folder, without a clock."""

import json
import subprocess

import pytest

from remote import host

# A look each 75 s, so that ten minutes are eight looks, and an hour 48; twelve are what they are in earnest.
SETUP = f"set -u; tick_s=75 now=0; . {host.SCRIPTS}/stalls.sh; long=8\n"
LOOK = "now=$((now + 1)); observe_steps; observe_gpus; no_step; idle_gpu"
SHORT, TEN_MINUTES, HOUR = 12, 8, 48
END = "-- end --"


class Watcher:
    """A shell that looks at a job when told to."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "out").mkdir()
        (folder / "log").touch()
        pipe = subprocess.PIPE
        self.shell = subprocess.Popen(
            ["bash"], cwd=folder, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True
        )

    def do(self, script):
        """Lines that the script prints."""
        self.shell.stdin.write(f"{script}\necho '{END}'\n")
        self.shell.stdin.flush()
        return [line.rstrip("\n") for line in iter(self.shell.stdout.readline, f"{END}\n")]

    def look(self, times=1):
        """What so many looks report, while nothing new happens."""
        return self.do(f"for ((n = 0; n < {times}; n++)); do {LOOK}; done")

    def step(self, epoch, step, steps=1000, looks=1):
        """A step and what is reported after it."""
        row = {"epoch": epoch, "epochs": 9, "step": step, "steps": steps, "loss": 1.5}
        (self.folder / "out/progress.json").write_text(json.dumps(row))
        return self.look(looks)

    def train(self, epoch, count, looks=1):
        """So many steps of an epoch, so many looks apart; what is reported."""
        return [line for step in range(1, count + 1) for line in self.step(epoch, step, looks=looks)]

    def sample(self, *uses, times=1):
        """So many samples of these GPUs, a look after each; what is reported."""
        lines = [f"2026/11/22 05:33:12.123, Tesla T4, {use}, 1024, 15360, 61, 58.20, {i}" for i, use in enumerate(uses)]
        samples = " ".join(f"'{line}'" for line in lines)
        return self.do(f"for ((n = 0; n < {times}; n++)); do printf '%s\\n' {samples} >>gpu.csv; {LOOK}; done")


@pytest.fixture
def watcher(tmp_path):
    started = Watcher(tmp_path)
    started.do(SETUP)
    yield started
    started.shell.communicate(timeout=10)


def test_no_step_for_ten_times_the_usual_is_told(watcher):
    assert watcher.train(1, 6, looks=4) == []
    assert watcher.look(10 * 4 - 3) == []
    assert "UTC, usually one within 300 s" in watcher.look()[0]


def test_a_short_while_without_a_step_is_nothing_however_quick_they_were(watcher):
    assert watcher.train(1, 20) + watcher.look(SHORT) == []
    assert "no step since" in watcher.look()[0]


def test_it_is_over_when_steps_come_again_and_such_a_pause_is_then_known(watcher):
    watcher.train(1, 10)
    assert watcher.look(2 * SHORT)
    assert watcher.train(2, 3) + watcher.look(2 * SHORT) == []


def test_a_long_first_step_is_no_stall(watcher):
    assert watcher.look(4 * SHORT) + watcher.train(1, 2) + watcher.look(4 * SHORT) == []


def test_a_job_that_tells_no_progress_never_stalls_by_it(watcher):
    assert watcher.look(4 * SHORT) == []


def test_progress_that_a_lost_machine_has_left_does_not_count(watcher):
    (watcher.folder / "out/progress.json").write_text('{"epoch": 3, "step": 7, "steps": 9}')
    watcher.do(SETUP)
    assert watcher.look(4 * SHORT) + watcher.train(3, 2) + watcher.look(4 * SHORT) == []


def test_the_first_evaluation_may_take_as_long_as_the_training_before_it(watcher):
    assert watcher.train(1, 40) + watcher.step(1, 60, steps=60, looks=40) == []
    assert "no step since" in watcher.look(2)[0]


def test_a_later_one_may_take_twice_as_long_as_the_longest_so_far(watcher):
    assert watcher.train(1, 30) + watcher.step(1, 60, steps=60, looks=20) == []
    assert watcher.train(2, 60) + watcher.step(2, 60, steps=60, looks=40) == []
    assert watcher.look(2)


def test_epochs_alone_are_progress_too(watcher):
    for _ in range(5):
        assert watcher.do("echo '{\"epoch\": 1}' >>out/metrics.jsonl") + watcher.look(4) == []
    assert watcher.look(9 * 4) == []
    assert watcher.look(4)


def test_a_gpu_at_0_percent_for_ten_minutes_is_told(watcher):
    watcher.step(1, 1)
    assert watcher.sample(0, times=TEN_MINUTES - 1) == []
    assert watcher.sample(0) == ["the GPU has been at 0 % for 10 min"]
    assert watcher.sample(87) == []


@pytest.mark.parametrize("second", ["1", "[N/A]"])
def test_one_gpu_at_work_is_enough_and_one_that_says_nothing_is_not_idle(watcher, second):
    watcher.step(1, 1)
    assert watcher.sample(0, second, times=TEN_MINUTES + 2) == []


def test_before_the_first_step_a_gpu_may_wait_an_hour_for_the_data(watcher):
    assert watcher.sample(0, times=HOUR - 1) == []
    assert watcher.sample(0) == ["the GPU has been at 0 % for 60 min"]


def test_the_wait_before_the_first_step_is_no_idleness_after_it(watcher):
    assert watcher.sample(0, times=HOUR - 5) + watcher.step(1, 1) + watcher.sample(0, times=TEN_MINUTES - 1) == []


@pytest.mark.parametrize(
    ("file", "text", "bad"),
    [
        ("out/progress.json", '{"epoch": 1, "step": 2, "loss": NaN, "seconds_left": 3}', True),
        ("out/progress.json", '{"loss": Infinity}', True),
        ("out/progress.json", '{"loss": 1.5, "accuracy": NaN}', False),
        ("out/metrics.jsonl", '{"epoch": 1, "loss": 2.1, "held_out_loss": -Infinity}\n', True),
        ("out/metrics.jsonl", '{"epoch": 1, "loss": NaN}\n{"epoch": 2, "loss": 1.5}\n', False),
        ("log", "Epoch 3/9\n 12/90 - 3s - loss: nan - accuracy: 0.1\n", True),
        ("log", "epoch 1 loss inf seconds 3\n", True),
        ("log", "Alice was at a loss, nan or not; a loss: infinitely sad, her gloss nan\n", False),
        ("log", "\xff\xfe loss: 1.5\n", False),
    ],
)
def test_a_loss_that_is_no_number(watcher, file, text, bad):
    (watcher.folder / file).write_text(text, encoding="latin-1")
    assert watcher.do("LC_ALL=C bad_loss") == (["the loss is not a number"] if bad else [])
