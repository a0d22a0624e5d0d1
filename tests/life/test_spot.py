"""AWS takes the machine back, twice if it likes: the run goes on elsewhere, on the same volume, and reads as one."""

import json

from remote.embedded import orders
from tests.life.checkout import finished, train_words, wait_until

SPOT = ("--market", "spot")


def holding(checkout, run_id, epoch):
    """Wait until the job has saved an epoch and waits there."""
    return wait_until(lambda: (checkout.there(run_id) / "out/checkpoint/epoch").read_text() == str(epoch), seconds=60)


def begun(checkout):
    """The id of the run that a starting `train` process makes."""
    before = set(checkout.run_ids())
    return wait_until(lambda: next(iter(set(checkout.run_ids()) - before), None), seconds=30)


def started(checkout, run_id):
    return wait_until(lambda: list(checkout.state.glob(f"volumes/*/files/runs/{run_id}/out/checkpoint/epoch")), 60)


def says(checkout, run_id, words):
    """Wait until the job has printed the words; fails when the run has ended without."""
    return wait_until(lambda: words in (checkout.there(run_id) / "log").read_text(), seconds=60)


def test_a_training_interrupted_twice_ends_with_the_metrics_of_one_that_was_not(checkout):
    calm, run = checkout.train("epochs=6", "lines=5")
    assert calm.returncode == 0, calm.stderr
    expected = checkout.home(run["id"])

    process = checkout.start(*train_words("epochs=6", "lines=5", "seconds=2", "hold=2"), *SPOT)
    run_id = begun(checkout)
    started(checkout, run_id)
    holding(checkout, run_id, 2)
    first = checkout.run(run_id)["instance_id"]
    orders.interrupt(checkout.cloud, first, notice_s=60)  # the job hears of it, saves, and is started elsewhere
    says(checkout, run_id, "epoch 4 line 2")
    second = checkout.run(run_id)["instance_id"]
    orders.vanish(checkout.cloud, second)  # without a word: its hardware failed
    outcome = finished(process)

    assert outcome.returncode == 0, outcome.stderr
    home, record = checkout.home(run_id), checkout.run(run_id)
    assert len({first, second, record["instance_id"]}) == 3 and record["losses"] == 2 and record["closed"]
    assert home["out/metrics.jsonl"] == expected["out/metrics.jsonl"]
    assert home["out/model.weights.h5"] == expected["out/model.weights.h5"]
    log = home["log"].decode()
    assert "from epoch 1" in log and "from epoch 3" in log and "from epoch 4" in log
    assert outcome.stderr.count("\nreplace ") == 2 and "Traceback" not in outcome.stderr


def test_after_too_many_losses_it_goes_on_with_an_on_demand_machine(checkout):
    process = checkout.start(*train_words("epochs=2", "hold=1"), *SPOT, FABRIC_SPOT_LOSSES="0")
    run_id = begun(checkout)
    started(checkout, run_id)
    assert checkout.run(run_id)["market"] == "spot"
    orders.vanish(checkout.cloud, checkout.run(run_id)["instance_id"])
    outcome = finished(process)
    assert outcome.returncode == 0, outcome.stderr
    assert checkout.run(run_id)["market"] == "on-demand"


def test_no_machine_to_replace_it_leaves_the_volume_to_be_resumed_later(checkout):
    process = checkout.start(*train_words("epochs=2", "hold=1"), *SPOT)
    run_id = begun(checkout)
    started(checkout, run_id)
    orders.fault(checkout.cloud, "RunInstances", code="InsufficientInstanceCapacity", status=500, times=1000)
    orders.vanish(checkout.cloud, checkout.run(run_id)["instance_id"])
    outcome = finished(process)
    assert outcome.returncode == 4, outcome.stderr
    assert len(checkout.billed()) <= 2, "more than the volume, and its open door, is left"
    orders.clear(checkout.cloud)
    again = checkout.fab("resume", "--run", run_id)
    assert again.returncode == 0, again.stderr
    assert json.loads(checkout.home(run_id)["out/metrics.jsonl"].splitlines()[-1])["epoch"] == 2
