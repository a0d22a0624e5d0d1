"""What AWS answered is in the run's record; a checkout that knows nothing of the others asks with the same tokens."""

import pytest

from remote import attempts, capacity, runs
from remote.refusals import Refusal

LADDER = [capacity.Attempt("g4dn.xlarge", zone, f"subnet-{zone}", "on-demand") for zone in "ab"]


@pytest.fixture
def run(tmp_path):
    return runs.Run("tiny-20260101-120000-0a1b", "tiny", {}, "aws", "us-east-1", "", folder=tmp_path)


def ask(run, ladder, answers):
    """Note the attempts of a ladder, with a code of AWS's for each, or an instance id, or None for no answer."""
    for number, (attempt, answer) in enumerate(zip(ladder, answers, strict=True)):
        asked = capacity.Attempt(**vars(attempt) | {"number": ladder[0].number + number})
        attempts.note(run, asked, capacity.client_token(run.id, asked))
        if answer and answer.startswith("i-"):
            attempts.granted(run, answer)
        elif answer:
            attempts.refused(run, Refusal(asked, answer, f"AWS says {answer}."))


def test_the_same_no_is_kept_once_however_often_it_comes(run):
    for _ in range(300):
        ask(run, attempts.numbered(run, LADDER, ""), ["Full", "Full"])
    ask(run, attempts.numbered(run, LADDER, ""), ["Full", "i-1"])
    told = attempts.refusals(runs.load(run.folder))
    assert [(one["zone"], one["code"], one["times"]) for one in told] == [("b", "Full", 300), ("a", "Full", 301)]
    assert len(run.attempts) == 3 and run.attempts[-1]["number"] == 601 and attempts.answered(run)
    assert attempts.told(told[1]) == "g4dn.xlarge in a, on-demand: Full: AWS says Full. (301 times)"


def test_two_checkouts_that_replace_the_same_machine_ask_with_the_same_tokens(run, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    other = runs.Run(run.id, "tiny", {}, "aws", "us-east-1", "", folder=tmp_path / "elsewhere")
    ask(run, attempts.numbered(run, LADDER, ""), ["Full", "i-1"])
    first, second = (attempts.numbered(one, LADDER, "i-1") for one in (run, other))
    assert first == second and first[0].after == "i-1" and first[0].number == 0
    assert capacity.client_token(run.id, first[0]) != run.attempts[0]["token"]


def test_an_attempt_that_nobody_has_answered_is_repeated_also_when_it_was_to_replace_a_machine(run):
    ask(run, attempts.numbered(run, LADDER, ""), ["Full", "i-1"])
    run.instance_id = "i-1"
    ask(run, attempts.numbered(run, LADDER, "i-1"), ["Full", None])
    assert not attempts.answered(run)
    again = attempts.numbered(run, LADDER, "i-1")
    assert [(one.zone, one.number, one.after) for one in again] == [("b", 1, "i-1"), ("a", 0, "i-1")]
    attempts.note(run, again[0], "token")
    assert len(run.attempts) == 4
