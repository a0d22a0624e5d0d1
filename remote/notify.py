"""Tell somebody how a run fares, by the setting `notify`: a webhook's URL, or a shell command. No run fails by it.

Events: end (results are home), failure, stall, interruption (a spot machine was taken, a Ctrl-C, a closed terminal).
"""

import contextlib
import functools
import http.client
import json
import os
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from remote import follow, history, runs, story
from remote.errors import Failure, Interrupted
from remote.explain import aws_errors, explain

TIMEOUT_S = 10  # for a command, and for each answer of a webhook's server
PREFIX = "GPU_JOB_"  # of the environment variables that a command finds


class Refused(Exception):
    """The notifier was reached and didn't do it."""


@contextlib.contextmanager
def outcome(aws, run):
    """Whatever the block comes to is told: its end, if the run is over by then, or the error that it ends with."""
    try:
        yield
    except (Interrupted, KeyboardInterrupt) as stopped:
        tell(aws.settings, run, "interruption", _first_line(stopped))
        raise
    except Exception as error:
        tell(aws.settings, run, "failure", _first_line(error))
        raise
    if run.closed:
        minutes = runs.seconds(run.launched or run.started, run.closed) / 60
        tell(aws.settings, run, "end", f"results are home; {minutes:.1f} min, ${history.cost(run):.3f}")


def followed(aws, run, text):
    """What a command that only follows has seen: the job's end. text: for people."""
    event = {0: "end", follow.TAKEN: "interruption"}.get(run.exit_code, "failure")
    tell(aws.settings, run, event, text)


def tell(settings, run, event, text):
    """Hand one line of text about a run to the notifier, if one is set. What goes wrong is said, once."""
    if not settings.notify:
        return
    send, name = (_post, _host(settings.notify)) if _is_url(settings.notify) else (_run, "its command")
    try:
        send(settings.notify, message(run, event, text))
    except (OSError, ValueError, http.client.HTTPException, subprocess.SubprocessError, Refused) as error:
        _complain(run.id, f"{name} was not told ({_reason(error)}); the run goes on. See notify in fabric.yaml.")


def message(run, event, text):
    """What is told, as a dict of texts. Slack, Mattermost and Teams read `text`, Discord reads `content`."""
    line = f"{run.id}: {story.printable(' '.join(text.split()))}"
    return {
        "text": line,
        "content": line,
        "event": event,
        "run": run.id,
        "job": run.jobs,
        "exit_code": "" if run.exit_code is None else str(run.exit_code),
        "folder": str(run.folder.absolute()),
    }


def request(url, told):
    """The POST of a message."""
    headers = {"Content-Type": "application/json", "User-Agent": "ec2-gpu-jobs"}
    return urllib.request.Request(url, json.dumps(told).encode(), headers, method="POST")


def _post(url, told):
    with urllib.request.urlopen(request(url, told), timeout=TIMEOUT_S):
        pass


def _run(command, told):
    """The command by a shell: the text on stdin, all of the message as GPU_JOB_TEXT, GPU_JOB_EVENT, ..."""
    environment = {PREFIX + name.upper(): value for name, value in told.items() if name != "content"}
    process = subprocess.Popen(
        ["sh", "-c", command],
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,  # the command's stdout is for results
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C is meant for us
    )
    try:
        process.communicate(f"{told['text']}\n".encode(), TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.returncode:
        raise Refused(f"exit code {process.returncode}")


def _is_url(setting):
    return setting.startswith(("http://", "https://"))


def _host(url):
    """The server's name alone: the rest of such a URL is a secret."""
    with contextlib.suppress(ValueError):
        return urllib.parse.urlsplit(url).hostname or "the webhook"
    return "the webhook"


def _reason(error):
    """Why, without the URL or the command, which errors like to quote."""
    if isinstance(error, urllib.error.HTTPError):
        return f"it answered {error.code}"
    cause = getattr(error, "reason", error)
    if isinstance(cause, TimeoutError | subprocess.TimeoutExpired):
        return f"nothing within {TIMEOUT_S} s"
    return str(cause) if isinstance(cause, Refused) else getattr(cause, "strerror", None) or type(cause).__name__


@functools.cache
def _complain(_run_id, text):
    """Say it, once for each run."""
    story.say("notify", text)


def _first_line(error):
    if isinstance(error, aws_errors()):
        error = explain(error)
    text = error.message if isinstance(error, Failure) else str(error)
    return next(iter(text.strip().splitlines()), "interrupted")
