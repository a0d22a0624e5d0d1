"""What `fab watch` shows of whatever an instance answers: it fits 80 columns, and nothing a job writes breaks it."""

import datetime
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from remote import runs
from remote.live import alive, glance, sparkline, watch, watch_line, watch_table, watching

ANSWER = b"""\
state running
progress {"epoch": 3, "epochs": 12, "step": 45, "steps": 90, "loss": 1.5204, "seconds_left": 41.4}
epoch {"epoch": 1, "loss": 2.5}
epoch {"epoch": 2, "loss": 1.9}
gpu 2026/11/22 05:33:07.1, Tesla T4, 12, 100, 15360, 50, 58.20, 0
gpu 2026/11/22 05:33:12.1, Tesla T4, 80, 5120, 15360, 61, 58.20, 0
gpu 2026/11/22 05:33:12.2, Tesla T4, 90, 5120, 15360, 64, [N/A], 1
stall no step since 05:30:00 UTC, usually one within 5 s
log 12
abc\rdef
\x1b[2J"""
NUMBERS = st.none() | st.integers() | st.floats() | st.text() | st.booleans()
PROGRESS = st.dictionaries(st.sampled_from(["epoch", "epochs", "step", "steps", "loss", "seconds_left"]), NUMBERS)


def watched(answer, run_id="unet_segmentation-20261122-031237-c7a0", **facts):
    """A Watched of a run that has answered so."""
    run = runs.Run(run_id, "unet_segmentation", {}, "aws", "us-east-1", runs.now(), **facts)
    return watching.Watched(alive.Living(None, run), glance.parse(answer))


def rented(**facts):
    """Facts of a machine that ends tomorrow."""
    now = datetime.datetime.now(datetime.UTC)
    ends = (now + datetime.timedelta(days=1)).isoformat(timespec="seconds")
    return {
        "launched": now.isoformat(),
        "deadline": ends,
        "dollars_per_hour": 12.24,
        "instance_type": "p4d.24xlarge",
    } | facts


def printed(rows, columns=80, chosen=None, height=None):
    """The lines of the table."""
    console = Console(width=columns, highlight=False, legacy_windows=False, color_system=None, force_terminal=True)
    with console.capture() as captured:
        console.print(watch_table.table(rows, ["eu-west-1: no answer"], console, chosen, height))
    return captured.get().splitlines()


def test_an_answer_is_read():
    seen = glance.parse(ANSWER)
    assert seen.state == "running" and seen.progress["step"] == 45 and seen.losses == [2.5, 1.9]
    assert seen.gpus == {"0": glance.Gpu(80, 5120, 15360, 61), "1": glance.Gpu(90, 5120, 15360, 64)}
    assert seen.log == ["abc", "def", "\N{REPLACEMENT CHARACTER}[2J"]


@given(st.binary() | st.builds(lambda values: b"state running\nprogress " + json.dumps(values).encode(), PROGRESS))
@settings(max_examples=150, deadline=None)
def test_any_answer_makes_a_table_of_80_columns(answer):
    row = watching.row(watched(answer, **rented()))
    assert all(len(line) <= 80 for line in printed([row]))
    assert "\n" not in watch_line.one_line(row)


@pytest.mark.parametrize("columns", [80, 132])
def test_all_that_is_known_stands_in_two_lines_and_nothing_is_cut_off(columns):
    row = watching.row(watched(ANSWER, **rented()))
    lines = printed([row], columns)
    for words in ("c7a0", "epoch 3/12", "21%", "1.52", "85 % 64 C", "$0.00 of 29"):
        assert words in lines[1]
    for words in ("p4d.24xlarge", "stalled step 45/90", "10.0/30 GiB", watch_line.end(row)):
        assert words in lines[2]
    assert watch_line.end(row).removeprefix("ends ") == row["deadline"][5:16].replace("T", " ")
    assert "no step since 05:30:00 UTC" in "".join(lines) and lines[-1] == "eu-west-1: no answer"


def test_the_chosen_run_is_on_the_screen_however_many_there_are():
    rows = [watching.row(watched(ANSWER, f"tiny-20261122-031237-{n:04x}", **rented())) for n in range(40)]
    for row in rows:
        row["stalls"] = []
    for chosen in (0, 7, 39):
        lines = printed(rows, chosen=chosen, height=20)
        assert any(f"tiny {chosen:04x}" in line for line in lines) and len(lines) <= 24


@given(st.lists(st.floats(), max_size=300), st.integers(0, 40))
def test_a_sparkline_has_a_character_for_a_value_or_for_a_share_of_them(values, width):
    line = sparkline.sparkline(values, width)
    assert len(line) == min(len(values), width)
    assert set(line) <= set(sparkline.BARS + "!")


def test_a_sparkline_falls_as_its_values_do_and_marks_what_is_no_number():
    assert sparkline.sparkline([8, 7, 6, 5, 4, 3, 2, 1], 8) == "█▇▆▅▄▃▂▁"
    assert sparkline.sparkline([2, 2, 1, 1], 2) == "█▁"
    assert sparkline.sparkline([1, math.nan, 0], 3) == "█!▁"


def test_a_log_is_scrolled_within_what_there_is_of_it():
    view, console = watch.View(opened=True), Console(width=80, height=24)
    one = watched(ANSWER, **rented())
    one.seen.log = [f"line {n}" for n in range(100)]
    for key, top in (("", 80), ("up", 79), ("page up", 59), ("home", 0), ("down", 1), ("end", 80)):
        watch.press(view, key, 1, 20)
        with console.capture() as captured:
            console.print(watch.render(view, [one], [], console))
        assert captured.get().splitlines()[2] == f"line {top}"
