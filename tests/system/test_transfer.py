"""remote/transfer.py over the real sshd, by rsync and without: only what is missing, and only if it is whole."""

import os
import subprocess
import sys
import threading

import pytest

from remote import host as hosts
from remote import manifest, transfer
from remote.errors import Unverified
from remote.host import Disconnected
from tests.system.instance import wait_until

BIG = int(os.environ.get("PULL_BYTES", 200_000_000))  # tried with 2 GiB
MEMORY_GROWTH_KIB = 40 << 10  # for a file of 120 MB
ODD_NAMES = (
    "-rf",
    "a b",
    "quo'te\"s",
    "$(touch gotcha)",
    "`touch gotcha`",
    "semi;colon",
    "star*",
    "back\\slash",
    "ünïcode",
)
PULL = """
import resource, sys
from pathlib import Path
from remote import host, transfer
address, user, key, known_hosts, there, here = sys.argv[1:]
machine = host.connect(host.Login(address, user, Path(key), Path(known_hosts), None), 10)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
transfer.pull(machine, there, Path(here))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.fixture
def way(request, instance):
    """Large files come by rsync, or, where the instance has none, as a stream."""
    hidden = instance.path("/opt/stand-ins/rsync")
    if request.param == "stream":
        hidden.write_text("#!/bin/sh\nexit 127\n")
        hidden.chmod(0o755)
    yield
    hidden.unlink(missing_ok=True)


def by(*ways):
    """Mark a test to be run in these ways."""
    return lambda test: pytest.mark.usefixtures("way")(pytest.mark.parametrize("way", ways, indirect=True)(test))


both_ways, stream_only = by("rsync", "stream"), by("stream")


@pytest.fixture
def there(tmp_path):
    """The run's folder on the instance."""
    return tmp_path.name


@pytest.fixture
def here(tmp_path):
    """The run's folder at home; its name has a space."""
    folder = tmp_path / "my run"
    folder.mkdir()
    return folder


def write(machine, there, **files):
    """Results of so many random bytes; returns {path: SHA-256}."""
    hosts.run(machine, f"mkdir -p {there}/out")
    for name, size in files.items():
        hosts.run(machine, f"head -c {size} /dev/urandom > {there}/out/{name}", wait_s=600)
    sums = hosts.run(machine, f"cd {there} && sha256sum out/*", wait_s=600).text
    return {path: digest for digest, path in (line.split() for line in sums.splitlines())}


