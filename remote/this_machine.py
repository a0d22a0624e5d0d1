"""What a run needs of the machine that starts it; each check gets an Aws and is one of the doctor's."""

import ipaddress
import os
import shutil
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import paramiko

from remote import network, own_key
from remote.doubt import Doubt
from remote.errors import Usage

PINS = Path(__file__).parent.parent / "pyproject.toml"
RESULTS_BYTES = 200 * 2**20  # what a shipped job brings home, with room for a few of them


def python(_aws):
    """This Python, and whether its packages are the pinned ones."""
    pins = tomllib.loads(PINS.read_text())["dependency-groups"]["client"]
    exact = [pin.split("==") for pin in pins if "==" in pin]
    other = [f"{name} {_installed(name)}, pinned {pin}" for name, pin in exact if _installed(name) != pin]
    here = f"{sys.version.split()[0]} in {sys.prefix}"
    if other:
        raise Doubt(f"{here} has other packages than were tested: {'; '.join(other)}. Remove .venv: bin/fab makes it.")
    return here


def _installed(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"


def ssh(aws):
    """The ssh_config that is honoured can be read, and a key of the user's be used."""
    path, key = aws.ssh_config, own_key.checked(aws.settings.ssh_key) or "a key made for each run"
    if path is None or not path.exists():
        return f"no ssh_config; {key} opens instances"
    try:
        paramiko.SSHConfig.from_path(str(path))
    except (OSError, UnicodeDecodeError, paramiko.SSHException) as error:
        raise Usage(
            f"{path} can't be read: {error}. Mend it, or set ssh_config to another file or to nothing."
        ) from None
    return f"{path} is honoured; {key} opens instances"


def rsync(_aws):
    """Large files of yours go out by rsync, which goes on where it broke off; without it they go in one stream."""
    found = shutil.which("rsync")
    if not found or not shutil.which("ssh"):
        raise Doubt("rsync or ssh is not installed: large files go out in one stream, verified too. Install both.")
    return found


def disk(aws):
    """The runs folder can be written, with room for results."""
    there = next(
        folder for folder in (aws.settings.runs.absolute(), *aws.settings.runs.absolute().parents) if folder.exists()
    )
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise Usage(f"{there} can't be written. Expected a folder of yours: set runs_dir, or FABRIC_RUNS_DIR.")
    free = shutil.disk_usage(there).free
    said = f"{free / 2**30:.1f} GiB free for {aws.settings.runs}"
    if free < RESULTS_BYTES:
        raise Usage(f"{said}. Expected 0.2 at least: make room, or set runs_dir.")
    if free < aws.settings.volume_gib * 2**30:
        raise Doubt(f"{said}, less than a full volume of {aws.settings.volume_gib} GiB would need.")
    return said


def address(aws):
    """Who may reach port 22: the setting, or what the address service answers."""
    cidr = network.caller_cidr(aws.settings.ssh_cidr, aws.address_url)
    if ipaddress.ip_network(cidr).num_addresses > 2**16:
        raise Doubt(f"{cidr} may reach port 22, which is more than yours. Name your own: --ssh-cidr 203.0.113.7/32")
    return f"{cidr} may reach port 22"
