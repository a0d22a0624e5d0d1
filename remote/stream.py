"""One large file from the instance by OpenSSH's ssh, over a pinned connection of its own: it goes on after a cut.

No byte passes through Python. A stream is quicker than rsync and scp over the same ssh: see benchmarks/pull.py.
"""

import errno
import os
import shutil
import subprocess

from remote import host as hosts
from remote import openssh

BLOCK = 1 << 18  # bytes; so large a read takes a third of the processor time of head's and tail's
NO_CONNECTION = 255  # ssh's own exit code; any other is the command's


def fetch(host, remote, local, size):
    """Bring local, which may have arrived in part, to the first size bytes of remote, a path in the login user's home.

    Raises hosts.Disconnected; OSError when this machine's disk is full. A file that has become shorter is no error
    here: its SHA-256 will tell.
    """
    with local.open("ab") as file:
        file.truncate(file.tell() // BLOCK * BLOCK)
        ssh = command(host, remote, file.tell() // BLOCK, size)
        done = subprocess.run(ssh, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.PIPE, text=True)
        if file.seek(0, os.SEEK_END) > size:
            file.truncate(size)  # the last block is whole where the file has grown since
    if shutil.disk_usage(local.parent).free < size - local.stat().st_size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(local))
    if done.returncode == NO_CONNECTION or done.returncode < 0:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise hosts.Disconnected(f"ssh could not bring {remote} to {local}: {lines[-1]}")


def command(host, remote, have_blocks, size):
    """The ssh command as a list of words; it prints the blocks of remote from so many on, up to that of size."""
    lacking = -(-size // BLOCK) - have_blocks
    rest = hosts.quote("dd", f"if={remote}", f"bs={BLOCK}", f"skip={have_blocks}", f"count={lacking}")
    return [*openssh.command(host.login), f"{host.login.user}@{host.login.address}", rest]
