"""The arrays of a Keras weights file, which is HDF5: nothing is allocated that the file does not hold itself.

HDF5 can declare arrays of any size in a few bytes, and links, virtual arrays and raw files can lead to other files.
"""

import math

import h5py

from jobs.parameters import NotFound

WRONG = (OSError, KeyError, RuntimeError, TypeError, ValueError, OverflowError, MemoryError)  # of h5py, for odd files


def read(path, choose):
    """What choose makes of {name: Dataset}: it checks their shapes, then reads with `dataset[()]`.

    Raises NotFound for a file that is missing, damaged, or holds less than it promises.
    """
    try:
        with h5py.File(path) as file:
            return choose(_stored(file))
    except FileNotFoundError:
        raise NotFound(f"Expected weights at {path}, found none. A run has them after its first epoch.") from None
    except NotFound:
        raise
    except WRONG as wrong:
        reason = (str(wrong) or type(wrong).__name__).splitlines()[0]
        raise NotFound(f"{path} is damaged or not a language model's: {reason}") from None


def _stored(file):
    """{name: Dataset} of the arrays of floats that the file itself holds; no link is followed."""
    found = {}

    def note(name, item):
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" and not item.external and not item.is_virtual:
            found[name] = item

    file.visititems(note)
    promised = sum(math.prod(one.shape) * one.dtype.itemsize for one in found.values())
    if promised > file.id.get_filesize():
        raise ValueError(f"it promises {promised:,} bytes of numbers and has {file.id.get_filesize():,} in all")
    return found
