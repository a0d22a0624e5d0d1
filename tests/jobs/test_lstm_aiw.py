"""The job as a whole: what it leaves behind, how it goes on after it was stopped, what it says to a wrong text."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from jobs import checkpoints, lstm_aiw, parameters, training
from jobs.parameters import BadInput
from jobs.text import streams
from jobs.text.numpy_learner import NumpyLearner


def weights(out):
    found = {}
    with h5py.File(out / "model.weights.h5") as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def assert_same_weights(one, other):
    one, other = weights(one), weights(other)
    assert one.keys() == other.keys() and len(one) > 5
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


def history(out):
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def train_until(step, params, out, monkeypatch):
    """Train, asked to stop during that step of this process, counted from 1; it must save and exit with 143."""
    at, made = streams.Course.at, 0

    def at_and_stop(course, *position):
        nonlocal made
        made += 1
        if made == step:
            os.kill(os.getpid(), signal.SIGTERM)
        return at(course, *position)

    with monkeypatch.context() as patch, pytest.raises(SystemExit) as exit_:
        patch.setattr(streams.Course, "at", at_and_stop)
        lstm_aiw.train(params, out)
    assert exit_.value.code == 143


def test_a_run_leaves_what_was_promised(tiny_run):
    out = tiny_run / "out"
    rows = history(out)
    model = json.loads((out / "model.json").read_text())
    *choosing, last = rows
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert choosing[-1]["validation_loss"] < choosing[0]["validation_loss"]
    assert model["metrics"]["validation_loss"] == min(row["validation_loss"] for row in choosing)
    assert "validation_loss" not in last and last["loss"] < choosing[0]["loss"]
    assert model["metrics"]["last_epoch"] == 4
    assert 0 < model["metrics"]["held_out_loss"] < 3
    assert not any("held_out_loss" in row for row in rows)
    assert model["parameters"]["units"] == 12 and "keras" in model["versions"]
    assert len((out / "samples" / "epoch-003.txt").read_text()) == 40
    assert (out / "plots" / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert len(list((out / "tensorboard").iterdir())) == 1
    progress = json.loads((out / "progress.json").read_text())
    assert (progress["epoch"], progress["step"]) == (4, progress["steps"])
    assert not list(out.rglob(".writing-*"))


@pytest.fixture(scope="session")
def keras_run(tiny_parameters, tmp_path_factory):
    """The folder of a run in which Keras learnt, as it does on a GPU."""
    run = tmp_path_factory.mktemp("keras")
    lstm_aiw.train(dataclasses.replace(tiny_parameters, engine="keras"), run / "out")
    return run


@pytest.mark.parametrize("engine", ["numpy", "keras"])
def test_stopped_anywhere_it_ends_with_the_same_weights(engine, tiny_parameters, tmp_path, monkeypatch, request):
    """In mid-epoch, at an epoch's last step and in the last epoch: bit for bit, each epoch once."""
    whole = request.getfixturevalue("keras_run" if engine == "keras" else "tiny_run") / "out"
    params = tiny_parameters if engine == "numpy" else dataclasses.replace(tiny_parameters, engine=engine)
    steps = (2400 * 8 // 10 - 10) // 4 // 10
    train_until(steps + 7, params, tmp_path, monkeypatch)
    train_until(steps - 7, params, tmp_path, monkeypatch)
    train_until(steps + 3, params, tmp_path, monkeypatch)
    lstm_aiw.train(params, tmp_path)
    assert_same_weights(whole, tmp_path)
    assert history(tmp_path) == history(whole)


def test_stopped_while_an_epoch_is_judged_it_stops_at_once_and_judges_it_again(tiny_run, tiny_parameters, tmp_path):
    def judge(*_):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)  # of which the signal leaves nothing

    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as exit_:
        patch.setattr(lstm_aiw.evaluation, "nats_per_symbol", judge)
        began = time.monotonic()
        lstm_aiw.train(tiny_parameters, tmp_path)
    assert exit_.value.code == 143 and time.monotonic() - began < 10
    lstm_aiw.train(tiny_parameters, tmp_path)
    assert_same_weights(tiny_run / "out", tmp_path)
    assert history(tmp_path) == history(tiny_run / "out")


def test_stopped_while_an_epoch_is_saved_it_is_not_judged_first(tiny_parameters, tmp_path, monkeypatch):
    def save(*state):
        os.kill(os.getpid(), signal.SIGTERM)
        checkpoints.save(*state)

    monkeypatch.setattr(training, "checkpoints", SimpleNamespace(save=save, load=checkpoints.load))
    monkeypatch.setattr(lstm_aiw.evaluation, "nats_per_symbol", lambda *_: pytest.fail("It was judged."))
    with pytest.raises(SystemExit) as exit_:
        lstm_aiw.train(tiny_parameters, tmp_path)
    assert exit_.value.code == 143 and len(list((tmp_path / "checkpoint").iterdir())) == 1


def test_both_engines_begin_alike_and_learn_as_well(keras_run, tiny_run):
    theirs, ours = history(keras_run / "out"), history(tiny_run / "out")
    for name, last in (("loss", -1), ("validation_loss", -2)):
        assert ours[0][name] == pytest.approx(theirs[0][name], rel=0.1)
        assert ours[last][name] == pytest.approx(theirs[last][name], rel=0.15)
    assert weights(keras_run / "out").keys() == weights(tiny_run / "out").keys()


