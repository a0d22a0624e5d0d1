"""What a job wrote of its epochs, however odd, and the value by which it is judged."""

import pytest

from remote.page import gpu, metrics
from tests.page import runs_on_disk

ODD = ["", "no JSON", "[]", "null", '"text"', "[" * 100_000, '{"epoch": "x"}', '{"loss": "high"}', '{"loss": true}']


def rows(tmp_path, lines):
    run = runs_on_disk.make(tmp_path)
    runs_on_disk.write_metrics(run, lines)
    return metrics.read(run.folder / "out/metrics.jsonl")


def test_lines_that_are_none_are_left_out(tmp_path):
    assert rows(tmp_path, [*ODD, {"epoch": 2, "loss": 1.5}]) == [{"epoch": 2.0, "loss": 1.5}]


def test_what_is_no_number_is_kept_as_none(tmp_path):
    found = rows(
        tmp_path, ['{"loss": NaN}', '{"loss": -Infinity}', '{"loss": 1e999}', f'{{"loss": {10**400}}}', '{"loss": 2}']
    )
    assert metrics.points(found, "loss") == [(1, None), (2, None), (3, None), (4, None), (5, 2.0)]
    assert metrics.best(found) == metrics.Best("loss", 2.0, 5)


def test_a_file_that_is_missing_or_a_link_has_no_rows(tmp_path):
    (tmp_path / "elsewhere").write_text('{"loss": 1}')
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert metrics.read(tmp_path / "link") == metrics.read(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("names", "judged_by"),
    [
        (["loss", "seconds", "held_out_loss"], "held_out_loss"),
        (["loss", "held_out_loss", "held_out_mean_iou", "held_out_pixel_accuracy"], "held_out_mean_iou"),
        (["loss", "validation_mean_iou", "held_out_mean_iou"], "held_out_mean_iou"),
        (["loss", "accuracy"], "accuracy"),
        (["held_out_perplexity", "held_out_loss"], "held_out_loss"),
    ],
)
def test_a_run_is_judged_by_the_metric_that_says_most(names, judged_by):
    assert metrics.best([{"epoch": 1, **dict.fromkeys(names, 0.5)}]).name == judged_by


def test_a_loss_is_best_when_low_and_an_iou_when_high_and_the_earliest_of_equals_wins():
    for name, values in (("held_out_loss", [3, 1, 1, 2]), ("held_out_mean_iou", [0.3, 0.9, 0.9, 0.5])):
        found = metrics.best([{"epoch": epoch, name: value} for epoch, value in enumerate(values, 1)])
        assert (found.value, found.epoch) == (values[1], 2)


def test_nothing_to_judge_by_is_none():
    assert metrics.best([]) is None and metrics.best([{"epoch": 1, "seconds": 3.0}]) is None


def test_metrics_that_measure_the_same_share_a_chart_and_the_best_one_comes_first():
    names = ["loss", "seconds", "held_out_loss", "held_out_mean_iou", "iou"]
    grouped = metrics.families([{"epoch": 1, **dict.fromkeys(names, 0.5)}])
    assert list(grouped) == ["iou", "loss", "seconds"]
    assert grouped["iou"] == ["held_out_mean_iou", "iou"] and grouped["loss"] == ["loss", "held_out_loss"]


def test_samples_of_several_gpus_are_told_apart(tmp_path):
    (tmp_path / "gpu.csv").write_text(runs_on_disk.gpu_lines(12, gpus=2) + "torn li")
    samples = gpu.read(tmp_path / "gpu.csv")
    assert [(one.number, one.second) for one in samples[-2:]] == [(0, 55), (1, 55)]
    assert [path.name for path in gpu.charts(samples)[0].paths] == ["GPU 0", "GPU 1"]
    assert gpu.summary(samples).startswith("Tesla T4: on average 80 % busy, at most 5.0 of 15.0 GiB")


def test_a_gpu_that_tells_little_is_no_error(tmp_path):
    (tmp_path / "gpu.csv").write_text("[N/A], GRID, [N/A], 512, 0, [N/A]\n" * 3)
    samples = gpu.read(tmp_path / "gpu.csv")
    assert [one.second for one in samples] == [0, 5, 10] and gpu.charts(samples) == []
    assert gpu.read(tmp_path / "none") == [] and gpu.summary([]) == ""
