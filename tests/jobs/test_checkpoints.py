"""A checkpoint comes back as it was; the last two are kept; a damaged one is passed over."""

import numpy as np

from jobs import atomic, checkpoints


def test_everything_comes_back(tmp_path):
    arrays = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array(7, np.uint32)]
    checkpoints.save(tmp_path, 5, arrays, {"step": 5, "loss_sum": 0.1 + 0.2})
    back, progress = checkpoints.load(tmp_path)
    assert progress == {"step": 5, "loss_sum": 0.1 + 0.2}
    for one, other in zip(arrays, back, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


def test_the_last_two_are_kept(tmp_path):
    for step in (9, 10, 11):
        checkpoints.save(tmp_path, step, [np.zeros(2)], {"step": step})
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["step-00000010.h5", "step-00000011.h5"]


def test_a_damaged_one_is_passed_over(tmp_path, capsys):
    for step in (1, 2):
        checkpoints.save(tmp_path, step, [np.zeros(1000)], {"step": step})
    newest = tmp_path / "step-00000002.h5"
    newest.write_bytes(newest.read_bytes()[:3000])
    assert checkpoints.load(tmp_path)[1] == {"step": 1}
    assert "damaged checkpoint step-00000002.h5" in capsys.readouterr().out


def test_nothing_there_is_no_checkpoint(tmp_path):
    assert checkpoints.load(tmp_path / "checkpoint") is None


def test_a_writer_that_fails_leaves_the_old_file(tmp_path):
    atomic.write_text(tmp_path / "file", "old")
    try:
        with atomic.replacing(tmp_path / "file") as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