def sums(folder):
    """{path: SHA-256} of the files below a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): manifest.sha256(path) for path in files}


def cut_when(instance, condition):
    """Cut all connections as soon as condition() is true; returns the thread that does."""

    def watch():
        wait_until(condition, seconds=600, every=0.005)
        instance.cut()

    watching = threading.Thread(target=watch)
    watching.start()
    return watching


def size(path):
    return path.stat().st_size if path.exists() else 0


@both_ways
def test_what_is_pushed_arrives_under_its_name(machine, there, tmp_path):
    (tmp_path / "large").write_bytes(os.urandom(transfer.LARGE + 1))
    sources = {f"files/deep down/{name}": tmp_path / name for name in ODD_NAMES} | {"code/large": tmp_path / "large"}
    for path in sources.values():
        path.exists() or path.write_bytes(os.urandom(1000))
    moved = transfer.push(machine, sources, there)
    assert (moved.files, moved.size) == (len(ODD_NAMES) + 1, moved.sent)
    arrived = hosts.run(machine, f"cd {there} && find . -type f -print0 | xargs -0 sha256sum -z").stdout.decode()
    found = dict(reversed(line.split("  ./", 1)) for line in arrived.split("\0") if line)
    assert found == {path: manifest.sha256(local) for path, local in sources.items()}


@both_ways
def test_only_what_differs_is_pushed(machine, there, tmp_path):
    sources = {name: tmp_path / name for name in ("same", "changed", "large")}
    for path in sources.values():
        path.write_bytes(os.urandom(transfer.LARGE if path.name == "large" else 1000))
    transfer.push(machine, sources, there)
    assert transfer.push(machine, sources, there).sent == 0
    sources["changed"].write_bytes(b"x" * 10)
    assert transfer.push(machine, sources, there).sent == 10
    assert hosts.run(machine, f"cat {there}/changed").text == "x" * 10


@both_ways
def test_results_come_home_once(machine, instance, there, here):
    written = write(machine, there, small=1000, empty=0, large=transfer.LARGE)
    hosts.run(machine, f"cd {there}/out && ln -s /etc/passwd link && echo half > half.part")
    moved = transfer.pull(machine, there, here)
    assert (sums(here), moved.sent) == (written, transfer.LARGE + 1000)
    before = instance.received()
    assert transfer.pull(machine, there, here).sent == 0
    assert instance.received() - before < 50_000
    (here / "out/large").write_bytes(b"spoilt")
    assert transfer.pull(machine, there, here).sent == transfer.LARGE
    assert sums(here) == written


@both_ways
def test_a_cut_pull_goes_on_where_it_was(machine, instance, there, here):
    written = write(machine, there, big=BIG)
    partial = here / ".partial/out/big"
    cutting = cut_when(instance, lambda: size(partial) > BIG / 4)
    with pytest.raises(Disconnected):
        transfer.pull(machine, there, here)
    cutting.join()
    had, before = partial.stat().st_size, instance.received()
    assert BIG / 4 < had < BIG and not (here / "out").exists()
    again = hosts.connect(instance.login, wait_s=10)
    transfer.pull(again, there, here)
    hosts.close(again)
    assert sums(here) == written
    assert instance.received() - before < (BIG - had) * 1.02 + 1_000_000


@both_ways
def test_a_partial_file_that_is_spoilt_does_no_harm(machine, there, here):
    written = write(machine, there, large=2 * transfer.LARGE)
    partial = here / ".partial/out/large"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"spoilt" * 1000)
    transfer.pull(machine, there, here)
    assert sums(here) == written


@both_ways
def test_a_file_that_changes_under_the_pull_is_refused(machine, there, here):
    write(machine, there, calm=1000)
    change = "while sleep 0.01; do head -c 9000000 /dev/urandom > new; mv new out/restless; done"
    hosts.run(machine, f"cd {there} && cp out/calm out/restless && (timeout 20 sh -c '{change}' >/dev/null 2>&1 &)")
    wait_until(lambda: int(hosts.run(machine, f"wc -c < {there}/out/restless").text) == 9_000_000)
    with pytest.raises(Unverified, match="out/restless arrived 3 times with another SHA-256") as refused:
        transfer.pull(machine, there, here)
    assert refused.value.code == 8
    assert sums(here).keys() == {"out/calm"}


@stream_only  # rsync is a process of its own
def test_memory_stays_flat(instance, machine, there, here):
    write(machine, there, big=120_000_000)
    login = instance.login
    words = [sys.executable, "-c", PULL, login.address, login.user, login.key, login.known_hosts, there, here]
    grown = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    assert int(grown) < MEMORY_GROWTH_KIB


@pytest.fixture
def small(tmp_path):
    """A folder with a disk of 12 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_home_that_is_too_small_is_told_before_anything_is_sent(machine, there, small):
    write(machine, there, large=20_000_000)
    with pytest.raises(Unverified, match="1[12] MiB free, what is still to come needs 19"):
        transfer.pull(machine, there, small)
    assert not any(small.rglob("*"))


def test_a_home_with_room_for_what_is_still_to_come_is_large_enough(machine, there, here, small):
    write(machine, there, large=10_000_000)
    transfer.pull(machine, there, here)
    arrived = (here / "out/large").read_bytes()[:8_000_000]
    (small / ".partial/out").mkdir(parents=True)
    (small / ".partial/out/large").write_bytes(arrived)
    moved = transfer.pull(machine, there, small)
    assert moved.sent < 2_500_000 and sums(small) == sums(here)
