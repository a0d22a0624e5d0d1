"""Masks are understood however they were written: grey, spread, palette, colours, pages, soft, lossy, objects, void."""

import numpy as np
import pytest
from PIL import Image

from jobs.parameters import BadInput
from jobs.pictures import class_colours, images, mask_encoding, masks

TRUTH = np.kron(np.array([[0, 1, 2], [2, 0, 1], [1, 1, 0]]), np.ones((16, 16), int)).astype(np.uint8)  # 48 x 48


def understood(*paths, **given):
    """(class numbers of each mask, the encoding) of a set that consists of these files."""
    coded = [masks.read(path) for path in paths]
    encoding = mask_encoding.discover([mask_encoding.count(one) for one in coded], **given)
    return [masks.decode(one, encoding) for one in coded], encoding


def save(path, pixels, **options):
    Image.fromarray(pixels).save(path, **options)
    return path


def with_palette(path, indices, colours):
    picture = Image.fromarray(indices)
    picture.putpalette(np.array(colours, np.uint8).tobytes())
    picture.save(path)
    return path


COLOURS = np.array([(0, 0, 0), (255, 0, 0), (0, 128, 255)], np.uint8)  # in the order of their codes: black, blue, red
WRITERS = {
    "numbers": lambda folder: save(folder / "a.png", TRUTH),
    "spread": lambda folder: save(folder / "a.png", TRUTH * 100),
    "with gaps": lambda folder: save(folder / "a.png", np.array([0, 7, 31], np.uint8)[TRUTH]),
    "16 bits": lambda folder: save(folder / "a.tif", TRUTH.astype(np.uint16) * 1000),
    "32 bits": lambda folder: save(folder / "a.tif", TRUTH.astype(np.int32)),
    "palette": lambda folder: with_palette(folder / "a.png", TRUTH, [(9, 9, 9), (200, 0, 0), (0, 0, 200)]),
    "colours": lambda folder: save(folder / "a.png", COLOURS[[0, 2, 1]][TRUTH]),
    "colours with alpha": lambda folder: save(
        folder / "a.png", np.dstack([COLOURS[[0, 2, 1]][TRUTH], np.full(TRUTH.shape, 255, np.uint8)])
    ),
    "lossy": lambda folder: save(folder / "a.jpg", TRUTH * 100, quality=80),
    "a channel a class": lambda folder: save(folder / "a.png", np.eye(3, dtype=np.uint8)[TRUTH][..., ::-1] * 255),
    "with compression": lambda folder: save(folder / "a.tif", TRUTH, compression="tiff_lzw"),
}


@pytest.mark.parametrize("way", WRITERS)
def test_classes_are_found_however_they_were_written(tmp_path, way):
    (classes,), encoding = understood(WRITERS[way](tmp_path))
    assert encoding.classes == 3
    np.testing.assert_array_equal(classes, TRUTH)


def test_a_page_for_each_class(tmp_path):
    pages = [Image.fromarray(np.uint8(number == TRUTH) * 255) for number in range(3)]
    pages[0].save(tmp_path / "whole.tif", save_all=True, append_images=pages[1:])
    pages[1].save(tmp_path / "rest.tif", save_all=True, append_images=pages[2:])
    np.testing.assert_array_equal(understood(tmp_path / "whole.tif")[0][0], TRUTH)
    np.testing.assert_array_equal(understood(tmp_path / "rest.tif")[0][0], TRUTH)  # no page is set: a class as well
    pages[0].save(tmp_path / "twice.tif", save_all=True, append_images=[pages[0]])
    with pytest.raises(images.Unreadable, match="several classes at once in 768 pixels"):
        masks.read(tmp_path / "twice.tif")


@pytest.mark.parametrize("bits", [np.uint8, bool])
def test_black_and_white(tmp_path, bits):
    truth = TRUTH > 0
    (classes,), encoding = understood(save(tmp_path / "a.png", truth if bits is bool else truth.astype(bits) * 255))
    np.testing.assert_array_equal(classes, truth)
    assert encoding.codes == ((0, 1) if bits is bool else (0, 255))


def test_soft_and_lossy_edges_belong_to_the_nearer_side(tmp_path):
    y, x = np.mgrid[:200, :200]
    disc = np.hypot(y - 100, x - 100)
    soft = save(tmp_path / "a.png", np.uint8(np.clip((60 - disc) / 4 + 0.5, 0, 1) * 255))
    lossy = save(tmp_path / "b.jpg", np.uint8((disc < 60) * 255), quality=60)
    for path in (soft, lossy):
        (classes,), encoding = understood(path)
        assert encoding.classes == 2
        assert (classes != (disc < 60)).mean() < 0.002


@pytest.mark.parametrize("levels", [(0, 255), (0, 120, 255)])
def test_masks_that_were_enlarged_smoothly_have_no_classes_along_their_edges(tmp_path, levels):
    classes = np.minimum(TRUTH, len(levels) - 1)
    enlarged = Image.fromarray(np.array(levels, np.uint8)[classes]).resize((96, 96), Image.Resampling.BILINEAR)
    (found,), encoding = understood(save(tmp_path / "a.png", np.asarray(enlarged)))
    assert encoding.codes == levels
    assert (found != classes.repeat(2, 0).repeat(2, 1)).mean() < 0.03


