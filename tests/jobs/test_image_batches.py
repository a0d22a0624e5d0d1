"""What a batch holds follows from seed, epoch and step; a set larger than memory can be learnt from."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from jobs.pictures import augmentation, image_batches, segmentation_set
from jobs.unet_segmentation import Parameters
from tests.jobs import painted_discs

MEMORY = """
import resource, sys
from jobs.pictures import image_batches, segmentation_set
from jobs.unet_segmentation import Parameters
image_batches.KEPT_BYTES, image_batches.NEIGHBOURS = 8 << 20, 8
params = Parameters(data=sys.argv[1], size=256, scale=1, group="image", batch=4)
cuts = segmentation_set.cuts(segmentation_set.read(params), params)
for step in range(10):
    cuts.at(1, step)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for step in range(10, cuts.steps):
    cuts.at(1, step)
print(cuts.steps, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def cuts(folder, **given):
    params = Parameters(data=str(folder), **({"size": 32, "batch": 3} | given))
    return segmentation_set.cuts(segmentation_set.read(params), params)


@pytest.fixture(scope="module")
def discs(tmp_path_factory):
    return painted_discs.save(tmp_path_factory.mktemp("discs"), 6, height=70, width=50)


def test_any_step_is_the_same_whenever_it_is_asked_for(discs):
    """In order, out of order, by another process's object: and never twice the same within an epoch."""
    one, other = cuts(discs), cuts(discs)
    in_order = [[np.asarray(part) for part in one.at(2, step)] for step in range(one.steps)]
    for step in (5, 6, 2, one.steps - 1):
        for expected, found in zip(in_order[step], other.at(2, step), strict=True):
            np.testing.assert_array_equal(found, expected)
    assert in_order[0][0].shape == (3, 32, 32, 1) and in_order[0][1].shape == (3, 32, 32)
    assert len({pixels.tobytes() for batch in in_order for pixels in batch[0]}) == 3 * one.steps
    assert not np.array_equal(in_order[0][0], np.asarray(one.at(3, 0)[0]))
    assert not np.array_equal(in_order[0][0], np.asarray(cuts(discs, seed=1).at(2, 0)[0]))


def test_a_few_pictures_are_cut_often_and_each_of_many_once():
    for pictures, size, expected in ((3, 32, 85), (500, 32, 1), (100, 1000, 31), (1000, 1000, 4), (9000, 1000, 1)):
        assert image_batches._cuts_of_each(source([(size, 32)] * pictures), 8) == [expected] * pictures


def source(sizes):
    prepared = image_batches.Preparation(1, (0.0,), (1.0,), 1.0, 32)
    return image_batches.Source((), tuple(sizes), None, prepared, "all", 0, 0)


@pytest.mark.parametrize("kind", ["none", "upright", "all"])
@pytest.mark.parametrize("shape", [(32, 32), (100, 40), (20, 20), (5, 90)])
def test_picture_and_mask_stay_together(kind, shape):
    """The picture is its own mask: wherever it is cut, mirrored, enlarged and turned, the mask is as well."""
    random = np.random.default_rng(0)
    mask = np.kron(random.integers(2, size=(25, 25)), np.ones((8, 8)))[: shape[0], : shape[1]].astype(np.uint8)
    for _ in range(20):
        pixels, cut = augmentation.cut(random, mask[..., None] * 255, mask, 32, kind)
        assert pixels.shape == (32, 32, 1) and cut.shape == (32, 32)
        assert ((pixels[..., 0] > 127) == cut).mean() > 0.9


def test_small_things_are_cut_out_more_often_than_they_cover():
    random = np.random.default_rng(0)
    mask = np.zeros((400, 400), np.uint8)
    mask[100:104, 300:304] = 1
    seen = [augmentation.cut(random, mask[..., None], mask, 32, "upright")[1].any() for _ in range(200)]
    assert 0.08 < np.mean(seen) < 0.5


@pytest.mark.skipif(sys.platform != "linux", reason="compares peaks of memory in kilobytes: Linux")
def test_a_set_larger_than_what_is_kept_streams(tmp_path, checkout):
    """92 MB of pictures, decoded, raise the peak by a part of that."""
    random = np.random.default_rng(0)
    for side in ("images", "masks"):
        (tmp_path / side).mkdir()
    for number in range(80):
        noise = random.integers(0, 255, (600, 600, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / f"images/{number}.bmp")
        Image.fromarray(np.uint8(noise[..., 0] > 127) * 255).save(tmp_path / f"masks/{number}.png", compress_level=1)
    command = [sys.executable, "-c", MEMORY, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=checkout, check=False)
    assert done.returncode == 0, done.stderr
    steps, kilobytes = map(int, done.stdout.split()[-2:])
    assert steps > 60 and kilobytes < 45_000, done.stdout
