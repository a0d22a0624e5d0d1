"""The job as a whole: it learns, leaves what was promised, goes on after it was stopped, and refuses what is no set."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from jobs import parameters, unet_segmentation
from jobs import segment as segment_command
from jobs.parameters import BadInput
from jobs.pictures import image_batches, preparation, segmenter
from jobs.pictures.images import read
from jobs.unet_segmentation import Parameters
from tests.jobs import painted_discs

TINY = {"size": 32, "width": 8, "depth": 2, "epochs": 5}


@pytest.fixture(scope="module")
def discs(tmp_path_factory):
    """Thirty pictures of 72 x 50 pixels, discs and squares on a background, with masks of 0, 1 and 2."""
    folder = painted_discs.save(tmp_path_factory.mktemp("set") / "discs", 30, spread=1, classes=3, height=72, width=50)
    (folder / "classes.txt").write_text("background\ndisc\nsquare\n")
    return folder


@pytest.fixture(scope="module")
def run(discs, tmp_path_factory):
    """A finished run as it looks at home."""
    folder = tmp_path_factory.mktemp("runs") / "unet_segmentation-20261122-010203-beef"
    (folder / "out").mkdir(parents=True)
    unet_segmentation.train(Parameters(data=str(discs), **TINY), folder / "out")
    return folder


def weights(out):
    found = {}
    with h5py.File(out / "model.weights.h5") as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def train_until(step, params, out, monkeypatch):
    """Train, asked to stop during that step of this process, counted from 1; it must save and exit with 143."""
    at, made = image_batches.Cuts.at, 0

    def at_and_stop(cuts, *position):
        nonlocal made
        made += 1
        if made == step:
            os.kill(os.getpid(), signal.SIGTERM)
        return at(cuts, *position)

    with monkeypatch.context() as changed:
        changed.setattr(image_batches.Cuts, "at", at_and_stop)
        with pytest.raises(SystemExit) as exit_:
            unet_segmentation.train(params, out)
    assert exit_.value.code == 143


def test_it_learns_and_leaves_what_was_promised(run):
    out = run / "out"
    model = json.loads((out / "model.json").read_text())
    told = model["metrics"]
    assert told["held_out_mean_iou"] > 0.85 > 1.5 * model["baselines"]["commonest class"]
    assert len(told["held_out_iou"]) == len(told["held_out_dice"]) == 3 and told["held_out_pixel_accuracy"] > 0.9
    assert model["classes"] == ["background", "disc", "square"] and np.shape(model["confusion"]) == (3, 3)
    assert model["parts"] == {"learnt": 24, "watched": 6, "held_out": 6, "by": "image"}
    assert np.sum(model["confusion"]) == 6 * 72 * 50 and len(model["held_out_pictures"]) == 6
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5]
    assert rows[-1]["held_out_mean_iou"] == pytest.approx(told["held_out_mean_iou"])
    for name in ("curves", "held-out", "confusion"):
        assert min(Image.open(out / f"plots/{name}.png").size) > 200
    assert len(list((out / "tensorboard").iterdir())) == 1
    assert not list(out.rglob(".writing-*"))


def test_stopped_anywhere_it_ends_with_the_same_weights(run, discs, tmp_path, monkeypatch):
    params = Parameters(data=str(discs), **TINY)
    train_until(32 + 7, params, tmp_path, monkeypatch)
    train_until(64 - 7, params, tmp_path, monkeypatch)
    unet_segmentation.train(params, tmp_path)
    expected, found = weights(run / "out"), weights(tmp_path)
    assert expected.keys() == found.keys() and len(expected) > 20
    for name, array in expected.items():
        np.testing.assert_array_equal(array, found[name], err_msg=name)
    assert (tmp_path / "plots/held-out.png").exists()


@pytest.mark.slow
def test_half_precision_goes_on_as_well(discs, tmp_path, monkeypatch):
    """Its optimizer also has a scale of the loss to remember."""
    half = {"size": 16, "width": 4, "depth": 1, "epochs": 1, "precision": "mixed_float16"}
    params = Parameters(data=str(discs), **half)
    unet_segmentation.train(params, tmp_path / "whole")
    train_until(11, params, tmp_path / "broken", monkeypatch)
    unet_segmentation.train(params, tmp_path / "broken")
    expected, found = weights(tmp_path / "whole"), weights(tmp_path / "broken")
    for name, array in expected.items():
        assert array.dtype != np.float16
        np.testing.assert_array_equal(array, found[name], err_msg=name)


def test_a_set_that_cannot_be_learnt_exits_2_with_one_line(discs, tmp_path, capsys):
    shutil.copytree(discs, tmp_path / "set")
    (tmp_path / "set/masks/007.png").unlink()
    with pytest.raises(SystemExit) as exit_:
        parameters.main(
            Parameters, unet_segmentation.train, "", ["--out", str(tmp_path / "out"), "--data", str(tmp_path / "set")]
        )
    told = capsys.readouterr().err
    assert exit_.value.code == 2 and told.count("\n") == 1
    assert "29 pairs" in told and "1 x image without a mask: images/007.png" in told


def test_what_is_ignored_does_not_count():
    from jobs.pictures import segmentation_loss

    random = np.random.default_rng(0)
    truth, logits = random.integers(3, size=(2, 8, 8)), random.normal(size=(2, 8, 8, 3)).astype(np.float32)
    truth[:, :3] = segmentation_loss.IGNORED
    other = logits.copy()
    other[:, :3] += 5 * random.normal(size=(2, 3, 8, 3))
    for kind in ("both", "cross-entropy", "dice"):
        loss = segmentation_loss.of(kind, 3)
        assert float(loss(truth, logits)) == pytest.approx(float(loss(truth, other)), abs=1e-5)
        perfect = np.eye(3, dtype=np.float32)[np.where(truth == 255, 0, truth)] * 30
        assert float(loss(truth, perfect)) < 0.001 < float(loss(truth, logits))


def test_the_units_of_a_loss_are_told_whole_beside_its_chart():
    from jobs.pictures import segmentation_results
    from remote.page import facts

    assert max(map(len, segmentation_results.LOSS_UNITS.values())) <= facts.LONGEST_UNIT


def test_half_precision_where_every_gpu_gains_by_it():
    from jobs import precision

    found = [precision.suitable(gpus) for gpus in ([], [(6, 1)], [(7, 5)], [(8, 6), (7, 0)], [(8, 6), (5, 2)])]
    assert found == ["float32", "float32", "mixed_float16", "mixed_float16", "float32"]


# --- bin/segment.sh


def segment(checkout, runs, *arguments):
    command = [str(checkout / "bin/segment.sh"), *map(str, arguments), "--runs-dir", str(runs)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)


def test_pictures_of_any_size_and_kind_get_masks_that_fit(checkout, run, tmp_path):
    random = np.random.default_rng(5)
    truth = {}
    for name, height, width in (("tall.png", 171, 77), ("small.jpg", 20, 30), ("colour.png", 90, 64)):
        picture, truth[name] = painted_discs.pair(random, height, width, classes=3)
        mode = "RGB" if name == "colour.png" else "L"
        Image.fromarray(picture.squeeze()).convert(mode).save(tmp_path / name)
    done = segment(checkout, run.parent, tmp_path, "--out", tmp_path / "masks", "--json")
    assert done.returncode == 0, done.stderr
    told = {Path(row["picture"]).name: row for row in map(json.loads, done.stdout.splitlines())}
    for name, expected in truth.items():
        found = np.asarray(Image.open(told[name]["mask"]))
        assert found.shape == expected.shape and (found == expected).mean() > 0.85
        assert np.shape(Image.open(told[name]["overlay"])) == (*expected.shape, 3)
        assert told[name]["shares"]["background"] == pytest.approx((found == 0).mean(), abs=1e-3)


def test_tiles_say_what_the_whole_picture_says(run):
    """Eight tiles, blended, against one pass over everything."""
    network = segmenter.read(run / "out")
    picture, _mask = painted_discs.pair(np.random.default_rng(9), 160, 256, classes=3, shapes=20)
    prepared = network.description.preparation
    assert prepared.tile == 32
    tiled = segmenter.classify(network, picture, picture.shape[:2])
    whole = network.predict(preparation.standardised(picture, prepared)[None])[0].argmax(-1)
    assert (tiled != whole).mean() < 0.005


def test_what_is_wrong_is_said_in_a_line(checkout, run, tmp_path):
    shutil.copytree(run, tmp_path / run.name)
    (tmp_path / "no-picture.png").write_text("x")
    Image.fromarray(read(next((run / "out/plots").iterdir()))).save(tmp_path / "good.png")
    named = tmp_path / run.name / "out"
    (named / "model.weights.h5").write_bytes((named / "model.weights.h5").read_bytes()[:5000])
    for arguments, code, words in (
        ((), 2, "arguments are required: pictures"),
        ((tmp_path / "none.png",), 2, "No such picture"),
        ((tmp_path / "no-picture.png",), 3, "is damaged, or not of this network"),
        ((tmp_path / "good.png", "--run", "other-20261122-010203-beef"), 3, "No run other"),
    ):
        done = segment(checkout, tmp_path, *arguments)
        assert done.returncode == code and words in done.stderr and done.stderr.count("\n") == 1, done.stderr
    shutil.copy(run / "out/model.weights.h5", named)
    with h5py.File(named / "model.weights.h5", "r+") as file:
        file["layers/conv2d/vars/0"][0, 0] = np.nan
    done = segment(checkout, tmp_path, tmp_path / "good.png")
    assert done.returncode == 3 and "weights that are no numbers" in done.stderr and done.stderr.count("\n") == 1
    done = segment(checkout, run.parent, tmp_path / "no-picture.png", tmp_path / "good.png", "--out", tmp_path / "made")
    assert done.returncode == 2 and "no-picture.png can't be read" in done.stderr and done.stderr.count("\n") == 1
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["good-mask.png", "good-overlay.png"]


def test_masks_made_before_are_no_pictures_and_two_of_a_name_are_refused(tmp_path):
    for name in ("a.png", "a-mask.png", "a-overlay.png", "b-mask.png", "b.txt"):
        (tmp_path / name).touch()
    found = segment_command.pictures([tmp_path, tmp_path / "a.png"], None)
    assert [path.name for path in found] == ["a.png", "b-mask.png"]
    (tmp_path / "a.jpg").touch()
    with pytest.raises(BadInput, match="Several pictures are called a"):
        segment_command.pictures([tmp_path], None)
