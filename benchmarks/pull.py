"""Bringing 200 MB home: remote/transfer.py beside OpenSSH's scp, and rsync over the same ssh.

    python -m benchmarks.pull                               # two minutes
    python -m benchmarks.pull --megabytes 1000 --rounds 3

transfer.pull also compares SHA-256 of both ends, so scp is measured once more with a sha256sum at either end; and ours
asks ssh for a quicker cipher than its own first choice, so scp is measured with that one too. In turn, so that other
load on the machine hits all alike. Memory is the most that the processes of this side have had at once.
"""

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import machine
from remote import host as hosts
from remote import openssh

ROOT = Path(__file__).parent.parent
GOAL = 0.9  # of scp's speed
OURS = """
import sys, time
from pathlib import Path
from remote import host, transfer
address, user, key, known_hosts, ssh_config, there, here = sys.argv[1:]
machine = host.connect(host.Login(address, user, Path(key), Path(known_hosts), Path(ssh_config)), 10)
began = time.perf_counter()
transfer.pull(machine, there, Path(here))
print(time.perf_counter() - began)
"""
THEIRS = "TIMEFORMAT=%R; {{ time {{ {command}; }} >/dev/null; }} 2>&1"


@dataclass(frozen=True)
class Way:
    """A way home. command: of the folder to bring it to. seconds, memory (bytes): of each round."""

    name: str
    command: Callable
    seconds: list
    memory: list


def measure(megabytes, rounds):
    """(server, [Way, ...]): scp comes first. Each way brings one file of random bytes into an empty folder."""
    with tempfile.TemporaryDirectory(prefix="pull-") as scratch, machine.answering(Path(scratch)) as there:
        connected = hosts.connect(there.login, 10)
        hosts.run(connected, f"mkdir -p run/out && head -c {megabytes * 1_000_000} /dev/urandom >run/out/weights")
        hosts.close(connected)
        ways = list(all_ways(there.login))
        for _round in range(rounds):
            for way in ways:
                bring(way, Path(scratch) / "home")
        return there.server, ways


def all_ways(login):
    """The ways to be compared."""
    config = login.ssh_config or "/dev/null"
    pull = [sys.executable, "-c", OURS, login.address, login.user, login.key, login.known_hosts, config]
    ssh = openssh.command(login)
    weights = f"{login.user}@{login.address}:run/out/weights"
    rsync = hosts.quote("rsync", "-e", hosts.quote(*ssh), weights)
    same_cipher = hosts.quote("scp", "-q", *ssh[1:], weights)
    scp = hosts.quote("scp", "-q", *own_cipher(ssh[1:]), weights)
    checked = hosts.quote(*ssh, f"{login.user}@{login.address}", "sha256sum run/out/weights")

    def ours(home):
        return [*map(str, pull), "run", str(home)]

    def theirs(command):
        return lambda home: ["bash", "-ec", THEIRS.format(command=command.format(home=hosts.quote(home)))]

    yield Way("scp", theirs(f"{scp} {{home}}"), [], [])
    yield Way("scp with the cipher of ours", theirs(f"{same_cipher} {{home}}"), [], [])
    checks = f"{scp} {{home}} && {checked} && sha256sum {{home}}/*"
    yield Way("scp, then sha256sum at both ends", theirs(checks), [], [])
    if shutil.which("rsync"):
        yield Way("rsync", theirs(f"{rsync} {{home}}"), [], [])
    yield Way("transfer.pull", ours, [], [])


def own_cipher(options):
    """ssh's options without the one that puts a quick cipher first."""
    place = options.index(f"Ciphers={openssh.FAST_CIPHERS}")
    return options[: place - 1] + options[place + 1 :]


def bring(way, home):
    """One round: bring the file to an empty folder, note seconds and memory, throw it away."""
    home.mkdir()
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(way.command(home), env=variables, stdout=subprocess.PIPE, text=True)
    with ThreadPoolExecutor() as watcher:
        memory = watcher.submit(most_memory, psutil.Process(process.pid))
        said, _nothing = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{way.name} failed: {said}")
    way.seconds.append(float(said))
    way.memory.append(memory.result())
    shutil.rmtree(home)


def most_memory(process):
    """The most bytes of memory that a process and its children have had together, looked at 20 times a second."""
    most = 0
    with contextlib.suppress(psutil.Error):
        while process.status() != psutil.STATUS_ZOMBIE:
            family = [process, *process.children(recursive=True)]
            most = max(most, sum(resident(one) for one in family))
            time.sleep(0.05)
    return most


def resident(process):
    with contextlib.suppress(psutil.Error):
        return process.memory_info().rss
    return 0


def table(megabytes, ways):
    """The measurements as lines of text."""
    yield "way                                 median    fastest  slowest     speed   to scp  memory"
    scp_s = statistics.median(ways[0].seconds)
    for way in ways:
        median_s = statistics.median(way.seconds)
        spread = f"{median_s:6.2f} s {min(way.seconds):7.2f} s {max(way.seconds):7.2f} s"
        speed = f"{megabytes / median_s:4.0f} MB/s  {scp_s / median_s:5.2f} x"
        yield f"{way.name:<34}{spread}  {speed}  {max(way.memory) / 2**20:4.0f} MiB"


def main(argv=None):
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=200, help="size of the file (200)")
    parser.add_argument("--rounds", type=int, default=7, help="of each way (7)")
    given = parser.parse_args(argv)
    server, ways = measure(given.megabytes, given.rounds)
    print(f"{given.megabytes} MB from {server}; {given.rounds} rounds; goal: {GOAL} of scp's speed")
    for line in table(given.megabytes, ways):
        print(line)


if __name__ == "__main__":
    main()
