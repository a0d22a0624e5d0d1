"""EC2 endpoints on loopback for the tests of remote/: moto's server, emptied before each test; an embedded EC2."""

import logging
import os
import shutil
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from botocore.config import Config

from remote import embedded

os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # 1300 images that nobody asks for


@pytest.fixture(scope="session")
def endpoint():
    """The URL of moto's server, which runs in this process."""
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def session():
    """One boto3 session, for it takes a while to read the description of EC2's API."""
    return boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing")


@pytest.fixture
def client(endpoint, session):
    """client(service, region="us-east-1", attempts=2) -> a boto3 client of an account in which nothing was made."""
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")).close()

    def make(service, region="us-east-1", attempts=2):
        retries = Config(retries={"mode": "standard", "total_max_attempts": attempts})
        return session.client(service, region_name=region, endpoint_url=endpoint, config=retries)

    return make


@pytest.fixture
def ec2(client):
    return client("ec2")


@pytest.fixture
def refuse():
    """refuse(client, operation, code, ...): what AWS answers to that operation, the first `times` times.

    The request is built, validated and signed first, and botocore's own retries see the answer. Returns the forms
    that were refused: each {field: value}, as the wire has them ("Placement.AvailabilityZone").
    """

    def order(client, operation, code, message="refused by the test", times=1, status=400):
        refused = []

        def answer(request, **_):
            if len(refused) >= times:
                return None
            body = request.body.decode() if isinstance(request.body, bytes) else request.body
            refused.append(dict(urllib.parse.parse_qsl(body)))
            return _error_reply(request.url, code, message, status)

        client.meta.events.register(f"before-send.ec2.{operation}", answer)
        return refused

    return order


def _error_reply(url, code, message, status):
    from botocore.awsrequest import AWSResponse

    body = f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></Response>"
    raw = SimpleNamespace(stream=lambda **_: iter([body.encode()]), read=lambda *_: body.encode())
    return AWSResponse(url, status, {"content-type": "text/xml"}, raw)


@pytest.fixture(scope="module")
def cloud():
    """The Cloud of an embedded EC2 in a process of its own, for what moto alone cannot show."""
    state = Path(tempfile.mkdtemp(prefix="embedded-"))
    yield embedded.connect(state, "us-east-1", idle_s=60)
    embedded.stop(state)
    shutil.rmtree(state)


@pytest.fixture
def run_tags():
    """run_tags(run_id, deadline="...") -> the tags of a run, as everything that it makes carries them."""
    from remote import tags

    def make(run_id="lstm_aiw-20260101-120000-0a1b", deadline="2099-01-01T00:00:00Z"):
        job = run_id.partition("-")[0]
        owner = {tags.RUN: run_id, tags.JOB: job, tags.OWNER: "ada"}
        return owner | {tags.DEADLINE: deadline, tags.MANAGED: "true"}

    return make