def test_255_beside_class_numbers_is_not_scored(tmp_path):
    void = TRUTH.copy()
    void[:5] = 255
    (classes,), encoding = understood(save(tmp_path / "a.png", void))
    assert encoding.classes == 3 and encoding.ignored == 255
    assert (classes == 255).sum() == 5 * 48
    void[void < 255] = np.array([0, 7, 33], np.uint8)[void[void < 255]]
    assert understood(save(tmp_path / "gaps.png", void))[1].codes == (0, 7, 33)
    levels = save(tmp_path / "levels.png", np.array([0, 60, 255], np.uint8)[TRUTH])  # to be seen, no numbers
    assert understood(levels)[1].codes == (0, 60, 255)
    (classes,), encoding = understood(save(tmp_path / "b.png", TRUTH), ignored=2)
    assert encoding.codes == (0, 1) and (classes[TRUTH == 2] == 255).all()


def test_numbered_objects_are_one_class(tmp_path):
    paths = []
    for number, objects in enumerate((12, 9, 17)):
        cells = np.zeros((60, 60), np.uint16)
        for cell in range(objects):
            cells[cell // 6 * 10 : cell // 6 * 10 + 7, cell % 6 * 10 : cell % 6 * 10 + 7] = cell + 1
        paths.append(save(tmp_path / f"{number}.tif", cells))
    classes, encoding = understood(*paths)
    assert encoding.objects and encoding.classes == 2
    assert [int(mask.sum()) for mask in classes] == [49 * 12, 49 * 9, 49 * 17]


def test_objects_numbered_throughout_a_film_are_one_class(tmp_path):
    """Cells keep their numbers from frame to frame, and a part of a picture doesn't begin with 1."""
    cells = np.kron(np.arange(100, 136).reshape(6, 6), np.pad(np.ones((8, 8), int), 1)).astype(np.uint16)
    paths = [save(tmp_path / f"{number}.tif", np.roll(cells, number, 0)) for number in range(3)]
    classes, encoding = understood(*paths)
    assert encoding.objects and [int(mask.sum()) for mask in classes] == [64 * 36] * 3


def test_many_classes_are_no_objects(tmp_path):
    """Twenty of them, most of which are here and there in a picture, or all over it."""
    random = np.random.default_rng(0)
    drawn = [np.kron(random.integers(20, size=(8, 8)), np.ones((9, 9), int)).astype(np.uint8) for _ in range(3)]
    paths = [save(tmp_path / f"{number}.png", pixels) for number, pixels in enumerate(drawn)]
    _classes, encoding = understood(*paths)
    assert encoding.classes == 20


def test_palettes_made_file_by_file_are_read_as_colours(tmp_path):
    """One program numbers the colours in the order in which it meets them."""
    colours = [(0, 0, 0), (0, 0, 200), (200, 0, 0)]
    one = with_palette(tmp_path / "1.png", TRUTH, colours)
    other = with_palette(tmp_path / "2.png", 2 - TRUTH, colours[::-1])
    classes, encoding = understood(one, other)
    assert encoding.kind == "colour"
    np.testing.assert_array_equal(classes, [TRUTH, TRUTH])


def test_a_mask_without_colours_among_coloured_ones(tmp_path):
    empty = save(tmp_path / "empty.png", np.zeros((48, 48), np.uint8))
    classes, encoding = understood(save(tmp_path / "a.png", COLOURS[TRUTH]), empty)
    assert encoding.kind == "colour" and (classes[1] == 0).all()


def test_grey_written_as_colours_is_grey(tmp_path):
    (classes,), encoding = understood(save(tmp_path / "a.png", np.repeat(TRUTH[..., None], 3, -1)))
    assert encoding.codes == (0, 1, 2) and encoding.kind == "grey"
    np.testing.assert_array_equal(classes, TRUTH)


def test_the_number_of_classes_can_be_given(tmp_path):
    paths = [save(tmp_path / "a.png", TRUTH)]
    assert understood(*paths, classes=5)[1].codes == (0, 1, 2, 3, 4)
    counts = [mask_encoding.count(masks.read(path)) for path in paths]
    two = mask_encoding.discover(counts, classes=2)
    assert mask_encoding.unknown_codes(counts[0], two) == "2"
    spread = [mask_encoding.Counts("grey", {}, False, {0: 1000, 255: 900, 77: 1})]
    assert mask_encoding.discover(spread, classes=2).codes == (0, 255)


def test_a_few_pixels_of_one_mask_are_no_class_but_a_mistake():
    masks_of_two = [mask_encoding.Counts("grey", {}, False, {0: 900, 1: 100})] * 4
    stray, rare = (mask_encoding.Counts("grey", {}, False, {0: 900, 1: 99, code: 5}) for code in (200, 2))
    two = mask_encoding.discover([*masks_of_two, stray])
    assert two.codes == (0, 1) and mask_encoding.unknown_codes(stray, two) == "200"
    assert mask_encoding.discover([*masks_of_two, rare]).codes == (0, 1, 2)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [({0: 9}, "two classes at least"), ({code: 10 for code in range(0, 3000, 10)}, "number single objects")],
)
def test_what_can_be_no_set_of_masks_is_refused(pixels, message):
    with pytest.raises(BadInput, match=message):
        mask_encoding.discover([mask_encoding.Counts("grey", {}, False, pixels)])


@pytest.mark.parametrize("way", WRITERS)
def test_masks_are_written_as_they_were_read(tmp_path, way):
    """A mask written with an encoding means the same to whoever learnt from masks with that encoding."""
    (classes,), encoding = understood(WRITERS[way](tmp_path))
    masks.write(tmp_path / "written.png", classes, encoding, class_colours.colours(["a", "b", "c"]))
    np.testing.assert_array_equal(masks.decode(masks.read(tmp_path / "written.png"), encoding), TRUTH)
