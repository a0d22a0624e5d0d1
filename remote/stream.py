"""One large file from the instance by OpenSSH's ssh, over a pinned connection of its own: it goes on after a cut.

No byte passes through Python. A stream is quicker than rsync and scp over the same ssh: see benchmarks/pull.py.
"""

import errno
import os
import shutil
import subprocess

from remote import host as hosts
from remote import openssh

NO_CONNECTION = 255  # ssh's own exit code; any other is the command's


def fetch(host, remote, local, size):
    """Append to local what it lacks of the first size bytes of remote, a path relative to the login user's home.

    Raises hosts.Disconnected; OSError when this machine's disk is full. A file that has become shorter is no error
    here: its SHA-256 will tell.
    """
    with local.open("ab") as file:
        ssh = command(host, remote, file.tell(), size)
        done = subprocess.run(ssh, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.PIPE, text=True)
    if shutil.disk_usage(local.parent).free < size - local.stat().st_size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(local))
    if done.returncode == NO_CONNECTION or done.returncode < 0:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise hosts.Disconnected(f"ssh could not bring {remote} to {local}: {lines[-1]}")


def command(host, remote, have, size):
    """The ssh command as a list of words; it prints the bytes of remote from have on, up to size."""
    rest = f"tail -c +{have + 1} -- {hosts.quote(remote)} | head -c {size - have}"
    return [*openssh.command(host.login), f"{host.login.user}@{host.login.address}", rest]
