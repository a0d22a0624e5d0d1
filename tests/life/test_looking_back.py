"""After a run, and while one trains: its page, pages that compare, TensorBoard."""

import json
import signal
import urllib.request

import pytest
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

from tests.life.checkout import PATIENCE_S, finished, wait_until

EVENTS = "events.out.tfevents.1795311054.vm.12221.0.v2"
STATUSES = ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"]


def log_loss(folder, step):
    """Write one loss as a job does."""
    folder.mkdir(exist_ok=True)
    value = summary_pb2.Summary.Value(tag="loss", simple_value=1 / step)
    event = event_pb2.Event(wall_time=1795311054 + step, step=step, summary=summary_pb2.Summary(value=[value]))
    with (folder / EVENTS).open("ab") as file:
        RecordWriter(file).write(event.SerializeToString())


def asked(url, path, body=None):
    """What TensorBoard answers, from JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}data/{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return json.loads(answer.read())


@pytest.fixture(scope="module")
def trained(checkout):
    """(outcome, record) of a run that went well."""
    return checkout.train("epochs=2")


def test_a_run_leaves_its_page_and_the_last_line_says_where(checkout, trained):
    outcome, run = trained
    page = checkout.runs / run["id"] / "report.html"
    assert outcome.returncode == 0 and f"{run['id']}/report.html" in outcome.stderr.splitlines()[-1]
    assert "finished, results verified" in page.read_text()
    page.unlink()
    assert checkout.done("report", run["id"]).endswith(f"{run['id']}/report.html") and page.exists()


def test_a_failed_run_has_the_end_of_its_log_on_its_page(checkout):
    outcome, run = checkout.train("epochs=2", "fail=2")
    page = (checkout.runs / run["id"] / "report.html").read_text()
    assert outcome.returncode == 5 and "failed with exit code 1" in page and "RuntimeError: ordered to fail" in page


def test_a_page_that_cannot_be_written_fails_no_run(checkout):
    run_id = checkout.detached("epochs=1")
    (checkout.runs / run_id / "report.html").mkdir()
    outcome = checkout.fab("resume", run_id)
    assert outcome.returncode == 0, outcome.stderr
    assert "report.html could not be written" in outcome.stderr and checkout.run(run_id)["closed"]


def test_runs_are_compared_in_the_terminal_and_on_a_page(checkout, trained):
    ids = [trained[1]["id"], checkout.train("epochs=3")[1]["id"]]
    found = json.loads(checkout.done("compare", "--json", *ids))
    assert found["differing"] == {"epochs": dict(zip(ids, ("2", "3"), strict=True))}
    assert (checkout.path / found["page"]).exists() and [one["run"] for one in found["runs"]] == ids
    table = checkout.done("compare", *ids)
    assert all(one in table for one in (*ids, "loss 0.3333 *", "epochs"))


@pytest.mark.parametrize("words", [["compare"], ["compare", "tiny-20260101-000000-abcd"], ["compare", "no", "ids"]])
def test_too_few_runs_are_refused_in_a_line(checkout, words):
    outcome = checkout.fab(*words)
    assert outcome.returncode == 2 and outcome.stderr.count("\n") == 1


def test_tensorboard_shows_a_run_that_trains_now_and_leaves_it_alone(checkout):
    run_id = checkout.detached("epochs=2", "hold=1")
    wait_until(lambda: (checkout.there(run_id) / "out/checkpoint/epoch").exists())
    log_loss(checkout.there(run_id) / "out/tensorboard", 1)
    board = checkout.start("tensorboard", "--run", run_id, "--port", "0", TMPDIR=str(checkout.path))
    url = board.stdout.readline().decode().strip()
    assert url.startswith("http://127.0.0.1:")

    def steps():
        found = asked(url, "plugin/scalars/tags").get(run_id)
        return [step for _, step, _ in asked(url, f"plugin/scalars/scalars?run={run_id}&tag=loss")] if found else []

    wait_until(lambda: steps() == [1], PATIENCE_S, every=0.3)
    groups = {"experimentName": "", "allowedStatuses": STATUSES, "colParams": [], "startIndex": 0, "sliceSize": 10}
    group = asked(url, "plugin/hparams/session_groups", groups)["sessionGroups"][0]
    assert group["name"] == run_id and group["hparams"]["epochs"] == 2 and group["hparams"]["job"] == "tiny"
    log_loss(checkout.there(run_id) / "out/tensorboard", 2)
    wait_until(lambda: steps() == [1, 2], PATIENCE_S, every=0.3)
    log_loss(checkout.there(run_id) / "out/tensorboard", 3)
    checkout.let_go(run_id)
    assert checkout.fab("resume", run_id).returncode == 0  # its lock is free
    wait_until(lambda: steps() == [1, 2, 3], PATIENCE_S, every=0.3)
    taken = checkout.fab("tensorboard", "--run", run_id, "--port", url.strip("/").rpartition(":")[2])
    assert taken.returncode == 2 and "in use" in taken.stderr and taken.stderr.count("\n") == 1
    board.send_signal(signal.SIGINT)
    assert finished(board).returncode == 0
    assert not list(checkout.path.glob("gpu-jobs-tensorboard-*"))


def test_tensorboard_without_anything_to_show_says_so(checkout, trained):
    outcome = checkout.fab("tensorboard", "--run", trained[1]["id"], "--port", "0")
    assert outcome.returncode == 3 and "No run has anything for TensorBoard yet" in outcome.stderr
