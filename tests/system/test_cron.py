"""bin/train-cron.sh under Debian's own cron: silent when all went well, trouble by mail, one at a time."""

import contextlib
import re
import shutil
import subprocess
import sys

import pytest

from tests.life import checkout as checkouts
from tests.system.instance import HERE, first_child, wait_until

README_LINE = re.compile(r"^ +0 3 \* \* 0 +(/path/to/ec2-gpu-jobs/bin/train-cron\.sh lstm_aiw)$", re.M)
BILLED = "import sys; from pathlib import Path; from tests.life.checkout import Checkout\n"
BILLED += "print(Checkout(Path(sys.argv[1])).billed())"


@pytest.fixture
def checkout(tmp_path):
    """A Checkout with a job that is well and one, the same, that is told to fail."""
    made = checkouts.make(tmp_path / "ec2-gpu-jobs")
    shutil.copy(made.path / "jobs/tiny.py", made.path / "jobs/failing.py")
    return made


@contextlib.contextmanager
def cron(folder, lines):
    """Cron at work on these crontab lines; yields the pid of its PID 1. Mail is in folder/mail."""
    (folder / "mail").mkdir(parents=True)
    (folder / "crontab").write_text("".join(f"{line}\n" for line in lines))
    starter = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc"]
    process = subprocess.Popen([*starter, "--kill-child", HERE / "cron.sh", folder])
    try:
        yield first_child(process)
    finally:
        process.kill()
        process.wait()


def crontab_line(checkout, words):
    """The README's line, for this checkout and every minute, with this job and options."""
    command = README_LINE.search((checkouts.ROOT / "README.md").read_text())[1]
    return "* * * * *  " + command.replace("/path/to/ec2-gpu-jobs", str(checkout.path)).replace("lstm_aiw", words)


def inside(pid, *words):
    """The stdout of a command in the namespaces of cron."""
    command = ["nsenter", "-t", str(pid), "-m", "-n", "-p", *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


@pytest.mark.slow
def test_cron_trains_in_silence_and_mails_trouble(checkout, tmp_path):
    well = crontab_line(checkout, "tiny --set epochs=1")
    lines = [well, well, crontab_line(checkout, "failing --set fail=1")]
    with cron(tmp_path / "cron", lines) as pid:
        mailbox = tmp_path / "cron/mail"
        wait_until(lambda: list(checkout.runs.glob("cron/*.log")), seconds=75)
        inside(pid, "rm", "/var/spool/cron/crontabs/root")  # once is enough
        wait_until(lambda: "train-cron" not in inside(pid, "ps", "-e", "-ww", "-o", "args="), 120, 0.5)
        wait_until(lambda: len(list(mailbox.iterdir())) == 2, 5)
        locked, failed = sorted((mail.read_text() for mail in mailbox.iterdir()), key=len)
        billed = inside(pid, "env", f"PYTHONPATH={checkouts.ROOT}", sys.executable, "-c", BILLED, str(checkout.path))
    assert "the last run of tiny is still at work" in locked
    assert "failing ended with exit code 5" in failed and "RuntimeError: ordered to fail" in failed
    assert str(checkout.runs / "cron/failing.log") in failed
    assert "X-Cron-Env: <PATH=/usr/bin:/bin>" in failed
    assert sorted(run_id.split("-")[0] for run_id in checkout.run_ids()) == ["failing", "tiny"]
    assert all(checkout.run(run_id)["closed"] for run_id in checkout.run_ids())
    assert billed == "[]\n"
