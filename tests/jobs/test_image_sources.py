"""Pictures come from folders, archives, buckets and the web; what is brought is checked, and stays in its place."""

import functools
import hashlib
import http.server
import io
import tarfile
import threading
import zipfile

import boto3
import pytest
from moto.server import ThreadedMotoServer

from jobs import downloads
from jobs.parameters import BadInput
from jobs.pictures import image_sources, image_survey, pets
from tests.jobs import painted_discs


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/ec2-gpu-jobs"


@pytest.fixture
def photos(tmp_path):
    return painted_discs.save(tmp_path / "photos", 5)


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadedMotoServer(port=0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def s3(endpoint, monkeypatch):
    """A bucket "photos" that boto3 finds by the environment alone, as a job does."""
    for name, value in {"ENDPOINT_URL": endpoint, "ACCESS_KEY_ID": "me", "SECRET_ACCESS_KEY": "secret"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="photos")
    yield client
    for item in client.list_objects_v2(Bucket="photos").get("Contents", []):
        client.delete_object(Bucket="photos", Key=item["Key"])
    client.delete_bucket(Bucket="photos")


@pytest.fixture
def web(tmp_path):
    """(address, folder) of a web server."""
    (tmp_path / "web").mkdir()
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_words: None})
    handler = functools.partial(quiet, directory=str(tmp_path / "web"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", tmp_path / "web"
        server.shutdown()


def upload(s3, folder, prefix):
    for path in folder.rglob("*.png"):
        s3.upload_file(str(path), "photos", f"{prefix}/{path.relative_to(folder)}")


def pairs(folder):
    return len(image_survey.take(folder).looks)


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_bucket(s3, photos, slash):
    upload(s3, photos, "deep/discs")
    assert pairs(image_sources.folder(f"s3://photos/deep/discs{slash}", "")) == 5


def test_a_download_that_broke_off_goes_on(s3, photos, monkeypatch):
    upload(s3, photos, "discs")
    s3.put_object(Bucket="photos", Key="discs/zzz.png", Body=b"x")
    tries, bring = [], downloads._object_from_s3

    def break_off_once(s3, bucket, key, path):
        tries.append(key)
        if tries.count("discs/zzz.png") == 1 and key == "discs/zzz.png":
            raise ConnectionError("broken off")
        bring(s3, bucket, key, path)

    monkeypatch.setattr(downloads, "_object_from_s3", break_off_once)
    with pytest.raises(ConnectionError):
        image_sources.folder("s3://photos/discs", "")
    tries.clear()
    tries.append("discs/zzz.png")
    image_sources.folder("s3://photos/discs", "")
    assert tries[1:] == ["discs/zzz.png"]


def test_keys_that_point_elsewhere_are_left_out(s3, photos, cache):
    upload(s3, photos, "discs")
    for key in ("discs/../../escaped.png", "discs//etc/escaped.png"):
        s3.put_object(Bucket="photos", Key=key, Body=b"x")
    assert pairs(image_sources.folder("s3://photos/discs", "")) == 5
    assert not list(cache.rglob("escaped*"))


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("address", ["s3://photos/nothing", "s3://no-such-bucket/x"])
def test_an_empty_place_says_so(address):
    with pytest.raises(BadInput, match=f"{address}.*"):
        image_sources.folder(address, "")


def test_an_archive_and_what_it_must_not_do(photos, tmp_path, cache):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as package:
        for path in photos.rglob("*.png"):
            package.write(path, path.relative_to(tmp_path))
        package.writestr("../../escaped.png", b"x")
    with tarfile.open(tmp_path / "photos.tar.gz", "w:gz") as package:
        package.add(photos, "photos")
        link = tarfile.TarInfo("photos/images/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        package.addfile(link)
        package.addfile(tarfile.TarInfo("/escaped.png"), io.BytesIO())
    for name in ("photos.zip", "photos.tar.gz"):
        assert pairs(image_sources.folder(str(tmp_path / name), "")) == 5
    assert not list(tmp_path.rglob("escaped*")) and not list(cache.rglob("link*"))


def test_a_damaged_archive_and_a_file_that_is_none(tmp_path, web):
    address, folder = web
    (folder / "a.zip").write_bytes(b"PK nothing")
    with pytest.raises(BadInput, match="can't be unpacked"):
        image_sources.folder(f"{address}a.zip", "")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(BadInput, match="or a .zip or .tar of one"):
        image_sources.folder(str(tmp_path / "a.txt"), "")


def archive(path, files):
    """Write a .tar.gz of {name: bytes}; returns its pets.Archive."""
    with tarfile.open(path, "w:gz") as package:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            package.addfile(member, io.BytesIO(content))
    return pets.Archive(path.name, hashlib.sha256(path.read_bytes()).hexdigest())


def test_pets_are_split_as_their_authors_did(web, tmp_path):
    """Archives laid out as theirs: some files are hidden, some in no list."""
    address, served = web
    discs = painted_discs.save(tmp_path / "discs", 4, spread=1, classes=3)
    names = ["Abyssinian_1", "beagle_10", "pug_2", "Bengal_105"]
    photographs, annotations = {}, {"annotations/trimaps/._beagle_10.png": b"x"}
    for name, picture, mask in zip(
        names, *(sorted((discs / side).iterdir()) for side in ("images", "masks")), strict=True
    ):
        photographs[f"images/{name}.jpg"] = picture.read_bytes()
        annotations[f"annotations/trimaps/{name}.png"] = mask.read_bytes()
    for listed, of in {"trainval": names[:2], "test": names[2:3]}.items():
        lines = ["#Image CLASS-ID SPECIES BREED ID", *(f"{name} 1 1 1" for name in of)]
        annotations[f"annotations/{listed}.txt"] = "\n".join(lines).encode()
    files = archive(served / "images.tar.gz", photographs), archive(served / "annotations.tar.gz", annotations)
    folder = pets.fetch(address, *files)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {
        "classes.txt",
        *(f"train/{side}" for name in names[:2] for side in (f"images/{name}.jpg", f"masks/{name}.png")),
        *("test/images/pug_2.jpg", "test/masks/pug_2.png"),
    }
    assert [look.pair.part for look in image_survey.take(folder).looks] == ["held out", "learnt", "learnt"]


def test_pets_that_are_not_those_are_refused(web):
    address, served = web
    archive(served / "images.tar.gz", {})
    with pytest.raises(BadInput, match="Expected SHA-256 67195c5e"):
        pets.fetch(address)
