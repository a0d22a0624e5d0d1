"""What happens to a picture before the network sees it; model.json has it, so that bin/segment.sh does the same."""

from dataclasses import dataclass

import numpy as np

from jobs.parameters import BadInput
from jobs.pictures import images, masks

LUMINANCE = (0.299, 0.587, 0.114)
SHRINKS = (1, 2, 3, 4, 6, 8)
SURVIVAL = 0.95  # mean IoU that a mask must keep when it is shrunk and enlarged again
LOOKED_AT = 24  # masks, to find out


@dataclass(frozen=True)
class Preparation:
    """How brightness becomes what the network reads."""

    channels: int
    mean: tuple  # of the learnt pictures' brightness, for each channel
    deviation: tuple
    scale: float  # pictures are shrunk to this share of their width and height
    tile: int  # pixels: what is read at once of a picture that has been shrunk


def of(looks, encoding, scale, size, multiple):
    """The Preparation for pictures like these (jobs.pictures.image_survey.Look).

    scale: 0 to find out how far the masks survive it. size: pixels of a tile, if the pictures have as many; a multiple
    of `multiple`.
    """
    channels = max(look.channels for look in looks)
    sums = np.mean([np.broadcast_to(look.sums, (2, channels)) for look in looks], axis=0)
    mean, deviation = sums[0], np.sqrt(np.maximum(sums[1] - sums[0] ** 2, 1e-8))
    scale = scale or 1 / _shrink(looks, encoding, size)
    longest = max(max(shrunk(look.width, look.height, scale)) for look in looks)
    tile = min(size, multiple * -(-longest // multiple))
    return Preparation(channels, tuple(mean.tolist()), tuple(deviation.tolist()), scale, tile)


def shrunk(width, height, scale):
    """(width, height) of a picture of that size once it is shrunk."""
    return max(1, round(width * scale)), max(1, round(height * scale))


def pixels(path, preparation):
    """A picture from its file, shrunk, with as many channels as the network reads. Raises images.Unreadable, BadInput.

    An array (height, width, channels) of whatever type the file has.
    """
    found = _with_channels(images.read(path), preparation.channels, path)
    return images.resized(found, *shrunk(found.shape[1], found.shape[0], preparation.scale))


def whole_mask(path, encoding):
    """A mask from its file as class numbers: (height, width) of uint8. Raises images.Unreadable, BadInput."""
    return masks.decode(masks.read(path), encoding)


def mask(path, encoding, preparation):
    """The same, shrunk as its picture is."""
    whole = whole_mask(path, encoding)
    return images.picked(whole, *shrunk(whole.shape[1], whole.shape[0], preparation.scale))


def standardised(found, preparation):
    """Pixels as the network reads them: float32, around 0."""
    mean, deviation = (np.array(each, np.float32) for each in (preparation.mean, preparation.deviation))
    return (images.brightness(found) - mean) / deviation


def _with_channels(found, channels, path):
    if found.shape[-1] == channels:
        return found
    if found.shape[-1] == 1 and channels == 3:
        return np.repeat(found, 3, axis=-1)
    if found.shape[-1] == 3 and channels == 1:
        return np.rint(found @ np.array(LUMINANCE)).astype(found.dtype)[..., None]
    raise BadInput(f"Expected a picture of {channels} channels, got {path} with {found.shape[-1]}.")


def _shrink(looks, encoding, size):
    """The largest factor by which the pictures may be shrunk: they still fill a tile, and their masks survive it."""
    shortest = np.median([min(look.width, look.height) for look in looks])
    shown = looks[:: -(-len(looks) // LOOKED_AT)]
    for factor in sorted(SHRINKS, reverse=True):
        if factor == 1 or (shortest >= factor * size and _survival(shown, encoding, factor) >= SURVIVAL):
            return factor
    return 1


def _survival(looks, encoding, factor):
    """Mean IoU between masks and what is left of them after being shrunk and enlarged again."""
    both, either = np.zeros(256), np.zeros(256)
    for look in looks:
        whole = whole_mask(look.pair.mask, encoding)
        small = images.picked(whole, *shrunk(look.width, look.height, 1 / factor))
        back = images.picked(small, look.width, look.height)
        same = np.bincount(whole[whole == back], minlength=256)
        both += same
        either += np.bincount(whole.ravel(), minlength=256) + np.bincount(back.ravel(), minlength=256) - same
    occur = either[: encoding.classes] > 0
    return float(np.mean(both[: encoding.classes][occur] / either[: encoding.classes][occur]))
