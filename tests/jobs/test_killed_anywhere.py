"""A language job that dies again and again, at one write after another, ends as one that ran through: bit for bit."""

import itertools
import os

import pytest

from jobs import lstm_aiw, lstm_slack, lstm_words
from tests.jobs.test_lstm_aiw import assert_same_weights, history

SMALL = {"epochs": 2, "refit": 0.5, "batch": 4, "timesteps": 10, "units": 12, "embedding": 8, "sample_length": 10}
CONVERSATIONS = "#general\nAlice: who knows Keras?\nBob Stone: me\n\n#random\nBob Stone: @Alice the cat sat\n\n" * 25


class Killed(BaseException):
    """Caught by nobody, as little as SIGKILL."""


@pytest.fixture
def jobs(tiny_text, tmp_path):
    packed = tmp_path / "conversations.txt"
    packed.write_text(CONVERSATIONS)
    return {
        "lstm_aiw": (lstm_aiw, lstm_aiw.Parameters(text=str(tiny_text), **SMALL)),
        "lstm_words": (lstm_words, lstm_words.Parameters(text=str(tiny_text), vocabulary=12, **SMALL)),
        "lstm_slack": (lstm_slack, lstm_slack.Parameters(export=str(packed), **SMALL)),
    }


def train_until_write(number, job, params, out, monkeypatch):
    """Train until a file is about to get its name, the number-th of this process. Returns whether it was reached."""
    writes, fsync = itertools.count(1), os.fsync

    def fsync_or_die(descriptor):
        if next(writes) == number:
            raise Killed
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync_or_die)
        try:
            job.train(params, out)
        except Killed:
            return True
    return False


def damage(checkpoints):
    """Cut the end off the newest, as a power cut may."""
    if newest := max(checkpoints.glob("*.h5"), default=None):
        newest.write_bytes(newest.read_bytes()[:-100])


@pytest.mark.parametrize("name", ["lstm_aiw", "lstm_words", "lstm_slack"])
def test_killed_at_one_write_after_another_it_ends_as_if_never_killed(name, jobs, tmp_path, monkeypatch):
    """Also in the epochs that begin anew from the best weights, and when the newest checkpoint was damaged as well."""
    job, params = jobs[name]
    job.train(params, tmp_path / "whole")
    out, deaths = tmp_path / "killed", 0
    for number in itertools.count(1):
        if not train_until_write(number, job, params, out, monkeypatch):
            break
        deaths += 1
        if deaths % 3 == 0:
            damage(out / "checkpoint")
    assert deaths > 5
    assert_same_weights(tmp_path / "whole", out)
    assert history(out) == history(tmp_path / "whole")
