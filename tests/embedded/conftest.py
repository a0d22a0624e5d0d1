"""One server for all these tests, and machines that are given back after the test that rented them."""

import shutil
import tempfile
from pathlib import Path

import pytest

from remote import embedded
from tests.embedded.rented import booted, client, rent


@pytest.fixture(scope="session")
def cloud():
    """An embedded EC2 in a folder of its own, whose path has a space."""
    state = Path(tempfile.mkdtemp(prefix="embedded ec2 "))
    yield embedded.connect(state, "us-east-1", idle_s=1800)  # tests of other files may come between
    embedded.stop(state)
    print((state / "server.log").read_text())
    shutil.rmtree(state)


@pytest.fixture
def ec2(cloud):
    return client(cloud, "ec2")


@pytest.fixture(scope="module")
def box(cloud, tmp_path_factory):
    """A machine that the tests of a module share; they leave it as they found it."""
    rented = booted(rent(cloud, tmp_path_factory.mktemp("box")))
    yield rented
    rented.give_back(wait=False)


@pytest.fixture
def launch(cloud, tmp_path):
    """launch(config=None, **RunInstances arguments): a machine of the test's own, not yet booted."""
    rented = []

    def launch(config=None, **request):
        rented.append(rent(cloud, tmp_path / str(len(rented)), config, **request))
        return rented[-1]

    yield launch
    for machine in rented:
        machine.give_back(wait=False)
