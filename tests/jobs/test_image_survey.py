"""The first pass: every file that can't be learnt from is named, and everything else is understood."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from jobs.parameters import BadInput
from jobs.pictures import image_survey, preparation
from tests.jobs import painted_discs


@pytest.fixture
def photos(tmp_path):
    """Twelve good pairs, to spoil."""
    return painted_discs.save(tmp_path / "photos", 12)


def spoil(photos):
    """Spoil a file in each way there is."""
    (photos / "masks/000.png").unlink()
    (photos / "images/001.png").unlink()
    (photos / "images/002.png").write_text("not a picture")
    whole = (photos / "masks/003.png").read_bytes()
    (photos / "masks/003.png").write_bytes(whole[: len(whole) // 2])
    Image.fromarray(np.zeros((10, 20), np.uint8)).save(photos / "images/004.png")
    for number in range(5, 10):
        mask = np.array(Image.open(photos / f"masks/00{number}.png"))
        mask[3, 4] = 77
        Image.fromarray(mask).save(photos / f"masks/00{number}.png")


def test_everything_that_is_wrong_is_named_at_once(photos):
    spoil(photos)
    with pytest.raises(BadInput) as wrong:
        image_survey.take(photos, classes=2)
    told = str(wrong.value)
    for words in (
        "2 pairs in",
        "1 x image without a mask: images/000.png",
        "1 x mask without an image: masks/001.png",
        "1 x unreadable image: images/002.png (cannot identify image file)",
        "1 x unreadable mask: images/003.png (003.png: ",
        "1 x size that differs from its mask's: images/004.png (20 x 10, the mask 64 x 64)",
        "5 x mask with a class out of range (0, 255): 005.png has 77, 006.png has 77, 007.png has 77 and 2 more",
        "skip_bad=true",
    ):
        assert words in told, told
    assert "\n" not in told


def test_what_is_wrong_can_be_left_out(photos, capsys):
    spoil(photos)
    survey = image_survey.take(photos, classes=2, skip_bad=True)
    assert [look.pair.image.name for look in survey.looks] == ["010.png", "011.png"]
    assert "5 x mask with a class out of range" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ((), "There are no pictures: expected images/NAME.png"),
        (("1.png", "2.png"), "2 pictures are there, none of which has"),
        (("1.png", "1_mask.png"), "two classes at least in the masks, got 0 everywhere"),
    ],
)
def test_a_folder_without_pairs_says_what_was_expected(tmp_path, names, words):
    for name in names:
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / name)
    with pytest.raises(BadInput, match=words):
        image_survey.take(tmp_path)


def test_grey_and_colour_may_be_mixed(photos):
    grey = Image.open(photos / "images/000.png")
    grey.convert("RGB").save(photos / "images/000.png")  # is still grey
    survey = image_survey.take(photos)
    assert preparation.of(survey.looks, survey.encoding, 0, 64, 8).channels == 1
    Image.fromarray(np.uint8(np.asarray(grey)[..., None] * (1, 0.8, 0.6))).save(photos / "images/000.png")
    survey = image_survey.take(photos)
    prepared = preparation.of(survey.looks, survey.encoding, 0, 64, 8)
    assert prepared.channels == 3
    assert preparation.pixels(photos / "images/001.png", prepared).shape == (64, 64, 3)


def test_the_check_before_anything_is_rented_needs_no_tensorflow(photos, checkout):
    given = json.dumps({"data": str(photos)})
    command = "import sys; from jobs import check; check.main('unet_segmentation'); print('tensorflow' in sys.modules)"
    good = subprocess.run([sys.executable, "-c", command], input=given, capture_output=True, text=True, cwd=checkout)
    assert (good.returncode, good.stdout) == (0, "False\n"), good.stderr
    spoil(photos)
    command = [sys.executable, "-m", "jobs.check", "unet_segmentation"]
    bad = subprocess.run(command, input=given, capture_output=True, text=True, cwd=checkout)
    assert bad.returncode == 2 and bad.stderr.count("\n") == 1 and "002.png" in bad.stderr


def prepared(path, shape, scale, size=64):
    """The Preparation for one picture, black but for a disc, of that scale: shape pixels, a disc of shape / scale."""
    y, x = np.mgrid[:shape, :shape]
    cell = shape / scale
    disc = np.uint8((y % cell - cell / 2) ** 2 + (x % cell - cell / 2) ** 2 < (cell / 3) ** 2) * 255
    for side in ("images", "masks"):
        (path / side).mkdir(exist_ok=True)
        for name in "ab":
            Image.fromarray(disc).save(path / side / f"{name}.png")
    survey = image_survey.take(path)
    return preparation.of(survey.looks, survey.encoding, 0, size, 8)


def test_pictures_are_shrunk_as_far_as_their_masks_survive(tmp_path):
    """One large disc may be shrunk until it fills a tile, many small ones may not."""
    assert prepared(tmp_path, 512, scale=1).scale == 1 / 8
    assert prepared(tmp_path, 512, scale=32).scale == 1
    assert prepared(tmp_path, 100, scale=1).scale == 1
    assert prepared(tmp_path, 40, scale=1).tile == 40


def test_every_depth_of_colour_becomes_the_same_brightness(tmp_path):
    grey = np.linspace(0, 1, 64 * 64).reshape(64, 64)
    files = {"8.png": np.uint8(grey * 255), "16.png": np.uint16(grey * 65535), "16.tif": np.uint16(grey * 65535)}
    files["rgb.png"] = np.uint8(np.repeat(grey[..., None], 3, -1) * 255)
    files["rgba.png"] = np.dstack([files["rgb.png"], np.full((64, 64), 100, np.uint8)])
    files["float.tif"] = np.float32(grey)
    plain = preparation.Preparation(1, (0.0,), (1.0,), 1.0, 64)
    for name, pixels in files.items():
        Image.fromarray(pixels).save(tmp_path / name)
        read = preparation.standardised(preparation.pixels(tmp_path / name, plain), plain)
        np.testing.assert_allclose(read[..., 0], grey, atol=0.005, err_msg=name)


def test_another_number_of_channels_is_named_and_can_be_left_out(photos):
    page = Image.open(photos / "images/003.png")
    page.save(photos / "images/003.tif", save_all=True, append_images=[page])
    (photos / "images/003.png").unlink()
    with pytest.raises(
        BadInput, match=r"11 pairs .*1 x image with another number of channels: images/003.tif \(2, others 3"
    ):
        image_survey.take(photos)
    assert len(image_survey.take(photos, skip_bad=True).looks) == 11
