"""Pictures as arrays, whatever file they come in: PNG, JPEG, TIFF and others, through Pillow."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from jobs import atomic
from jobs.parameters import BadInput

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp"))
Image.MAX_IMAGE_PIXELS = None  # these are the user's own files, and satellites see far


class Unreadable(BadInput):
    """A file that is no picture, or not a whole one."""


def is_picture(path):
    """Whether a path is named like a picture, and not hidden (as the ._ files of macOS are)."""
    return path.suffix.lower() in SUFFIXES and not any(part.startswith((".", "__MACOSX")) for part in path.parts)


def read(path):
    """A photograph: an array (height, width, channels) of uint8, uint16 or float32. Raises Unreadable.

    Channels are 1 for grey, also if it was written as colours or with a palette, and 3 for colours; transparency is
    left out. The pages of a TIFF with several are channels, too.
    """
    with opened(path) as file:
        pages = [_pixels(page) for page in ImageSequence.Iterator(file)] if has_pages(file) else [_pixels(file)]
    if len({page.shape for page in pages}) > 1:  # a thumbnail, or a pyramid of sizes: the first is the picture
        pages = pages[:1]
    return np.concatenate(pages, axis=-1)


def brightness(pixels):
    """The same between 0 and 1, as float32; floats stay as they are, whatever their range."""
    if pixels.dtype == np.float32:
        return pixels
    return pixels.astype(np.float32) / np.iinfo(pixels.dtype).max


def resized(pixels, width, height):
    """An image (height, width, channels) in another size, smoothly; same type."""
    if pixels.shape[:2] == (height, width):
        return pixels
    if pixels.dtype == np.uint8 and pixels.shape[-1] in (1, 3):
        small = Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
        return np.asarray(small.resize((width, height), Image.Resampling.BILINEAR)).reshape(height, width, -1)
    channels = [Image.fromarray(pixels[..., number].astype(np.float32)) for number in range(pixels.shape[-1])]
    smooth = np.stack([np.asarray(one.resize((width, height), Image.Resampling.BILINEAR)) for one in channels], -1)
    return smooth if pixels.dtype == np.float32 else np.rint(smooth).astype(pixels.dtype)


def picked(mask, width, height):
    """A mask (height, width) in another size: each pixel one of the old ones, never a mixture."""
    if mask.shape == (height, width):
        return mask
    rows = ((np.arange(height) + 0.5) * mask.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * mask.shape[1] / width).astype(int)
    return mask[rows[:, None], columns]


def write_png(path, pixels, palette=None):
    """Write an array (height, width) or (height, width, 3) as a PNG, whole or not at all.

    palette: (256, 3) of uint8, the colours that numbers in pixels stand for.
    """
    picture = Image.fromarray(pixels)
    if palette is not None:
        picture.putpalette(palette.tobytes())
    with atomic.replacing(path) as temporary:
        picture.save(temporary, format="PNG")


def opened(path):
    """Pillow's image, its pixels read; in words what is wrong with the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata; what matters raises
            file = Image.open(path)
            file.load()
    except FileNotFoundError:
        raise Unreadable(f"No such file: {path}.") from None
    except Exception as wrong:  # damaged files raise whatever their decoder stumbles over
        reason = str(wrong).partition(" '")[0].partition(" <")[0] or type(wrong).__name__
        raise Unreadable(f"{Path(path).name} can't be read: {reason}.") from None
    return file


def has_pages(file):
    """Whether Pillow's image is a TIFF of several pages."""
    return file.format == "TIFF" and getattr(file, "n_frames", 1) > 1


def _pixels(page):
    """One page as (height, width, channels)."""
    if page.mode in ("I;16", "I;16B", "I;16L"):
        return np.asarray(page, np.uint16)[..., None]
    if page.mode in ("F", "I"):
        return np.asarray(page, np.float32)[..., None]
    if page.mode in ("1", "L", "LA", "La"):
        return np.asarray(page.convert("L"))[..., None]
    colours = np.asarray(page.convert("RGB"))
    is_grey = np.array_equal(colours[..., 0], colours[..., 1]) and np.array_equal(colours[..., 1], colours[..., 2])
    return colours[..., :1] if is_grey else colours
