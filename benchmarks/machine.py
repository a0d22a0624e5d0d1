"""A machine that answers SSH at once: with the real OpenSSH server as root on Linux, else one of the embedded EC2."""

import contextlib
import dataclasses
import os
import sys
from pathlib import Path

from remote import embedded, openssh
from remote import host as hosts
from tests.embedded import rented
from tests.system import conftest as system
from tests.system import instance as instances

ROOT = Path(__file__).parent.parent


@dataclasses.dataclass(frozen=True)
class Machine:
    """address, port: where its SSH server listens. home: of its login user. python: one there with the pinned packages.

    login: how the product gets in. server: what answers.
    """

    login: hosts.Login
    address: str
    port: int
    home: Path
    python: str
    server: str


@contextlib.contextmanager
def answering(folder):
    """A Machine, its keys and files in folder (a Path that exists); gone at the end."""
    kind = _embedded if system.why_not() else _real
    with kind(folder) as machine:
        yield machine


@contextlib.contextmanager
def _real(folder):
    os.environ["PATH"] = system.SBIN
    with instances.running(folder / "instance") as instance:
        instance.root(f"{instances.PYTHON} -m venv --without-pip /opt/environment")
        instance.root("echo /opt/packages > $(echo /opt/environment/lib/python3.*/site-packages)/lent.pth")
        python = "/opt/environment/bin/python"
        login = instance.login
        yield Machine(login, login.address, login.port, instance.path(""), python, "OpenSSH's sshd")


@contextlib.contextmanager
def _embedded(folder):
    state = folder / "embedded"
    cloud = embedded.connect(state, "us-east-1")
    try:
        machine = rented.booted(rented.rent(cloud, folder / "keys"))
        known_hosts = machine.folder / "known_hosts"
        known_hosts.write_text(known_hosts.read_text().replace("box", openssh.ALIAS, 1))
        login = hosts.Login(machine.address, "ubuntu", machine.folder / "key", known_hosts, cloud.ssh_config)
        port = hosts.connect(login, 10).connection.port
        home = state / "instances" / machine.id / "home/ubuntu"
        yield Machine(login, "127.0.0.1", port, home, sys.executable, "the embedded EC2's SSH host")
    finally:
        embedded.stop(state)
