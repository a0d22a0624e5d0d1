"""Pictures find their masks by name, whatever the custom; what has no partner is named."""

import numpy as np
import pytest
from PIL import Image

from jobs.pictures import image_pairs

PICTURE = Image.fromarray(np.zeros((2, 2), np.uint8))


def found(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        PICTURE.save(folder / name)
    pairs, problems = image_pairs.find(folder)
    return {pair.name: str(pair.mask.relative_to(folder)) for pair in pairs}, problems


CUSTOMS = {
    "folders": {"images/1.png": "masks/1.png", "images/2.jpg": "masks/2.png"},
    "deep folders": {"a/images/x/1.png": "a/labels/x/1.png", "b/images/x/1.png": "b/labels/x/1.png"},
    "folders within": {"images/a/1.png": "masks/a/1.tif", "images/b/1.png": "masks/b/1.tif"},
    "suffix _mask": {"1.png": "1_mask.png", "2.png": "2_mask.png"},
    "suffix -labels": {"cell-1.tif": "cell-1-labels.tif"},
    "suffix .label": {"cell.1.png": "cell.1.label.png"},
    "prefix": {"img_01.png": "mask_01.png", "img_02.png": "mask_02.png"},
    "satellite": {"104_sat.jpg": "104_mask.png"},
    "skin": {"images/ISIC_0012.jpg": "masks/ISIC_0012_segmentation.png"},
    "streets": {
        "leftImg8bit/train/aachen/aachen_1_19_leftImg8bit.png": "gtFine/train/aachen/aachen_1_19_gtFine_labelIds.png"
    },
    "videos": {"train/01_6.png": "trainannot/01_6.png", "val/01_7.png": "valannot/01_7.png"},
    "voc": {"JPEGImages/2007_32.jpg": "SegmentationClass/2007_32.png"},
    "pets": {"images/cat_1.jpg": "annotations/trimaps/cat_1.png"},
    "retina": {"images/21_training.tif": "1st_manual/21_manual1.gif"},
    "plates": {"20P1/20P1_POS2_D_1UL.tif": "20P1/20P1_POS2_D_1UL_labels.tif"},
    "medicine": {"imagesTr/liver_1.png": "labelsTr/liver_1.png"},
    "glued": {"images/img7.png": "masks/mask7.png", "images/img8.png": "masks/mask8.png"},
    "glued, in one folder": {"img7.png": "mask7.png", "img8.png": "mask8.png"},
    "a folder a pair": {"case1/image.png": "case1/mask.png", "case2/image.png": "case2/mask.png"},
    "side by side": {"a.jpg": "a.png", "b.jpg": "b.png"},
    "capitals": {"Images/Cell_A.PNG": "Masks/cell_a_Mask.PNG"},
    "label in a picture's name": {"images/label_1.png": "masks/label_1.png", "images/label_2.png": "masks/label_2.png"},
}  # fmt: skip


@pytest.mark.parametrize("custom", CUSTOMS)
def test_pairs_are_found(tmp_path, custom):
    expected = CUSTOMS[custom]
    assert found(tmp_path, *expected, *expected.values()) == (expected, {})


def test_what_has_no_partner_is_named(tmp_path):
    pairs, problems = found(tmp_path, "images/1.png", "images/2.png", "masks/2.png", "masks/3.png", "images/2.jpg")
    assert pairs == {"images/2.jpg": "masks/2.png"}
    assert problems == {
        "image without a mask": ["images/1.png"],
        "mask without an image": ["masks/3.png"],
        "name that several files share": ["images/2.jpg", "images/2.png"],
    }


def test_pictures_to_be_predicted_and_hidden_files_are_no_mistakes(tmp_path):
    names = (
        "train/images/1.png",
        "train/masks/1.png",
        "test/images/9.png",
        "train/images/._1.png",
        ".cache/images/5.png",
    )
    assert found(tmp_path, *names) == ({"train/images/1.png": "train/masks/1.png"}, {})
    assert found(tmp_path / "medicine", "imagesTr/1.png", "labelsTr/1.png", "imagesTs/2.png")[1] == {}


def test_folders_tell_the_part(tmp_path):
    found(tmp_path, *(f"{part}/{side}/{part}.png" for part in ("train", "val", "test") for side in ("images", "masks")))
    assert [pair.part for pair in image_pairs.find(tmp_path)[0]] == ["held out", "learnt", "watched"]
