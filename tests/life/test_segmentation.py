"""Pictures of one's own through the whole product: looked at here, learnt from there, and a mask at the end."""

import json
import subprocess

import numpy as np
import pytest
from PIL import Image

from tests.jobs import painted_discs
from tests.life.checkout import finished

TINY = ("epochs=1", "size=32", "width=4", "depth=1")
PATIENCE_S = 400


def words(task, folder, *sets):
    """The words of a task of bin/fab for the job with that folder of pairs."""
    sets = (f"data={folder}", *sets)
    return [task, "--job", "unet_segmentation", *(word for one in sets for word in ("--set", one))]


@pytest.fixture
def photos(tmp_path):
    return painted_discs.save(tmp_path / "my photos", 10)


def test_pictures_are_learnt_from_and_a_mask_comes_out(checkout, photos, tmp_path):
    outcome = finished(checkout.start(*words("train", photos, *TINY)), PATIENCE_S)
    assert outcome.returncode == 0, outcome.stderr
    assert (
        "Learning 8 pictures, 2 held out" in outcome.stderr and "without learning: Otsu's threshold" in outcome.stderr
    )
    (run_id,) = checkout.run_ids()
    out = checkout.runs / run_id / "out"
    assert json.loads((out / "model.json").read_text())["metrics"]["held_out_mean_iou"] > 0.4
    assert {path.name for path in (out / "plots").iterdir()} == {"curves.png", "held-out.png", "confusion.png"}
    command = [checkout.path / "bin/segment.sh", photos / "images/003.png", "--out", tmp_path / "masks"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert np.shape(Image.open(tmp_path / "masks/003-mask.png")) == (64, 64)


def test_a_bad_set_is_refused_before_anything_is_rented(checkout, photos):
    (photos / "masks/004.png").unlink()
    (photos / "images/005.png").write_text("no picture")
    for task in ("plan", "train"):
        outcome = checkout.fab(*words(task, photos))
        assert outcome.returncode == 2 and "Traceback" not in outcome.stderr, outcome.stderr
        last = outcome.stderr.splitlines()[-1]
        assert "1 x image without a mask: images/004.png" in last and "1 x unreadable image: images/005.png" in last
    assert checkout.billed() == []
