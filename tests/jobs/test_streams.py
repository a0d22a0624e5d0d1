"""Streams read the text in order, side by side, and every symbol is somebody's target."""

import numpy as np
import pytest

from jobs import lstm_aiw
from jobs.parameters import BadInput
from jobs.text import corpus, streams
from jobs.text.streams import Streams


def test_a_target_is_the_symbol_after_its_input_and_steps_follow_each_other():
    streams = Streams(np.arange(1000), batch=4, timesteps=10, seed=3)
    for epoch in range(1, 20):
        inputs, targets = streams.at(epoch, 0)
        np.testing.assert_array_equal(inputs + 1, targets)
        np.testing.assert_array_equal(streams.at(epoch, 1)[0][:, 0], inputs[:, -1] + 1)
        last = streams.at(epoch, streams.steps - 1)[1]
        assert last.shape == (4, 10) and last.max() < 1000


def test_epochs_cut_differently_but_repeatably():
    streams = Streams(np.arange(1000), batch=4, timesteps=10)
    starts = [int(streams.at(epoch, 0)[0][0, 0]) for epoch in range(1, 12)]
    assert len(set(starts)) > 3
    assert starts == [int(Streams(np.arange(1000), 4, 10).at(epoch, 0)[0][0, 0]) for epoch in range(1, 12)]


def test_the_shortest_text_makes_one_step():
    assert Streams(np.arange(50), batch=4, timesteps=10).steps == 1
    with pytest.raises(BadInput, match="at least 50 symbols .* got 49"):
        Streams(np.arange(49), batch=4, timesteps=10)


def test_a_course_goes_over_the_part_then_over_the_whole():
    params = lstm_aiw.Parameters(batch=4, timesteps=10, epochs=2, refit=1.5)
    course = streams.course(corpus.Split(np.arange(900), 100, np.arange(900, 1000)), params)
    assert course.steps_of(2) == [19, 19, 22, 22, 22]
    assert (course.steps, course.more_steps) == (38, 66)
    assert max(course.at(2, step)[1].max() for step in range(19)) < 800
    assert max(course.at(3, step)[1].max() for step in range(22)) > 800
