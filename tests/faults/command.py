"""One command of the product, bin/fab WORDS, in a process of its own that is forked from this one: no second is lost.

Python, boto3 and paramiko take 0.7 s to start; a thousand cases take several commands each. So the process that plays
the cases has imported everything once, and each command is a fork of it: it runs the copy's fabfile.py as bin/fab does.
"""

import contextlib
import datetime
import json
import os
import runpy
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from tests.faults import deeds, places

PATIENCE_S = 150  # for one command, on a busy machine; one that takes longer hangs
POLL_S = 0.01
# Waits of the product's that a case would have to sit out, in seconds. Shorter, and otherwise the same.
WAITS = {
    "remote.follow.SILENCE_S": 8,  # follow.sh beats every three
    "remote.transfer.SILENCE_S": 5,
    "remote.transfer.HASH_WAIT_S": 5,
    "remote.steps.SETUP_S": 20,
    "remote.steps.RECONNECT_S": 5,
    "remote.steps.FIRST_TRY_S": 3,
    "remote.host.CONNECT_TIMEOUT_S": 3,
    "remote.openssh.CONNECT_TIMEOUT_S": 3,
    "remote.capacity.BACKOFF_S": (0.05,) * 5,
    "remote.capacity.PAUSE_S": 0.05,
    "remote.transfer.LARGE": 1 << 16,  # bytes: so that a small file goes the way of the large ones
}
MINUTE_S, COMMAND_WAIT_S = 60, 10  # what a command that nothing is heard of gets as a rule, and gets here
READ_TIMEOUT_S = 2.5  # of an AWS request
SSH_TIMEOUT_S = 4  # for a greeting, and for being let in


@dataclass(frozen=True)
class Outcome:
    """How a command ended: exit code (negative: by that signal; None: it hung and was ended), and what it said."""

    words: tuple
    code: int | None
    stdout: str
    stderr: str
    reached: bool  # whether it came to the place at which something was to be done


def run(words, environment, folder, *, strike=None, ahead_s=0.0, record=None):
    """The Outcome of bin/fab WORDS.

    environment: set on top of ours. folder: where its output is kept. strike: ([(place as text, moment, deed)], cloud,
    state) for a command to which something happens, the last of it being what counts. ahead_s: how far its clock is
    ahead. record: a file that gets a line for each place.
    """
    folder.mkdir(parents=True, exist_ok=True)
    number = len(list(folder.glob("*.stderr")))
    paths = [folder / f"{number}-{words[0]}.{name}" for name in ("stdout", "stderr", "reached")]
    pid = os.fork()
    if pid == 0:
        _be_the_command(words, environment, paths, (strike, record), ahead_s)
    code = _wait(pid)
    said = [path.read_text(errors="replace") if path.exists() else "" for path in paths]
    return Outcome(tuple(words), code, said[0], said[1], bool(said[2]))


def _wait(pid):
    """The exit code of a child, as subprocess tells it; None when it had to be ended."""
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(POLL_S)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def _be_the_command(words, environment, paths, plan, ahead_s):
    """In the child: become bin/fab, and end as it ends."""
    code = 70
    try:
        os.setsid()
        _redirect(paths)
        os.environ |= environment
        _shorten(patient=bool(plan[1]))
        _set_clock_ahead(ahead_s)
        _observe(plan, paths[2])
        sys.argv = ["fab", *words]
        runpy.run_path("fabfile.py", run_name="__main__")
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _redirect(paths):
    """Nothing on stdin; stdout and stderr into files."""
    null = os.open(os.devnull, os.O_RDONLY)
    out, err = (os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) for path in paths[:2])
    for here, there in ((null, 0), (out, 1), (err, 2)):
        os.dup2(here, there)


def _shorten(patient):
    """The product's waits, in this process, as WAITS says. patient: for a run whose requests must not be repeated."""
    import paramiko
    from botocore.retries.standard import ExponentialBackoff

    from remote import aws, host

    for name, value in WAITS.items():
        module, _, constant = name.rpartition(".")
        setattr(sys.modules[module], constant, value)
    if patient:
        return
    ExponentialBackoff.delay_amount = lambda *_: 0.02
    for config in (aws.ORDINARY, aws.LAUNCH, aws.QUICK, aws.ASIDE):
        config.update(read_timeout=READ_TIMEOUT_S, connect_timeout=READ_TIMEOUT_S)
    ssh_connect = paramiko.SSHClient.connect
    impatience = {"banner_timeout": SSH_TIMEOUT_S, "auth_timeout": SSH_TIMEOUT_S}
    paramiko.SSHClient.connect = lambda self, *words, **named: ssh_connect(self, *words, **named | impatience)
    start = host.start

    def impatient(machine, command, stdin=b"", wait_s=MINUTE_S):
        return start(machine, command, stdin, COMMAND_WAIT_S if wait_s == MINUTE_S else wait_s)

    host.start = impatient


def _set_clock_ahead(seconds):
    """As if so much time had passed, here as in the cloud."""
    real, ahead = datetime.datetime, datetime.timedelta(seconds=seconds)

    class Ahead(real):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(real.now(datetime.UTC).timestamp() + ahead.total_seconds(), tz)

    if seconds:
        datetime.datetime = Ahead


def _observe(plan, reached):
    """Write every place down, or do the deed at the one that is named; nothing for an ordinary command."""
    strike, record = plan

    def note(place, moment):
        with Path(record).open("a") as file:
            file.write(json.dumps([place.kind, place.label, place.number, moment]) + "\n")

    def act(place, moment):
        for number, (where, when, deed) in enumerate(strike[0], 1):
            if (str(place), moment) == (where, when) and not reached.exists():
                if number == len(strike[0]):
                    reached.write_text(moment)
                deeds.do(deed, place, *strike[1:])

    if record or strike:
        places.watch(note if record else act)
