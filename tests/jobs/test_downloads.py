"""A text can be an address: fetched whole, once, or told in one line why not."""

import http.server
import threading

import pytest

from jobs import downloads
from jobs.parameters import BadInput
from jobs.text import text_files


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def site():
    """The address of a web server on loopback that has /tale.txt, and breaks off in the middle of /cut.txt."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path not in ("/tale.txt", "/cut.txt"):
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", "14")
            self.end_headers()
            self.wfile.write(b"Once upon\r\na time"[: 14 if self.path == "/tale.txt" else 5])

        def log_message(self, *_arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_address_is_fetched_once(site, capsys):
    for _ in range(2):
        paths = text_files.find(f"{site}/tale.txt")
    assert "".join(text_files.Text(paths)) == "Once upon\na t"
    assert capsys.readouterr().out.count("Downloading") == 1


@pytest.mark.parametrize("name", ["/none.txt", "/cut.txt"])
def test_what_does_not_come_whole_is_told_and_not_kept(site, name, tmp_path):
    with pytest.raises(BadInput, match="Cannot download .*(Not Found|5 of 14)"):
        text_files.find(site + name)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_prefix_of_a_bucket_is_a_folder(monkeypatch):
    boto3, moto = pytest.importorskip("boto3"), pytest.importorskip("moto")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with moto.mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="tales")
        for name in ("old/b.txt", "old/a.txt", "new/c.txt"):
            s3.put_object(Bucket="tales", Key=name, Body=name.encode())
        assert [path.read_text() for path in text_files.find("s3://tales/old/")] == ["old/a.txt", "old/b.txt"]
        assert [path.read_text() for path in text_files.find("s3://tales/new/c.txt")] == ["new/c.txt"]
        assert len(text_files.find("s3://tales")) == len(text_files.find("s3://tales/")) == 3
        for address in ("s3://tales/none/", "s3://tales/none.txt", "s3://tales/old", "s3://nobody/x.txt"):
            with pytest.raises(BadInput, match="found none|Cannot download"):
                text_files.find(address)


def test_what_has_changed_in_a_bucket_is_fetched_anew(monkeypatch, capsys):
    boto3, moto = pytest.importorskip("boto3"), pytest.importorskip("moto")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with moto.mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="tales")
        for body in ("Once", "Once", "Twice"):
            s3.put_object(Bucket="tales", Key="a/b.txt", Body=body.encode())
            for address in ("s3://tales/a/b.txt", "s3://tales/a/"):
                assert [path.read_text() for path in text_files.find(address)] == [body]
    assert capsys.readouterr().out.count("Downloading s3://tales/a/b.txt") == 2


def test_a_machine_without_credentials_is_told_so(monkeypatch, tmp_path):
    boto3 = pytest.importorskip("boto3")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # of another test, with its credentials
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(BadInput, match="no AWS credentials on this machine"):
        text_files.find("s3://tales/a/b.txt")


def test_paths_are_no_addresses():
    assert not any(map(downloads.is_address, ["", "a.txt", "/s3://x", "ftp://x/y"]))
