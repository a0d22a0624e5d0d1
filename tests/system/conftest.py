"""Real parts for these tests: OpenSSH servers in namespaces, block devices, cron. They need root and Linux."""

import os
import shutil
import sys

import pytest

from remote import host as hosts
from tests.system import instance as instances
from tests.system import run

NEEDED = ("unshare", "setpriv", "ip", "sshd", "rsync", "losetup", "mkfs.ext4", "blkid", "lsblk", "cron", "curl")
SBIN = os.pathsep.join((os.environ["PATH"], "/usr/sbin", "/sbin"))


def pytest_collection_modifyitems(items):
    """Mark the tests of this folder, and skip them with the reason where they cannot run."""
    reason = why_not()
    for item in items:
        if "tests/system/" in item.path.as_posix():
            item.add_marker(pytest.mark.root)
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


def why_not():
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs root on Linux: it makes namespaces and loop devices"
    missing = [program for program in NEEDED if not shutil.which(program, path=SBIN)]
    return f"not installed here: {', '.join(missing)}" if missing else ""


@pytest.fixture(scope="session", autouse=True)
def sbin_on_path():
    """Where ip, losetup and mkfs.ext4 are, whatever PATH the tests were started with."""
    before = os.environ["PATH"]
    os.environ["PATH"] = SBIN
    yield
    os.environ["PATH"] = before


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    """An Instance that the tests of a module share; each works in folders of its own."""
    with instances.running(tmp_path_factory.mktemp("instance") / "boot files") as booted:
        yield booted


@pytest.fixture
def machine(instance):
    """An open Host of the shared instance; a test may break it."""
    connected = hosts.connect(instance.login, wait_s=20)
    yield connected
    hosts.close(connected)


@pytest.fixture
def prepare(instance, machine, tmp_path):
    """prepare(source, folder=of the test's own) -> a Run whose job has this source; what is left of it is ended."""
    prepared = []

    def make(source, folder=tmp_path.name):
        prepared.append(run.prepare(instance, machine, folder, source, tmp_path))
        return prepared[-1]

    yield make
    for one in prepared:
        instance.root(f"pkill -KILL -f {one.folder}", check=False)


@pytest.fixture
def hurried(instance):
    """A PATH of the instance on which sleep returns at once: minutes that a script counts in sleeps are over soon."""
    hurry = instance.path("/opt/hurry/sleep")
    hurry.parent.mkdir(exist_ok=True)
    hurry.write_text("#!/bin/sh\n")
    hurry.chmod(0o755)
    return f"/opt/hurry:{instances.PATH}"
