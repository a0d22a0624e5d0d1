"""Volumes of an embedded EC2 on file systems of their own: full, or read-only after an error, as the kernel has it.

A volume's folder of files becomes the mount point of a small ext4 on a loop device. Needs root, and Linux.
"""

import contextlib
import os
import subprocess
import time

SIZE = 8 << 20  # bytes
BLOCK = 1 << 12
FREE_WITHIN_S = 10


def usable():
    """Whether this process may mount."""
    return os.geteuid() == 0 and os.path.exists("/dev/loop-control")  # noqa: PTH110


def put_on_disks(state):
    """Give every volume that has none yet a file system of its own. Before it is mounted on its machine."""
    for files in state.glob("volumes/*/files"):
        if not files.is_mount():
            image = files.parent / "ext4"
            with image.open("wb") as file:
                file.truncate(SIZE)
            _run("mkfs.ext4", "-q", "-m", "0", image)
            _run("mount", "-o", "loop", image, files)


def fill(state):
    """Not a byte more fits on any of them."""
    for files in _mounted(state):
        with contextlib.suppress(OSError), (files / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(BLOCK))


def abort(state):
    """As after an error of the device: what was written can be read, and nothing can be written any more.

    What had been written a moment ago is flushed first: ext4 promises no more, and does it by itself every 30 s.
    """
    for files in _mounted(state):
        _run("sync", "-f", files)
        _run("mount", "-o", "remount,abort", files)


def mount_again(state):
    """As another machine does it, after the one with the error has gone. What was deleted meanwhile is no more."""
    for files in _mounted(state):
        image = files.parent / "ext4"
        if "ro" in _options(files) or not image.exists():
            _unmount(files)
        if not files.is_mount() and image.exists():
            _run("mount", "-o", "loop", image, files)


def remove(state):
    """Unmount them all, so that their folders can be deleted."""
    for files in _mounted(state):
        _unmount(files)


def _mounted(state):
    return [files for files in state.glob("volumes/*/files") if files.is_mount()]


def _unmount(files):
    """Unmount it, once the last process that was killed there has let go of it."""
    ends = time.monotonic() + FREE_WITHIN_S
    while subprocess.run(["umount", files], capture_output=True).returncode and time.monotonic() < ends:
        time.sleep(0.05)


def _options(files):
    found = subprocess.run(["findmnt", "-no", "OPTIONS", files], capture_output=True, text=True, check=True).stdout
    return {"ro" if option in ("ro", "emergency_ro", "abort") else option for option in found.strip().split(",")}


def _run(*words):
    subprocess.run(words, check=True, capture_output=True)
