"""One embedded EC2 and two checkouts: "home", where runs are started, and "elsewhere", which has only the credentials.

Cases follow one another in a world; each finds it empty. Its clock can be moved, and its clients' with it.
"""

import contextlib
import os
import shutil
import time
from pathlib import Path

import boto3
from botocore.config import Config

from remote import embedded, tags
from remote.embedded import orders
from tests.faults import command, disks
from tests.life.checkout import as_aws

REGION = "us-east-1"
ONCE = Config(retries={"mode": "standard", "total_max_attempts": 2}, read_timeout=20)
ENDED_WITHIN_S = 20
LIVING = ("pending", "running", "stopping", "stopped")


class World:
    """folder: everything of it. cloud: for orders. ahead_s: how far its clock is ahead of this computer's."""

    def __init__(self, folder):
        self.folder = folder
        self.state = folder / "ec2"
        self.cloud = embedded.connect(self.state, REGION, idle_s=900)
        self.ahead_s = 0.0
        session = boto3.Session(
            aws_access_key_id=self.cloud.access_key,
            aws_secret_access_key=self.cloud.secret_key,
            region_name=REGION,
        )
        self.ec2 = session.client("ec2", endpoint_url=self.cloud.endpoint_url, config=ONCE)
        self.scheduler = session.client("scheduler", endpoint_url=self.cloud.endpoint_url, config=ONCE)
        self.case = folder

    def close(self):
        embedded.stop(self.state)
        disks.remove(self.state)
        shutil.rmtree(self.folder, ignore_errors=True)

    def begin(self, name):
        """An empty folder for a case: its runs, the output of its commands, its journals."""
        self.case = self.folder / "cases" / name.replace("/", "_")
        for part in ("home", "elsewhere", "journal", "said", "nobody"):
            (self.case / part).mkdir(parents=True)

    def fab(self, *words, at="home", strike=None, record=None, **settings):
        """The Outcome of bin/fab WORDS in one of the two checkouts. settings: of fabric.yaml, for this command."""
        return command.run(
            [str(word) for word in words],
            self._environment(at) | {f"FABRIC_{name.upper()}": str(value) for name, value in settings.items()},
            self.case / "said",
            strike=strike and (strike, self.cloud, self.state),
            record=record,
            ahead_s=self.ahead_s,
        )

    def _environment(self, at):
        return as_aws(self.cloud) | {
            "HOME": str(self.case / "nobody"),  # no settings of whoever plays the matrix
            "FABRIC_RUNS_DIR": str(self.case / at),
            "FABRIC_CONNECT_MINUTES": "0.3",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def run_ids(self, at="home"):
        """Ids of the runs that a checkout has a record of, oldest first."""
        found = [path.parent for path in (self.case / at).glob("count-*/run.json")]
        return [path.name for path in sorted(found, key=lambda path: path.stat().st_ctime_ns)]

    def advance(self, seconds):
        """Let time pass, in the cloud and for its clients to come."""
        orders.advance(self.cloud, seconds)
        self.ahead_s += seconds

    def instances(self, **which):
        """Instances as AWS describes them. which: arguments of describe_instances; all of them would take moto long."""
        pages = self.ec2.get_paginator("describe_instances").paginate(**which)
        return [one for page in pages for group in page["Reservations"] for one in group["Instances"]]

    def living(self, states=LIVING):
        return self.instances(Filters=tags.filters({"instance-state-name": states}))

    def all_ended(self, within_s=ENDED_WITHIN_S):
        """Wait until no instance is left; the ids of those that are nevertheless."""
        ends = time.monotonic() + within_s
        while (left := self.living((*LIVING, "shutting-down"))) and time.monotonic() < ends:
            time.sleep(0.2)
        return [one["InstanceId"] for one in left]

    def left(self):
        """{kind: what is there of it}: everything that costs something or lets somebody in."""
        groups = self.ec2.describe_security_groups(Filters=tags.filters({"group-name": "gpu-jobs"}))["SecurityGroups"]
        return {
            "instance": self.living(),
            "volume": self.ec2.describe_volumes()["Volumes"],
            "snapshot": self.ec2.describe_snapshots(
                OwnerIds=["self"], Filters=tags.filters({f"tag:{tags.MANAGED}": "true"})
            )["Snapshots"],
            "rule": [rule for group in groups for rule in group["IpPermissions"]],
            "schedule": self.scheduler.list_schedules()["Schedules"],
        }

    def sweep(self):
        """Make it empty again, whatever a case has left; forget its faults."""
        orders.clear(self.cloud)
        left = self.left()
        for instance in left["instance"]:
            self.ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
        if left["instance"] or left["volume"]:
            self.all_ended()
        disks.remove(self.state)
        for volume in self.ec2.describe_volumes()["Volumes"]:
            with contextlib.suppress(self.ec2.exceptions.ClientError):
                self.ec2.delete_volume(VolumeId=volume["VolumeId"])
        for schedule in left["schedule"]:
            self.scheduler.delete_schedule(Name=schedule["Name"])
        for group in self.ec2.describe_security_groups(Filters=tags.filters({"group-name": "gpu-jobs"}))[
            "SecurityGroups"
        ]:
            self.ec2.delete_security_group(GroupId=group["GroupId"])
        shutil.rmtree(self.case, ignore_errors=True)

    def on_volumes(self, run_id):
        """The folders of a run on volumes, as they lie in the embedded EC2."""
        return list(self.state.glob(f"volumes/*/files/runs/{run_id}"))


def journal_of(world, number=1):
    """Where the job of the case's so-manieth run keeps its journal."""
    return Path(world.case / "journal" / f"{number}.jsonl")
