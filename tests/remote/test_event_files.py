"""The copy of a run's event files follows theirs: appended to, begun anew, removed; and holds nothing else."""

import pytest

from remote import event_files, hparams, runs
from remote.event_files import Home, keep_same

NAME = "events.out.tfevents.1795311054.vm.12221.0.v2"


@pytest.fixture
def folders(tmp_path):
    """(theirs, ours): empty folders."""
    made = tmp_path / "theirs", tmp_path / "ours"
    for folder in made:
        folder.mkdir()
    return made


def test_what_is_added_is_appended(folders):
    theirs, ours = folders
    (theirs / NAME).write_bytes(b"one")
    keep_same(Home(theirs), ours)
    kept_open = (ours / NAME).open("rb")  # as TensorBoard has it
    assert kept_open.read() == b"one"
    (theirs / NAME).write_bytes(b"one, two")
    keep_same(Home(theirs), ours)
    assert kept_open.read() == b", two"


def test_what_a_resumed_job_began_anew_is_begun_anew(folders):
    theirs, ours = folders
    (theirs / "train").mkdir()
    for name, before in ((NAME, b"long ago"), (f"train/{NAME}", b"x")):
        (theirs / name).write_bytes(before)
    keep_same(Home(theirs), ours)
    (theirs / NAME).write_bytes(b"new")
    (theirs / "train" / NAME).unlink()
    keep_same(Home(theirs), ours)
    assert (ours / NAME).read_bytes() == b"new" and not (ours / "train" / NAME).exists()


def test_a_large_file_comes_in_several_looks(folders, monkeypatch):
    theirs, ours = folders
    monkeypatch.setattr(event_files, "MOST_BYTES", 4)
    (theirs / NAME).write_bytes(b"0123456789")
    for expected in (b"0123", b"01234567", b"0123456789"):
        whole = keep_same(Home(theirs), ours)
        assert (ours / NAME).read_bytes() == expected and whole == (len(expected) == 10)


@pytest.mark.parametrize(
    "name", [f"../{NAME}", f"/{NAME}", f"a/../../{NAME}", f".{NAME}", f"$(x){NAME}", f"a b{NAME}", ""]
)
def test_a_name_that_could_do_harm_is_left_out(folders, name):
    class Hostile:
        def sizes(self):
            return {name: 4, NAME: 4}

        def read(self, _name, start, size):
            return b"harm"[start : start + size]

    theirs, ours = folders
    keep_same(Hostile(), ours)
    assert [path.name for path in ours.rglob("*") if path.is_file()] == [NAME]
    assert list(theirs.iterdir()) == [] and not (ours.parent / NAME).exists()


def test_parameters_stay_beside_what_is_copied(folders):
    theirs, ours = folders
    run = runs.Run("lstm_aiw-20260131-235959-0001", "lstm_aiw", {"units": 8}, "embedded", "us-east-1", runs.now())
    hparams.write(run, run.turns[0], ours)
    keep_same(Home(theirs), ours)
    assert [path.name.endswith(event_files.OURS) for path in ours.iterdir()] == [True]
