"""A training's whole state on disk: enough to go on bit for bit as if it had never been stopped.

One HDF5 file a checkpoint, `checkpoint/step-00000972.h5`, appearing whole; the last two are kept, in case the newest is
damaged. Inside: the arrays under their position, and a JSON text of everything else.
"""

import io
import json

import h5py
import numpy as np

from jobs import atomic

KEPT = 2


def save(folder, step, arrays, progress):
    """Write the state after `step` steps, then drop all but the last two. progress: whatever JSON can hold."""
    content = io.BytesIO()  # HDF5 brings the process down when the disk is full; writing bytes raises OSError
    with h5py.File(content, "w") as file:
        file.attrs["progress"] = json.dumps(progress)
        for position, array in enumerate(arrays):
            file.create_dataset(str(position), data=np.asarray(array), fletcher32=np.ndim(array) > 0)
        file.attrs["arrays"] = len(arrays)
    atomic.write_bytes(folder / f"step-{step:08d}.h5", content.getvalue())
    for old in _newest_first(folder)[KEPT:]:
        old.unlink(missing_ok=True)


def load(folder):
    """(arrays, progress) of the newest checkpoint that is whole, or None."""
    for path in _newest_first(folder):
        try:
            with h5py.File(path) as file:
                arrays = [file[str(position)][()] for position in range(file.attrs["arrays"])]
                return arrays, json.loads(file.attrs["progress"])
        except (OSError, KeyError, ValueError) as wrong:
            print(f"Skipped the damaged checkpoint {path.name}: {wrong}", flush=True)
    return None


def _newest_first(folder):
    return sorted(folder.glob("step-*.h5"), reverse=True)
