"""How much memory a client takes over the real sshd for a log of any length, also one in a single line."""

import os
import subprocess
import sys

import pytest

from remote import host as hosts

LOG_MIB = int(os.environ.get("LOG_MIB", "64"))  # tried with 1024
GROWTH_MIB = 24  # a log that is kept in memory would take LOG_MIB at least
FOLLOW = """
import resource, sys
from pathlib import Path
from remote import follow, host
address, user, key, known_hosts, there, log = sys.argv[1:]
machine = host.connect(host.Login(address, user, Path(key), Path(known_hosts), None), 10)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
code = follow.watch(machine, there, Path(log), follow.Screen())
print(code, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""
LINES = "seq 1 1000000000 | head -c {size} > log"
ONE_LINE = "head -c {size} /dev/zero | tr '\\0' x > log"


@pytest.mark.parametrize("write", [LINES, ONE_LINE], ids=["lines", "one line"])
def test_the_memory_of_follow_is_flat(instance, machine, tmp_path, write):
    there, login = tmp_path.name.replace(" ", "-"), instance.login
    write = write.format(size=LOG_MIB << 20)
    hosts.run(machine, f"mkdir -p {there}/out && cd {there} && {{ {write}; }} && echo 0 > exit_code", wait_s=300)
    words = [login.address, login.user, login.key, login.known_hosts, there, tmp_path / "log"]
    with (tmp_path / "shown").open("wb") as shown:  # the log, and that there is no GPU
        done = subprocess.run([sys.executable, "-c", FOLLOW, *words], stdout=subprocess.PIPE, stderr=shown, text=True)
    hosts.run(machine, f"rm -r {there}")
    code, grown_mib = map(int, done.stdout.split())
    assert code == 0 and (tmp_path / "log").stat().st_size == LOG_MIB << 20 < (tmp_path / "shown").stat().st_size
    assert grown_mib < GROWTH_MIB, f"{grown_mib} MiB for a log of {LOG_MIB}"


def test_an_answer_without_end_is_not_kept(machine, monkeypatch):
    monkeypatch.setattr(hosts, "ANSWER_LIMIT", 1 << 20)
    with pytest.raises(hosts.CommandFailed, match="more than 1 MiB"):
        hosts.run(machine, "yes")