def test_the_best_epoch_is_kept(tiny_parameters, tmp_path, monkeypatch):
    """Its weights and its metrics; the held-out text is read with them."""
    losses = iter([2.0, 1.0, 3.0, 7.0])
    monkeypatch.setattr(lstm_aiw.evaluation, "nats_per_symbol", lambda *_: next(losses))
    lstm_aiw.train(dataclasses.replace(tiny_parameters, refit=0.0), tmp_path)
    model = json.loads((tmp_path / "model.json").read_text())["metrics"]
    assert (model["epoch"], model["validation_loss"], model["held_out_loss"]) == (2, 1.0, 7.0)
    assert [row["validation_loss"] for row in history(tmp_path)] == [2.0, 1.0, 3.0]
    assert len(list((tmp_path / "samples").iterdir())) == 3


def test_the_last_epochs_begin_with_the_best_weights(tiny_parameters, tmp_path, monkeypatch):
    losses, use, seen = iter([2.0, 1.0, 3.0, 7.0]), NumpyLearner.use, []

    def looked_at(learner, best):
        seen[:] = learner.weights[0].copy(), best[0], weights(tmp_path)["layers/embedding/vars/0"]
        use(learner, best)

    monkeypatch.setattr(lstm_aiw.evaluation, "nats_per_symbol", lambda *_: next(losses))
    monkeypatch.setattr(NumpyLearner, "use", looked_at)
    lstm_aiw.train(tiny_parameters, tmp_path)
    model = json.loads((tmp_path / "model.json").read_text())["metrics"]
    assert (model["epoch"], model["last_epoch"], model["held_out_loss"]) == (2, 4, 7.0)
    after_third, best, kept = seen
    assert (after_third != best).any()
    np.testing.assert_array_equal(best, kept)


def test_a_checkpoint_of_the_other_engine_is_refused(tiny_run, tiny_parameters):
    with pytest.raises(BadInput, match="holds a training with engine 'numpy', not 'keras'"):
        lstm_aiw.train(dataclasses.replace(tiny_parameters, engine="keras"), tiny_run / "out")


def test_with_a_damaged_checkpoint_it_ends_with_the_same_weights(tiny_run, tiny_parameters, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0)  # one after each step
    train_until(55, tiny_parameters, tmp_path, monkeypatch)
    newest = max((tmp_path / "checkpoint").iterdir())
    newest.write_bytes(newest.read_bytes()[:-100])
    lstm_aiw.train(tiny_parameters, tmp_path)
    assert_same_weights(tiny_run / "out", tmp_path)


def test_a_finished_run_started_again_changes_nothing(tiny_run, tiny_parameters):
    before = weights(tiny_run / "out")
    lstm_aiw.train(tiny_parameters, tiny_run / "out")
    np.testing.assert_equal(weights(tiny_run / "out"), before)


def test_a_checkpoint_of_other_parameters_is_refused(tiny_run, tiny_parameters):
    with pytest.raises(BadInput, match="holds a training with dropout 0.5, not 0.2. Use another --out"):
        lstm_aiw.train(dataclasses.replace(tiny_parameters, dropout=0.2), tiny_run / "out")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "too short"), (b"Alice was", "too short"), (b"\xff\xfe" + b"\0\xd8" * 2000, "utf-16")],
)
def test_a_text_that_cannot_be_learnt_exits_2_with_one_line(tmp_path, content, message, capsys):
    (tmp_path / "text.txt").write_bytes(content)
    arguments = ["--out", str(tmp_path / "out"), "--text", str(tmp_path / "text.txt")]
    with pytest.raises(SystemExit) as exit_:
        parameters.main(lstm_aiw.Parameters, lstm_aiw.train, "", arguments)
    told = capsys.readouterr().err
    assert exit_.value.code == 2
    assert message in told and told.count("\n") == 1


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 100 kB."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root on Linux")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(tmp_path)], check=False)
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@pytest.mark.root
def test_a_full_disk_exits_1_with_one_line_and_leaves_whole_files(small_disk, tiny_text, capsys):
    arguments = ["--out", str(small_disk / "out"), "--text", str(tiny_text), "--batch", "4", "--units", "32"]
    with pytest.raises(SystemExit) as exit_:
        parameters.main(lstm_aiw.Parameters, lstm_aiw.train, "", arguments)
    assert exit_.value.code == 1
    assert capsys.readouterr().err == f"No space left on device: {small_disk}/out\n"
    assert not list(small_disk.rglob(".writing-*"))


@pytest.mark.slow
def test_a_process_saves_on_sigterm_and_goes_on_after_sigkill(tiny_run, tiny_parameters, tmp_path, checkout):
    """Two real processes end in mid-training, the first of its own accord and soon; the third is let finish."""
    (tmp_path / "parameters.json").write_text(json.dumps(dataclasses.asdict(tiny_parameters)))
    command = [sys.executable, "-m", "jobs.lstm_aiw", "--out", str(tmp_path / "out")]
    command += ["--params", str(tmp_path / "parameters.json")]
    for number, code in ((signal.SIGTERM, 143), (signal.SIGKILL, -9)):
        with subprocess.Popen(command, cwd=checkout, stdout=subprocess.PIPE, text=True) as job:
            next(line for line in job.stdout if line.startswith("epoch "))
            sent = time.monotonic()
            job.send_signal(number)
            told = job.stdout.read()
        assert job.returncode == code, told
        assert time.monotonic() - sent < 30  # a second or two on a machine with nothing else to do
    subprocess.run(command, cwd=checkout, check=True, capture_output=True)
    assert_same_weights(tiny_run / "out", tmp_path / "out")
    assert history(tmp_path / "out") == history(tiny_run / "out")


@pytest.mark.slow
def test_a_fifth_of_the_default_run_reads_like_alice(tmp_path):
    lstm_aiw.train(lstm_aiw.Parameters(epochs=3, refit=0), tmp_path)
    assert json.loads((tmp_path / "model.json").read_text())["metrics"]["held_out_loss"] <= 1.6
