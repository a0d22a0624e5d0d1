"""The default set: tiles along the coasts, and no longitude in two of its parts."""

import numpy as np
from PIL import Image

from jobs.pictures import image_survey, otsu, satellite


def test_no_longitude_is_in_two_parts(tmp_path, monkeypatch):
    """On a made-up world whose brightness tells the longitude, and whose land is everywhere north of 2 degrees."""
    columns = np.arange(4320) // 17
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(satellite, "NORTH", 12)
    monkeypatch.setattr(satellite, "SOUTH", -12)
    monkeypatch.setattr(satellite, "_photograph", lambda: np.tile(np.uint8(columns), (2160, 1)))
    north = np.uint8(np.arange(2160) < 1056)[:, None] * 255
    monkeypatch.setattr(satellite, "_land", lambda: np.tile(north, (1, 4320)))
    folder = satellite.fetch()
    assert satellite.fetch() == folder
    seen = {}
    for part in ("train", "validation", "test"):
        tiles = [np.asarray(Image.open(path)) for path in sorted((folder / part / "images").iterdir())]
        assert {tile.shape for tile in tiles} == {(128, 128)} and len(tiles) > 1
        seen[part] = set(np.unique(tiles))
    assert len(seen["test"] & seen["train"]) <= 1 and len(seen["test"] & seen["validation"]) <= 1  # one border each
    survey = image_survey.take(folder)
    assert {look.pair.part for look in survey.looks} == {"learnt", "watched", "held out"}
    assert (folder / "classes.txt").read_text().split() == ["water", "land"]


def test_otsu_parts_what_is_dark_from_what_is_bright():
    random = np.random.default_rng(0)
    grey = np.uint8(np.concatenate([random.normal(60, 10, 3000), random.normal(180, 15, 1000)]))
    assert 85 < otsu.threshold(grey) < 140
    assert otsu.threshold(np.full(10, 7, np.uint8)) in range(256)
