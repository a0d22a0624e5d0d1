"""A copy of this checkout in a folder of its own, used as a user would: by bin/fab, in processes of its own."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import boto3
import psutil

from remote import embedded

ROOT = Path(__file__).parents[2]
PARTS = ("bin", "scripts", "remote", "jobs", "fabfile.py", "fabric.yaml", "pyproject.toml", "environment.yml")
REGION = "us-east-1"
PATIENCE_S = 90  # for one command, on a busy machine


class Checkout:
    """path: the copy. runs: its runs folder. environment: what is set for its commands on top of ours."""

    def __init__(self, path, **environment):
        self.path = path
        self.environment = environment
        self.runs = Path(environment.get("FABRIC_RUNS_DIR", path / "runs"))

    @property
    def state(self):
        return self.runs / ".embedded"

    @property
    def cloud(self):
        """The Cloud record of its embedded EC2, for remote.embedded.orders."""
        return embedded.connect(self.state, REGION)

    def client(self, service, region=REGION):
        """A boto3 client of its embedded EC2."""
        cloud = self.cloud
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=cloud.endpoint_url,
            aws_access_key_id=cloud.access_key,
            aws_secret_access_key=cloud.secret_key,
        )

    @property
    def as_aws(self):
        """The environment in which its embedded EC2 is an EC2 like any other."""
        return as_aws(self.cloud)

    def start(self, *words, **environment):
        """bin/fab WORDS as a process in a group of its own, its output to be read from pipes."""
        return subprocess.Popen(
            [self.path / "bin/fab", *map(str, words)],
            cwd=self.path,
            env=os.environ | self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def fab(self, *words, **environment):
        """What bin/fab WORDS did: returncode, stdout and stderr as text."""
        return finished(self.start(*words, **environment))

    def done(self, *words, **environment):
        """The stdout of a command that must succeed."""
        outcome = self.fab(*words, **environment)
        assert outcome.returncode == 0, outcome.stderr
        return outcome.stdout.strip()

    def train(self, *sets, options=(), **environment):
        """The outcome of training the tiny job, and the record of the run that it made (None if it made none)."""
        before = set(self.run_ids())
        outcome = self.fab(*train_words(*sets), *options, **environment)
        made = [run_id for run_id in self.run_ids() if run_id not in before]
        return outcome, self.run(made[0]) if made else None

    def detached(self, *sets, options=()):
        """The id of a run whose job has just been started."""
        return self.done(*train_words(*sets), *options, "--detach")

    def run_ids(self):
        """Ids of the runs that it has a record of, oldest first."""
        records = self.runs.glob("*-*/run.json")
        return [record.parent.name for record in sorted(records, key=_created)]

    def run(self, run_id):
        """The record of a run, as a dict."""
        return json.loads((self.runs / run_id / "run.json").read_text())

    def home(self, run_id):
        """{path: bytes} of what a run brought home: its log, exit code and everything in out/."""
        folder = self.runs / run_id
        kept = [path for path in (folder / "log", folder / "exit_code", *folder.glob("out/**/*")) if path.is_file()]
        return {str(path.relative_to(folder)): path.read_bytes() for path in kept}

    def there(self, run_id):
        """The folder of a run on its volume, on the "instance"."""
        found = list(self.state.glob(f"volumes/*/files/runs/{run_id}"))
        assert len(found) == 1, f"{run_id} is on {len(found)} volumes"
        return found[0]

    def let_go(self, run_id):
        """Let a job that holds after an epoch go on."""
        (self.there(run_id) / "go").touch()

    def billed(self):
        """What is still paid for, or still lets somebody in: ids of instances, data volumes and rules."""
        ec2 = self.client("ec2")
        living = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]
        described = ec2.describe_instances(Filters=living)["Reservations"]
        instances = [one["InstanceId"] for reservation in described for one in reservation["Instances"]]
        volumes = [one["VolumeId"] for one in ec2.describe_volumes()["Volumes"]]
        groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["gpu-jobs"]}])
        rules = [rule for group in groups["SecurityGroups"] for rule in group["IpPermissions"]]
        return instances + volumes + rules

    def processes(self):
        """Every process that runs from this copy, or for it."""
        return [process for process in psutil.process_iter() if _belongs(process, str(self.path))]


def as_aws(cloud):
    """The environment in which an embedded EC2 is an EC2 like any other: an address, and credentials."""
    return {
        "FABRIC_CLOUD": "aws",
        "FABRIC_ENDPOINT_URL": cloud.endpoint_url,
        "FABRIC_SSH_CONFIG": str(cloud.ssh_config),
        "FABRIC_ADDRESS_URL": cloud.address_url,
        "AWS_ACCESS_KEY_ID": cloud.access_key,
        "AWS_SECRET_ACCESS_KEY": cloud.secret_key,
    }


def make(path, **environment):
    """A Checkout at path: the product's files, the tiny job, and the environment that runs these tests."""
    path.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, path / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, path / part)
    shutil.copy2(Path(__file__).with_name("tiny.py"), path / "jobs/tiny.py")
    lend_environment(path)
    return Checkout(path, **environment)


def lend_environment(path):
    """Let the copy use the packages of this Python: nothing is installed, and nothing of it can be changed."""
    (path / ".venv").mkdir()
    for part in Path(sys.prefix).iterdir():
        if not part.name.startswith(("installed", "setup")):
            (path / ".venv" / part.name).symlink_to(part)
    groups = re.search(r"^ensure_environment (.*)$", (path / "bin/fab").read_text(), re.M)[1]
    (path / ".venv" / f"installed-{groups.replace(' ', '-')}").touch()


def finished(process, patience_s=PATIENCE_S):
    """A process of `start` once it has ended, as a CompletedProcess with text."""
    try:
        stdout, stderr = process.communicate(timeout=patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, stderr = process.communicate()
        raise AssertionError(f"not finished within {patience_s} s; it said: {stderr.decode()}") from None
    return subprocess.CompletedProcess(
        process.args, process.returncode, stdout.decode("utf-8", "surrogateescape"), stderr.decode("utf-8", "replace")
    )


def train_words(*sets):
    """The words of `bin/fab train` for the tiny job with parameters such as "epochs=2"."""
    return ["train", "--job", "tiny", *(word for one in sets for word in ("--set", one))]


def wait_until(condition, seconds=20, every=0.03):
    """Wait until condition() is true and return its value; fails the test otherwise."""
    ends = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(every)
    return value


def read_until(stream, words, seconds=30):
    """Read a pipe's lines up to the one that has the words; returns all text so far."""
    ends, lines = time.monotonic() + seconds, []
    while not lines or words not in lines[-1]:
        line = stream.readline().decode("utf-8", "replace")
        assert line, f"ended without {words!r}: {''.join(lines)}"
        assert time.monotonic() < ends, f"no {words!r} within {seconds} s: {''.join(lines)}"
        lines.append(line)
    return "".join(lines)


def _belongs(process, path):
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        traces = [*process.cmdline(), process.cwd(), *process.environ().values()]
    except (psutil.Error, OSError):
        return False
    return any(path in trace for trace in traces)


def _created(record):
    """When a run was asked for; its folder is made then and its key a moment later, and neither is touched again."""
    key = record.parent / "id_ed25519"
    return json.loads(record.read_text())["created"], key.stat().st_mtime if key.exists() else 0
