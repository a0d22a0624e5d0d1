"""Whatever is told, by whomever: nothing that reaches stderr steers the terminal, but the story's own live line."""

import contextlib
import datetime
import io
import signal

import hypothesis
import invoke
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote import errors, follow, history, program, signals, story, tables
from tests.hostile.conftest import nasty_text, steers

LIVE = "\r\x1b[K"  # what a live line begins with, and what wipes it off


class Terminal(io.StringIO):
    def isatty(self):
        return True


@contextlib.contextmanager
def terminal():
    """A terminal in the place of stderr; yields it."""
    with contextlib.redirect_stderr(Terminal()) as shown:
        yield shown
    assert not steers(shown.getvalue().replace(LIVE, "")), repr(shown.getvalue())


@given(nasty_text(), nasty_text(), st.floats(0, 1e6))
def test_a_step_and_what_it_tells(name, text, seconds):
    with terminal():
        story.say(name, text, seconds)
        story.live(text, columns=80)
        story.raw(text)
        with story.step(name, text) as told:
            told.append(text)
        story.complain(text)
        story.finish()


@given(nasty_text())
def test_a_live_line_is_one_line(text):
    with terminal() as shown:
        story.live(text, columns=80)
        assert "\n" not in shown.getvalue()
        story.finish()


@given(st.dictionaries(st.sampled_from(["epoch", "epochs", "step", "steps", "loss"]), nasty_text() | st.integers(1, 9)))
def test_progress_of_the_job(progress):
    with terminal():
        screen = follow.Screen()
        screen("progress", progress)
        screen("log", "a line\n")
        story.finish()


@given(st.lists(nasty_text(), min_size=6, max_size=6))
def test_gpu_of_the_instance(fields):
    assert not steers(follow.gpu_line(",".join(fields)))


@given(st.lists(nasty_text(), min_size=3, max_size=3))
def test_a_table_keeps_its_rows(cells):
    lines = tables.table("abc", [cells]).split("\n")
    assert len(lines) == 2 and not steers("".join(lines))


@given(nasty_text())
def test_a_run_of_somebody_else_in_the_list(tag):
    instance = {
        "InstanceId": "i-1",
        "InstanceType": "g4dn.xlarge",
        "LaunchTime": datetime.datetime.now(datetime.UTC),
        "State": {"Name": "running"},
        "Tags": [{"Key": "gpu-job:job", "Value": tag}, {"Key": "gpu-job:deadline", "Value": tag}],
    }
    assert not steers(history.table([history._foreign_row(tag, instance)]))


@hypothesis.settings(max_examples=15)
@given(nasty_text())
def test_a_failure_is_told_once(message):
    with terminal() as shown, pytest.raises(SystemExit) as left:
        run_task(errors.Denied(message))
    assert left.value.code == 7 and shown.getvalue().count("fab: ") == 1


def run_task(failure):
    """The whole command line with a task that fails so."""

    @invoke.task
    def fail(_c):
        raise failure

    before = {number: signal.getsignal(number) for number in signals.STOPPING}
    try:
        program.main(invoke.Collection(fail), ["fab", "fail"])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
