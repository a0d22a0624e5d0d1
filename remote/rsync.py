"""One large file to the instance by rsync, over a pinned connection of its own: what had arrived is not sent again."""

import shlex
import shutil
import subprocess

from remote import host as hosts
from remote import openssh

SILENCE_S = 60


def available(host):
    """Do both ends have rsync 3? (macOS brings an older one, which cannot protect its arguments.)"""
    if not shutil.which("rsync"):
        return False
    here = subprocess.run(["rsync", "--version"], capture_output=True, text=True).stdout
    return "version 3" in here and "version 3" in hosts.run(host, "rsync --version || true").text


def send(host, local, remote):
    """local: Path. remote: path on the instance, relative to the login user's home. Raises hosts.Disconnected."""
    target = f"{host.login.user}@{host.login.address}:{remote}"
    done = subprocess.run(command(host, local, target), capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise hosts.Disconnected(f"rsync could not bring {local} to {target}: {lines[0]}")


def command(host, source, target):
    """The rsync command as a list of words; its own protection keeps the remote shell away from the paths."""
    options = ["--partial", "--inplace", "--protect-args", f"--timeout={SILENCE_S}"]
    return ["rsync", *options, "-e", shlex.join(openssh.command(host.login)), "--", str(source), target]
