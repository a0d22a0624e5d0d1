"""What differs between runs, and which of them did best."""

import shlex

import pytest

from remote import catalog
from remote.page import commands, comparison, facts, metrics
from tests.page import runs_on_disk


def compared(folder, *runs):
    """runs: (job, parameters, held-out losses)."""
    made = []
    for number, (job, parameters, losses) in enumerate(runs):
        run = runs_on_disk.make(folder, f"000{number}", job, parameters=parameters)
        runs_on_disk.write_metrics(run, [{"epoch": e, "held_out_loss": loss} for e, loss in enumerate(losses, 1)])
        made.append(run)
    return comparison.compare(made)


def test_only_parameters_that_differ_are_told(tmp_path):
    found = compared(tmp_path, ("lstm_aiw", {"units": 8, "seed": 0}, [2]), ("lstm_aiw", {"units": 16, "seed": 0}, [1]))
    assert comparison.differing(found) == [("units", ["8", "16"])]
    assert comparison.winners(found) == {"B"}
    assert "units      8  16" in comparison.text(found) and "held-out loss 1 *" in comparison.text(found)


def test_a_run_is_judged_by_the_weights_that_came_home_not_by_its_luckiest_epoch(tmp_path):
    run = runs_on_disk.make(tmp_path)
    runs_on_disk.write_metrics(
        run, [{"epoch": e, "held_out_mean_iou": iou} for e, iou in enumerate((0.7, 0.9, 0.8), 1)]
    )
    assert facts.gather(run)[0].best == metrics.Best("held_out_mean_iou", 0.9, 2)
    (run.folder / "out/model.json").write_text('{"metrics": {"epoch": 3, "held_out_mean_iou": 0.8}}')
    assert facts.gather(run)[0].best == metrics.Best("held_out_mean_iou", 0.8, 3, kept=True)


def test_a_job_that_ended_while_it_stalled_is_no_success(tmp_path):
    run = runs_on_disk.make(tmp_path, stall="the loss is not a number")
    found = facts.gather(run)[0].verdict
    assert found.kind == "doubtful" and "the loss is not a number" in found.text


def test_a_parameter_that_a_job_got_since_differs(tmp_path):
    found = compared(tmp_path, ("lstm_aiw", {}, [1]), ("lstm_aiw", {"units": 16}, [1]))
    assert comparison.differing(found) == [("units", [None, "16"])]


def test_different_jobs_are_not_ranked_and_share_only_what_both_have(tmp_path):
    of_one, of_other = {"units": 8, "epochs": 3}, {"vocabulary": 99, "epochs": 3}
    found = compared(tmp_path, ("lstm_aiw", of_one, [2]), ("lstm_words", of_other, [1]))
    assert comparison.winners(found) == set() and comparison.differing(found) == []
    assert [chart.title for chart in comparison.contents(found)["charts"]] == ["lstm_aiw: loss", "lstm_words: loss"]


def test_runs_that_wrote_nothing_are_compared_too(tmp_path):
    found = compared(tmp_path, ("lstm_aiw", {"units": 8}, []), ("lstm_aiw", {"units": 8}, []))
    assert "All parameters are the same." in comparison.text(found)
    assert comparison.as_dict(found, "page")["runs"][0]["best"] is None


@pytest.mark.parametrize("text", ["", "my letters.txt", "it's; rm -rf ~ $(x) `y`", "a=b", "-x"])
def test_the_command_that_does_it_again_gives_the_same_parameters(tmp_path, text):
    given = {"text": text, "lower_case": False, "epochs": 3, "learning_rate": 1e-05}
    run = runs_on_disk.make(tmp_path, parameters=given, options={"move_volume": True, "max_cost": 2.5}, cloud="aws")
    changed = [one.name for one in facts.gather(run)[0].parameters if one.differs]
    words = shlex.split(commands.again(run, {run.job: changed}))
    assert words[:6] == ["FABRIC_CLOUD=aws", "FABRIC_REGION=us-east-1", "bin/fab", "train", "--job", "lstm_aiw"]
    assert words[-3:] == ["--move-volume", "--max-cost", "2.5"]
    again = catalog.check(
        "lstm_aiw", [word for before, word in zip(words, words[1:], strict=False) if before == "--set"]
    )
    assert {name: getattr(again, name) for name in given} == given


def test_jobs_that_took_turns_are_compared_one_by_one(tmp_path):
    turn = {"job": "lstm_words", "parameters": {"epochs": 9}, "files": {}}
    run = runs_on_disk.make(tmp_path, then=[turn])
    found = comparison.compare([run])
    assert [(one.letter, one.facts.job) for one in found] == [("A", "lstm_aiw"), ("B", "lstm_words")]
    assert found[1].facts.out == run.folder / "out/lstm_words"
    changed = {"lstm_aiw": ["units"], "lstm_words": ["epochs"]}
    again = "bin/fab train --job lstm_aiw --set lstm_aiw.units=8 --job lstm_words --set lstm_words.epochs=9"
    assert commands.again(run, changed) == again
