"""Many runs at once from one machine, all by the same command: each ends verified, nothing is left."""

import json
import os

import pytest

from remote.embedded import orders
from tests.life.checkout import finished, read_until, train_words

RUNS = int(os.environ.get("RUNS_AT_ONCE", "5"))  # tried with 50


def test_the_same_command_twice_at_once_makes_two_runs(checkout):
    clients = [checkout.start(*train_words("hold=1", "epochs=1"), "--json") for _ in range(2)]
    for client in clients:
        read_until(client.stderr, "epoch 1 line 4")
    run_ids = checkout.run_ids()
    for run_id in run_ids:
        checkout.let_go(run_id)
    outcomes = [finished(client) for client in clients]
    assert [outcome.returncode for outcome in outcomes] == [0, 0], [outcome.stderr for outcome in outcomes]
    rows = [json.loads(outcome.stdout) for outcome in outcomes]
    assert {row["run"] for row in rows} == set(run_ids) and len({row["instance"] for row in rows}) == 2
    assert [checkout.home(run_id)["out/checkpoint/epoch"] for run_id in run_ids] == [b"1", b"1"]


@pytest.mark.slow
def test_many_runs_at_once_all_end_verified(checkout):
    orders.quota(checkout.cloud, "L-DB2E81BA", 4 * RUNS)  # a g4dn.xlarge has four vCPUs
    clients = [checkout.start(*train_words("epochs=1"), "--json") for _ in range(RUNS)]
    outcomes = [finished(client, patience_s=60 * RUNS) for client in clients]
    assert [outcome.returncode for outcome in outcomes] == [0] * RUNS, [outcome.stderr for outcome in outcomes]
    rows = [json.loads(outcome.stdout) for outcome in outcomes]
    assert len({row["run"] for row in rows}) == len({row["instance"] for row in rows}) == RUNS
    for row in rows:
        home = checkout.home(row["run"])
        assert (row["state"], row["exit_code"], home["exit_code"]) == ("closed", 0, b"0\n") and checkout.run(
            row["run"]
        )["pulled"]
    assert checkout.billed() == []
    assert len(json.loads(checkout.done("runs", "--last", 2 * RUNS, "--json"))) >= RUNS
