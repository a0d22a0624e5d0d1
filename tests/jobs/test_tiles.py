"""A network reads pictures of any size, and nobody can see where one tile ends."""

import numpy as np
import pytest

from jobs.pictures import segmentation_metrics as metrics
from jobs.pictures import tiles


def blurred(rows):
    """A "network" that sees 4 pixels around each, and nothing beyond the edge of its tile."""
    padded = np.pad(rows[..., 0], ((0, 0), (4, 4), (4, 4)))
    height, width = rows.shape[1:3]
    total = sum(padded[:, y : y + height, x : x + width] for y in range(9) for x in range(9)) / 81
    return np.stack([total, -total], -1).astype(np.float32)


@pytest.mark.parametrize("height, width", [(32, 32), (33, 90), (200, 131), (7, 300), (1, 1)])
def test_tiles_join_without_a_seam(height, width):
    """Inside the picture, the answer is the one of a tile as large as the picture."""
    picture = np.random.default_rng(0).normal(size=(height, width, 1)).astype(np.float32)
    found = tiles.shares(blurred, picture, 32, 2)
    assert found.shape == (height, width, 2)
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)
    whole = 1 / (1 + np.exp(-2 * blurred(picture[None])[0, ..., 0]))
    inside = np.s_[4:-4, 4:-4]
    np.testing.assert_allclose(found[..., 0][inside], whole[inside], atol=0.03)


@pytest.mark.parametrize("length", [32, 33, 56, 57, 1000])
def test_tiles_cover_a_side_and_overlap(length):
    starts = tiles.starts(length, 32)
    assert starts[0] == 0 and starts[-1] == length - 32
    assert all(0 < later - earlier <= 24 for earlier, later in zip(starts, starts[1:], strict=False))


def test_scores_of_a_small_example():
    truth = np.array([[0, 0, 1], [1, 2, 255]])
    predicted = np.array([[0, 1, 1], [1, 0, 2]])
    matrix = metrics.confusion(truth, predicted, 4)
    assert matrix.tolist() == [[1, 1, 0, 0], [0, 2, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    found = metrics.scores(matrix)
    assert found["iou"] == [1 / 3, 2 / 3, 0, None]
    assert found["dice"] == [0.5, 0.8, 0, None]
    assert found["mean_iou"] == pytest.approx(1 / 3) and found["pixel_accuracy"] == 0.6
    assert metrics.scores(np.zeros((2, 2)))["mean_iou"] is None
