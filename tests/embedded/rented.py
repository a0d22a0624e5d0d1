"""Machines rented from the embedded EC2, talked to with boto3 and OpenSSH as a user's program would."""

import dataclasses
import functools
import json
import subprocess
import time
from pathlib import Path

import boto3
from botocore.config import Config
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

IMAGE = "ami-0e3bedded2404a001"
CALLER = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "127.0.0.1/32"}]}
OVER = ("shutting-down", "terminated")


@functools.cache
def client(cloud, service, region="us-east-1", attempts=1):
    """A boto3 client; it tries once, so that tests see what the API says."""
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=cloud.endpoint_url,
        aws_access_key_id=cloud.access_key,
        aws_secret_access_key=cloud.secret_key,
        config=Config(retries={"mode": "standard", "total_max_attempts": attempts}, read_timeout=10),
    )


def wait_until(condition, seconds=10.0, every=0.05):
    """Wait until condition() is true and return its value; fails the test otherwise."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(every)
    return value


@dataclasses.dataclass
class Rented:
    """A rented machine. address: its public one; folder: private key and known_hosts."""

    cloud: object
    ec2: object
    id: str
    address: str
    folder: Path

    @property
    def options(self):
        """What ssh, scp and sftp need to reach it."""
        return [
            *("-F", str(self.cloud.ssh_config), "-i", str(self.folder / "key"), "-o", "IdentitiesOnly=yes"),
            *("-o", f'UserKnownHostsFile="{self.folder / "known_hosts"}"', "-o", "HostKeyAlias=box"),
            *("-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=2"),
        ]

    def run(self, command, stdin=None, timeout=20, text=True):
        """The finished ssh process; 255 when there was no connection."""
        words = ["ssh", *self.options, f"ubuntu@{self.address}", command]
        return subprocess.run(words, input=stdin, capture_output=True, timeout=timeout, text=text, check=False)

    def say(self, command):
        """The output of a command that must succeed."""
        done = self.run(command)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self, command):
        """A command that goes on; returns its Popen, whose stdout is a pipe."""
        words = ["ssh", *self.options, f"ubuntu@{self.address}", command]
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    @property
    def description(self):
        return self.ec2.describe_instances(InstanceIds=[self.id])["Reservations"][0]["Instances"][0]

    @property
    def state(self):
        return self.description["State"]["Name"]

    @property
    def zone(self):
        return self.description["Placement"]["AvailabilityZone"]

    @property
    def console(self):
        return self.ec2.get_console_output(InstanceId=self.id).get("Output", "")

    def wait_for(self, state):
        wait_until(lambda: self.state == state)
        self.address = self.description.get("PublicIpAddress", "")

    def give_back(self, wait=True):
        self.ec2.terminate_instances(InstanceIds=[self.id])
        if wait:
            wait_until(lambda: self.state == "terminated")


def key_pair():
    """(private, public) ed25519 key as OpenSSH text."""
    key = Ed25519PrivateKey.generate()
    form = serialization.PrivateFormat.OpenSSH
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return private.decode(), public.decode()


@functools.cache
def open_group(ec2, name="ssh"):
    """A security group that lets this machine reach port 22."""
    group = ec2.create_security_group(GroupName=name, Description="ssh")["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[CALLER])
    return group


def rent(cloud, folder, config=None, **request):
    """Launch an instance whose host key is known beforehand; returns it as a Rented, not yet booted."""
    ec2 = client(cloud, "ec2")
    folder.mkdir(parents=True, exist_ok=True)
    private, public = key_pair()
    host_private, host_public = key_pair()
    (folder / "key").touch(mode=0o600)
    (folder / "key").write_text(private)
    (folder / "known_hosts").write_text(f"box {host_public}\n")
    config = {
        "ssh_keys": {"ed25519_private": host_private, "ed25519_public": host_public},
        "ssh_authorized_keys": [public],
    } | (config or {})
    defaults = {
        "ImageId": IMAGE,
        "InstanceType": "g4dn.xlarge",
        "MinCount": 1,
        "MaxCount": 1,
        "UserData": "#cloud-config\n" + json.dumps(config),
        "InstanceInitiatedShutdownBehavior": "terminate",
    }
    if "SecurityGroupIds" not in request:
        defaults["SecurityGroupIds"] = [open_group(ec2)]
    instance = ec2.run_instances(**defaults | request)["Instances"][0]
    return Rented(cloud, ec2, instance["InstanceId"], instance.get("PublicIpAddress", ""), folder)


def booted(machine):
    """Wait until the machine answers SSH; returns it."""
    wait_until(lambda: machine.run("true").returncode == 0, seconds=15)
    return machine
