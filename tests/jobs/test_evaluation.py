"""The held-out text is cut so that every symbol counts once, with what comes before it as context."""

import numpy as np
import pytest

from jobs.text import corpus, evaluation


def test_every_held_out_symbol_counts_once(monkeypatch):
    monkeypatch.setattr(evaluation, "ROWS", 4)
    rows, context = evaluation.pieces(np.arange(30), np.arange(30, 70), context=5)
    np.testing.assert_array_equal(rows[:, context + 1 :].ravel(), np.arange(30, 70))
    np.testing.assert_array_equal(rows[1], np.arange(34, 50))


def test_the_held_out_text_is_read_after_the_validation_text(monkeypatch):
    monkeypatch.setattr(evaluation, "ROWS", 1)
    texts = evaluation.parts(corpus.Split(np.arange(13), 3, np.arange(13, 17)), context=5)
    assert texts.validation[0].tolist() == [list(range(4, 13))]
    assert texts.held_out[0].tolist() == [list(range(7, 17))]


def test_a_long_text_becomes_more_pieces_up_to_a_limit():
    rows, _context = evaluation.pieces(np.zeros(300), np.zeros(100_000), context=200)
    assert len(rows) % evaluation.ROWS == 0 and rows.shape[1] - 201 <= evaluation.LONGEST
    rows, _context = evaluation.pieces(np.zeros(300), np.zeros(2_000_000), context=200)
    assert rows[:, 201:].size == pytest.approx(evaluation.MOST, rel=0.01)


def test_very_short_texts_have_shorter_contexts():
    rows, context = evaluation.pieces(np.arange(3), np.arange(3, 5), context=5)
    assert context == 2
    np.testing.assert_array_equal(rows, [[0, 1, 2, 3], [1, 2, 3, 4]])


def test_nats_are_those_of_the_softmax(monkeypatch):
    monkeypatch.setattr(evaluation, "ROWS", 4)

    class Constant:
        def predict_on_batch(self, rows):
            return np.broadcast_to(np.log([0.5, 0.25, 0.25]) + 7, (*rows.shape, 3))

    rows, context = evaluation.pieces(np.zeros(9, int), np.array([0, 1] * 8), context=3)
    assert evaluation.nats_per_symbol(Constant(), rows, context) == pytest.approx(1.5 * np.log(2))
