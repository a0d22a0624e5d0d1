"""Train several jobs one after the other, each in a process and an out folder of its own: OUT/JOB.

    python -m jobs.in_turn --params turns.json --out runs/here

turns.json: {"lstm_aiw": {"epochs": 3}, "lstm_words": {}}, trained in this order. A job that fails doesn't keep the next
from its turn; the exit code is then the first failure's. SIGTERM is for the job whose turn it is, which saves; called
again, jobs that had ended are left out and that one goes on from its checkpoint.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from jobs import atomic

LOOK_S = 0.5  # how often the present job's progress is shown as that of all
STOPPED = 128 + signal.SIGTERM  # as a shell has it


def main(argv=None):
    """The command line. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--params", type=Path, required=True, metavar="FILE.json")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    given = parser.parse_args(argv)
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    return train_all(json.loads(given.params.read_text()), given.out, stopped)


def train_all(turns, out, stopped):
    """Train the jobs of turns, {name: parameters}; stopped: a list, not empty once a SIGTERM has come."""
    codes = []
    for number, (job, parameters) in enumerate(turns.items(), start=1):
        print(f"=== {job}, {number} of {len(turns)}", flush=True)
        codes.append(train(job, parameters, out, stopped))
        if stopped:
            return codes[-1] or STOPPED
    return next(filter(None, codes), 0)


def train(job, parameters, out, stopped):
    """The exit code of one job: of this time, or of the time when it ended."""
    ended = out / job / "exit_code"
    if ended.exists():
        print(f"{job} has ended before, with {ended.read_text().strip()}", flush=True)
        return int(ended.read_text())
    code = _run(command(job, parameters, out / job), out, out / job, stopped)
    if not stopped:
        atomic.write_text(ended, f"{code}\n")
    if code:
        print(f"{job} ended with {code}", flush=True)
    return code


def command(job, parameters, out):
    """The words that train one job in a process of its own."""
    flags = (f"--{name}={value}" for name, value in parameters.items())
    return [sys.executable, "-u", "-m", f"jobs.{job}", "--out", str(out), *flags]


def _run(words, out, own, stopped):
    """The exit code of a process, 128 and more for one that a signal ended; its progress is shown as that of all."""
    own.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(words)
    if stopped:  # by a SIGTERM that came before there was this process to get it too
        process.terminate()
    while True:
        try:
            code = process.wait(LOOK_S)
            return code if code >= 0 else 128 - code
        except subprocess.TimeoutExpired:
            _show_progress(own / "progress.json", out / "progress.json")


def _show_progress(own, shown):
    if own.exists():
        with atomic.replacing(shown) as temporary:
            shutil.copyfile(own, temporary)


if __name__ == "__main__":
    sys.exit(main())
