"""A copy of the checkout per test module, with an embedded EC2 of its own that is gone, with all it ran, at the end."""

import contextlib

import pytest

from remote.embedded import orders
from tests.life import checkout as checkouts


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A Checkout in a folder whose name has a space; when the module is through, no process of it is left."""
    made = checkouts.make(tmp_path_factory.mktemp("life") / "my checkout")
    made.done("embedded", "--start")
    yield made
    made.done("embedded", "--stop")
    checkouts.wait_until(lambda: not made.processes(), seconds=30)


@pytest.fixture(autouse=True)
def nothing_left(checkout):
    """Every test ends with nothing that is paid for; what one that failed has left is swept away for the next."""
    yield
    orders.clear(checkout.cloud)
    left = checkout.billed()
    for run_id in checkout.run_ids() if left else ():
        with contextlib.suppress(AssertionError):
            checkout.fab("terminate", "--run", run_id, "--discard", "--yes")
    assert left == []
