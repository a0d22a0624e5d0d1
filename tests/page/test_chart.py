"""Lines become paths that stay inside their box, whatever the numbers are."""

import re

from hypothesis import given
from hypothesis import strategies as st

from remote.page import chart
from remote.page.chart import Line, draw

NUMBERS = st.floats(-1e29, 1e29)
POINTS = st.lists(st.tuples(st.integers(1, 10**6), st.none() | NUMBERS), min_size=1, max_size=80)


@given(st.lists(POINTS, min_size=1, max_size=8))
def test_all_that_is_drawn_is_in_the_box(lines):
    drawn = draw("loss", [Line(str(number), points, number) for number, points in enumerate(lines)])
    if drawn is None:
        assert all(y is None for points in lines for _, y in points)
        return
    numbers = [float(word) for path in drawn.paths for word in re.findall(r"-?[\d.]+(?:e-?\d+)?", path.d)]
    numbers += [tick.percent for tick in drawn.x_ticks + drawn.y_ticks] + [path.label_top for path in drawn.paths]
    assert all(-0.01 <= number <= 100.01 for number in numbers)


@given(NUMBERS, NUMBERS)
def test_an_axis_has_ticks_but_not_too_many(first, second):
    drawn = draw("loss", [Line("loss", [(1, first), (2, second)])])
    assert 1 <= len(drawn.y_ticks) <= 7 and [tick.text for tick in drawn.x_ticks] == ["1", "2"]


def test_ticks_are_round_numbers():
    drawn = draw("loss", [Line("loss", [(1, 2.74), (12, 1.12)])])
    assert [tick.text for tick in drawn.y_ticks] == ["1.5", "2.0", "2.5"]
    assert [tick.text for tick in drawn.x_ticks] == ["2", "4", "6", "8", "10", "12"]


def test_a_line_is_broken_where_a_value_is_none_and_says_so():
    drawn = draw("loss", [Line("loss", [(1, 3.0), (2, None), (3, 2.0), (4, 1.0)])])
    assert drawn.paths[0].d.count("M") == 2 and drawn.note == "Not a number in places: loss."


def test_labels_of_lines_that_end_together_keep_apart():
    drawn = draw("loss", [Line(str(number), [(1, 2), (2, 1 + number / 1000)]) for number in range(4)])
    tops = sorted(path.label_top for path in drawn.paths)
    assert all(below - above >= chart.LABEL_GAP - 0.01 for above, below in zip(tops, tops[1:], strict=False))


def test_a_long_training_is_thinned_and_keeps_its_ends():
    drawn = draw("loss", [Line("loss", [(epoch, 1 / epoch) for epoch in range(1, 100_001)])])
    assert drawn.paths[0].d.startswith("M0 ") and drawn.paths[0].d.split("L")[-1].startswith("100 ")
    assert len(drawn.paths[0].d) < 10_000
