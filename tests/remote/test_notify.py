"""remote/notify.py with a real HTTP server and real commands: what arrives, and that no run minds what goes wrong."""

import http.server
import json
import socket
import threading
import time
from types import SimpleNamespace

import pytest

from remote import notify, runs
from remote.errors import Interrupted, JobFailed

SECRET = "T0PSECRET"


class Server(http.server.ThreadingHTTPServer):
    """Writes down what is posted to it, answers as it is told to."""

    daemon_threads = True
    status, delay_s = 200, 0

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.posted = []
        self.url = f"http://127.0.0.1:{self.server_port}/hooks/{SECRET}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.path, self.headers["Content-Type"], json.loads(body)))
        time.sleep(self.server.delay_s)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as started:
        threading.Thread(target=started.serve_forever, daemon=True).start()
        yield started
        started.shutdown()


@pytest.fixture
def run(tmp_path):
    """A run whose id is its test's own: what goes wrong is said once for each run."""
    return runs.Run(f"tiny-{tmp_path.name}", "tiny", {}, "embedded", "us-east-1", runs.now(), folder=tmp_path)


def settings(notifier):
    return SimpleNamespace(notify=notifier)


def aws(notifier):
    return SimpleNamespace(settings=settings(notifier))


def test_a_webhook_gets_one_line_of_text_and_the_facts(server, run):
    run.exit_code = 1
    notify.tell(settings(server.url), run, "failure", "ended with 1:\n not a\x1b[2J number")
    [(path, kind, told)] = server.posted
    assert path == f"/hooks/{SECRET}" and kind == "application/json"
    assert told["text"] == told["content"] == f"{run.id}: ended with 1: not a\N{REPLACEMENT CHARACTER}[2J number"
    assert (told["event"], told["run"], told["job"], told["exit_code"]) == ("failure", run.id, "tiny", "1")


def test_a_command_gets_the_text_on_stdin_and_the_facts_in_its_environment(run):
    command = 'cat >"$GPU_JOB_FOLDER/stdin"; env | grep ^GPU_JOB_ | sort >"$GPU_JOB_FOLDER/env"; echo noise'
    notify.tell(settings(command), run, "end", "results are home")
    assert (run.folder / "stdin").read_text() == f"{run.id}: results are home\n"
    assert (run.folder / "env").read_text().splitlines() == [
        "GPU_JOB_EVENT=end",
        "GPU_JOB_EXIT_CODE=",
        f"GPU_JOB_FOLDER={run.folder}",
        "GPU_JOB_JOB=tiny",
        f"GPU_JOB_RUN={run.id}",
        f"GPU_JOB_TEXT={run.id}: results are home",
    ]


def test_nothing_is_told_where_nobody_asked(run, capfd):
    notify.tell(settings(""), run, "end", "results are home")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("status", [404, 500, 302])
def test_a_server_that_refuses_is_named_once_without_the_secret(server, run, status, capfd):
    server.status = status
    for _ in range(2):
        notify.tell(settings(server.url), run, "end", "results are home")
    said = capfd.readouterr().err
    assert len(server.posted) == 2 and said.count("\n") == 1
    assert said.startswith("notify   127.0.0.1 was not told (") and SECRET not in said
    assert str(status) in said or status == 302


@pytest.mark.parametrize(
    "url",
    [f"https://nowhere.invalid/{SECRET}", f"http://127.0.0.1:{SECRET}/", f"http://[{SECRET}", f"https://{SECRET} x/"],
)
def test_an_address_that_is_wrong_is_said_without_the_secret(run, url, capfd):
    notify.tell(settings(url), run, "end", "results are home")
    said = capfd.readouterr().err
    assert said.startswith("notify   ") and said.count("\n") == 1 and f"/{SECRET}" not in said


def test_a_server_that_never_answers_and_a_command_that_hangs_are_given_up(server, run, capfd, monkeypatch):
    monkeypatch.setattr(notify, "TIMEOUT_S", 0.3)
    server.delay_s = 3
    began = time.monotonic()
    notify.tell(settings(server.url), run, "end", "results are home")
    notify.tell(settings("sleep 60 & sleep 61"), run, "end", "results are home")
    assert time.monotonic() - began < 20
    assert capfd.readouterr().err.count("nothing within 0.3 s") == 2


@pytest.mark.parametrize("command", [f"exit 3 # {SECRET}", f"/no/such/{SECRET}", "exec <&-; exit 1", "kill -9 $$"])
def test_a_command_that_fails_is_said_and_not_shown(run, command, capfd):
    notify.tell(settings(command), run, "end", "results are home")
    out, said = capfd.readouterr()
    assert out == "" and said.startswith("notify   its command was not told (exit code") and SECRET not in said


def test_nobody_listens(run, capfd):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        notify.tell(settings(f"http://127.0.0.1:{free.getsockname()[1]}/x"), run, "end", "results are home")
    assert "Connection refused" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("error", "event", "text"),
    [
        (JobFailed("tiny ended with 1.\nThe last lines of its log:\n  private"), "failure", "tiny ended with 1."),
        (Interrupted("Detached: tiny goes on.\n  watch it again: ..."), "interruption", "Detached: tiny goes on."),
        (KeyboardInterrupt(), "interruption", "interrupted"),
        (OSError(28, "No space left on device"), "failure", "[Errno 28] No space left on device"),
    ],
)
def test_what_ends_a_run_is_told_and_goes_on(server, run, error, event, text):
    with pytest.raises(type(error)), notify.outcome(aws(server.url), run):
        raise error
    [(_, _, told)] = server.posted
    assert (told["event"], told["text"]) == (event, f"{run.id}: {text}")


def test_a_run_that_is_over_is_told_and_one_that_was_only_started_is_not(server, run):
    with notify.outcome(aws(server.url), run):
        run.started = runs.now()
    assert server.posted == []
    with notify.outcome(aws(server.url), run):
        run.closed = runs.now()
    assert server.posted[0][2]["event"] == "end" and "results are home" in server.posted[0][2]["text"]
