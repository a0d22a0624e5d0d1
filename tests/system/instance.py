"""An "instance" with the real OpenSSH server: namespaces of its own for network, mounts and processes.

Nothing of it can stay behind: when its first process dies, or the tests that started it do, the kernel takes its
processes, its mounts and its end of the network cable away.
"""

import contextlib
import itertools
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from remote import boot, openssh
from remote import host as hosts

HERE = Path(__file__).parent
USER = "ubuntu"
HOME = Path("/home/ubuntu")
PYTHON = "/opt/python/bin/python3"
PATH = "/opt/stand-ins:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# A private range that is never routed: each instance hangs on a cable of its own, a network of four addresses.
NETWORKS = ((f"10.231.{n // 64 % 256}.{n % 64 * 4}", f"gpujobs{n % 16384}") for n in itertools.count(os.getpid() * 7))
SSHD_CONFIG = f"""\
HostKey /run/sshd/host_key
AuthorizedKeysFile .ssh/authorized_keys
PasswordAuthentication no
UsePAM no
Subsystem sftp internal-sftp
SetEnv PATH={PATH}
"""


@dataclass(frozen=True)
class Instance:
    """login: how the product gets in. pid: its PID 1, seen from outside. cable: our end of its network."""

    login: hosts.Login
    pid: int
    cable: str

    def path(self, path):
        """A path of the instance (relative to the login user's home), as it can be opened from here."""
        return Path(f"/proc/{self.pid}/root{HOME / path}")

    def root(self, command, check=True):
        """Run a shell command as root inside, not over SSH; returns its stdout as text."""
        inside = ["nsenter", "-t", str(self.pid), "-m", "-n", "-p", "env", f"PATH={PATH}", "sh", "-c", command]
        return subprocess.run(inside, check=check, stdout=subprocess.PIPE, text=True).stdout.strip()

    def recorded(self):
        """What systemctl, systemd-run and shutdown were asked to do, a line each."""
        return self.path("/run/recorded").read_text().splitlines()

    def cut(self):
        """End every SSH connection, as a crash of the server's side would; the server goes on listening."""
        self.root("pkill -KILL -P $(cat /run/sshd/pid)", check=False)
        self.root("pkill -KILL -f '^sshd: ubuntu'", check=False)

    @contextlib.contextmanager
    def unplugged(self):
        """No packet comes or goes, and nobody is told."""
        ip("link", "set", self.cable, "down")
        try:
            yield
        finally:
            ip("link", "set", self.cable, "up")

    def received(self):
        """Bytes that came from it over the network until now."""
        return int(Path(f"/sys/class/net/{self.cable}/statistics/rx_bytes").read_text())

    def tree(self):
        """{pid inside: command line} of its living processes, but for PID 1 and the SSH server's."""
        found = self.root("ps -e -ww -o pid=,stat=,args=").splitlines()
        rows = [line.split(maxsplit=2) for line in found]
        ours = [row for row in rows if row[0] != "1" and row[1][0] != "Z"]
        return {int(pid): words for pid, _, words in ours if not words.startswith(("sshd", "/usr/sbin/sshd", "ps "))}


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdout=subprocess.PIPE)


@contextlib.contextmanager
def running(folder):
    """A booted Instance whose files for booting, and the keys to it, are in folder (made here)."""
    network, cable = next(one for one in NETWORKS if not Path("/sys/class/net", one[1]).exists())
    ours, theirs = (network[: network.rindex(".") + 1] + str(int(network.split(".")[3]) + n) for n in (1, 2))
    login = prepare(folder, theirs)
    # setpriv: killed with the process of the tests, however that ends. unshare --kill-child: and with it all inside.
    starter = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc"]
    starter += ["--kill-child", HERE / "power-on.sh", folder, sys.base_prefix, sysconfig.get_path("purelib")]
    process = subprocess.Popen(starter)
    try:
        pid = first_child(process)
        ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
        ip("address", "add", f"{ours}/30", "dev", cable)
        ip("link", "set", cable, "up")
        booted = Instance(login, pid, cable)
        wait_until(lambda: booted.path("/run/recorded").exists())
        yield booted
    finally:
        process.kill()
        process.wait()
        subprocess.run(["ip", "link", "delete", cable], stderr=subprocess.DEVNULL)


def prepare(folder, address):
    """Write what the instance boots from, and the Login that fits it."""
    folder.mkdir()
    shutil.copytree(HERE / "stand-ins", folder / "stand-ins", symlinks=True)
    (folder / "address").write_text(f"{address}/30")
    (folder / "sshd_config").write_text(SSHD_CONFIG)
    host_key, client_key = boot.new_key(), boot.new_key()
    boot.write_key(folder / "host_key", host_key[0])
    boot.write_key(folder / "id_ed25519", client_key[0])
    (folder / "authorized_keys").write_text(client_key[1] + "\n")
    (folder / "known_hosts").write_text(f"{openssh.ALIAS} {host_key[1]}\n")
    return hosts.Login(address, USER, folder / "id_ed25519", folder / "known_hosts", None)


def first_child(process):
    """The pid of PID 1 inside: its namespaces exist as soon as it does."""
    children = wait_until(lambda: process.poll() is not None or psutil.Process(process.pid).children(), 10)
    assert process.poll() is None, "unshare refused; it said why above"
    return children[0].pid


def wait_until(condition, seconds=20, every=0.02):
    """Wait until condition() is true and return its value; fails the test otherwise."""
    ends = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(every)
    return value


def shell(*words):
    """Words as one line for a shell."""
    return shlex.join(str(word) for word in words)
