"""An instance that lies about its results: whatever it names or sends, only results are written, and only verified."""

import contextlib
import hashlib
import io
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote import manifest, transfer
from remote.errors import Unverified
from remote.host import Output
from tests.hostile.conftest import nasty_text

OURS = (
    "run.json",
    "id_ed25519",
    "id_ed25519.pub",
    "known_hosts",
    "host_key",
    "lock",
    "params.json",
    "packed/chosen.txt",
)
GOOD = ("out/model.json", "out/a/b", "out/a", "log", "exit_code")
TRICKS = ("../run.json", "out/../run.json", "./run.json", "out/", "out", "OUT/x", "out//x", ".partial/out/x")
NAMES = st.sampled_from(OURS + GOOD + TRICKS) | st.builds("out/{}".format, nasty_text(30)) | nasty_text(30)
LONG = "out/" + "x" * 300


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Channel:
    """What comes over the wire for the files that were asked for, small ones in one stream."""

    def __init__(self, data):
        self.stream, self.exit_status, self.status_event = io.BytesIO(data), 0, threading.Event()
        self.status_event.set()

    def recv(self, size):
        return self.stream.read(size)

    def close(self):
        pass


@pytest.fixture(scope="module")
def lying():
    """lying(manifest, data, folder): pull from a host with this manifest, which sends data."""

    def pull(manifest, data, folder):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(transfer.hosts, "script", lambda *_, **__: Output(0, manifest, b""))
            patch.setattr(transfer.hosts, "start", lambda *_, **__: Channel(data))
            patch.setattr(transfer.stream, "fetch", lambda *_: None)
            return transfer.pull(None, "there", folder)

    return pull


def tree(folder):
    """{path: content, or None for a folder} of all that is there."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A function that makes a run's folder with what a run keeps in it, among others."""

    def make():
        folder = tmp_path_factory.mktemp("home") / "runs" / "tiny-20260101-000000-0000"
        for name in OURS:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("mine")
        return folder

    return make


CLAIMS = st.tuples(st.just("0" * 64) | st.just(digest(b"")), st.sampled_from([0, 1, 5, 10**20, -1, "many"]))


@given(st.lists(st.tuples(NAMES, st.binary(max_size=20)), max_size=6), st.dictionaries(NAMES, CLAIMS, max_size=2))
def test_only_verified_results_are_written_and_nothing_of_ours_is_touched(lying, home, files, claims):
    folder = home()
    before = tree(folder.parent.parent)
    lines = []
    for name, data in files:
        sha256, size = claims.get(name, (digest(data), len(data)))
        lines.append(f"{sha256} {size} {name}".encode())
    with contextlib.suppress(Unverified):
        lying(b"\0".join(lines), b"".join(data for _, data in files), folder)
    after = tree(folder.parent.parent)
    assert {path: after[path] for path in before} == before
    sums = {digest(data) for _, data in files} | {sha256 for sha256, _ in claims.values()}
    for path in after.keys() - before.keys():
        inside = path.relative_to(folder).parts
        assert inside[0] in ("out", ".partial", *manifest.RESULTS) and not path.is_symlink()
        assert inside[0] == ".partial" or after[path] is None or digest(after[path]) in sums


@pytest.mark.parametrize("name", [*OURS, *TRICKS, LONG])
def test_a_name_that_is_no_results_is_refused_and_the_others_come_home(lying, home, name):
    folder, good = home(), b"good"
    manifest = f"{digest(good)} {len(good)} out/good\0{digest(b'')} 0 {name}".encode()
    with pytest.raises(Unverified):
        lying(manifest, good, folder)
    assert (folder / "out/good").read_bytes() == good


@given(st.binary(max_size=400))
def test_any_bytes_in_place_of_a_manifest(lying, home, manifest):
    folder = home()
    before = tree(folder)
    with contextlib.suppress(Unverified):
        lying(manifest, manifest, folder)
    assert {path: value for path, value in tree(folder).items() if path in before} == before
