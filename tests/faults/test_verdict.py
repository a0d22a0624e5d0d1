"""The matrix sees what it is there to see: each of its checks fails on what it must not let pass."""

import datetime
import hashlib
import json

import pytest

from remote import tags
from tests.faults import verdict
from tests.faults.cases import AGAIN, ITSELF
from tests.faults.command import Outcome

LINES = [f"epoch {epoch} line {line}" for epoch in (1, 2) for line in (1, 2)]


@pytest.fixture
def home(tmp_path):
    """(journal, folder) of a job that has saved two epochs, all of them home."""
    journal, folder = tmp_path / "journal", tmp_path / "run"
    entries = [{"start": 0}]
    for epoch in (1, 2):
        entries += [{"line": line} for line in LINES if line.startswith(f"epoch {epoch}")]
        entries += [{"saving": epoch, "files": {"checkpoint": _sha256(str(epoch)), "weights": _sha256(f"w{epoch}")}}]
        entries += [{"saved": epoch}]
    journal.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    (folder / "out").mkdir(parents=True)
    (folder / "out/checkpoint").write_text("2")
    (folder / "out/weights").write_text("w2")
    (folder / "log").write_text("".join(line + "\n" for line in LINES))
    return journal, folder


def _sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_results_that_are_home_whole_are_fine(home):
    assert verdict.of_results(home[0], [home[1]]) == []


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("out/checkpoint", "1", "epoch 2 was saved and is not home"),
        ("out/weights", "w", "out/weights is not what the job wrote"),
        ("out/weights", "w1", "epoch 2 was saved and is not home"),
        ("log", "".join(line + "\n" for line in [*LINES, LINES[-1]]), "lacks or repeats lines"),
        ("log", "".join(line + "\n" for line in LINES if line != LINES[1]), "lacks or repeats lines"),
        ("log", "".join(line + "\n" for line in LINES[:3]), "epoch 2 was saved and is not home"),
    ],
)
def test_what_is_lost_or_spoilt_is_seen(home, path, content, said):
    (home[1] / path).write_text(content)
    assert any(said in sentence for sentence in verdict.of_results(home[0], [home[1]]))


def test_results_that_are_nowhere_are_seen(home):
    assert verdict.of_results(home[0], []) == ["epoch 2 was saved and is not home"]


def test_two_instances_at_once_and_one_past_its_deadline_are_seen():
    carried = {tags.RUN: "count-1", tags.DEADLINE: tags.iso(_at(1000))}
    fine = {"i-1": (0, 500), "i-2": (500, 1000)}
    assert verdict.of_instances(fine, dict.fromkeys(fine, carried)) == []
    overlapping = {"i-1": (0, 501), "i-2": (500, 1000)}
    assert verdict.of_instances(overlapping, dict.fromkeys(fine, carried)) == ["count-1 had two instances at once"]
    assert verdict.of_instances({"i-1": (0, float("inf"))}, {"i-1": carried}) == ["i-1 lived past its deadline"]


def _at(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def outcome(code, stderr=""):
    return Outcome(("train",), code, "", stderr, True)


@pytest.mark.parametrize("code", [None, -6, 11, 70])
def test_ends_that_are_not_documented_are_seen(code):
    assert verdict.of_commands([outcome(0), outcome(-9), outcome(8)]) == []
    assert len(verdict.of_commands([outcome(code)])) == 1


def test_tracebacks_and_runs_that_do_not_go_on_are_seen():
    assert verdict.of_commands([outcome(1, "Traceback (most recent call last):")])
    assert verdict.of_recovery(ITSELF, [outcome(6)]) and verdict.of_recovery(AGAIN, [outcome(-9), outcome(3)])
    assert verdict.of_recovery(AGAIN, [outcome(-9), outcome(3, "count-1 has ended.")]) == []
