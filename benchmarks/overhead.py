"""From the command to the job's first log line: bin/fab -H beside a bare script of ssh and scp (benchmarks/bare.sh).

    python -m benchmarks.overhead                           # at 0 and 80 ms round trip, a few minutes
    python -m benchmarks.overhead --rounds 11 --round-trips 0 20 80 200

Both send the same files to the same host, check them, look for an environment with the pinned packages, start the same
job (one that prints at once) under nohup, and show its log. The bare script makes a connection for each of its three
steps, as such scripts do, and once more with ControlMaster, so that it has one connection as well. In turn, so that
other load on the machine hits all alike. The long way is a proxy on loopback (benchmarks/delay.py).
"""

import argparse
import os
import signal
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import delay, machine
from tests.life import checkout as checkouts

HERE = Path(__file__).parent
FIRST_LINE = b"tiny: text of"  # what tests/life/tiny.py prints before anything else
PATIENCE_S = 120
GOAL = 1.2  # times what the bare script takes


@dataclass(frozen=True)
class Way:
    """One way to the first log line: its command, and the seconds that each round took."""

    name: str
    command: list
    seconds: list

    @property
    def median_s(self):
        return statistics.median(self.seconds)


def measure(round_trips_ms, rounds):
    """Yields (server, round trip in ms, [Way, ...]) for each round trip; the first Way is bin/fab."""
    with tempfile.TemporaryDirectory(prefix="overhead-") as scratch, machine.answering(Path(scratch)) as there:
        checkout = checkouts.make(Path(scratch) / "checkout").path
        for milliseconds in round_trips_ms:
            with delay.proxy(there.address, there.port, milliseconds / 1000) as port:
                config = write_ssh_config(Path(scratch) / f"home-{milliseconds}", there, port)
                ways = [
                    Way("bin/fab -H box train", fab_command(checkout), []),
                    Way("ssh and scp", bare_command(config, checkout, there), []),
                    Way("ssh and scp, ControlMaster", bare_command(config, checkout, there, *shared(scratch)), []),
                ]
                run(ways, rounds, environment(config, there))
                yield there.server, milliseconds, ways


def write_ssh_config(home, there, port):
    """A home directory whose ~/.ssh says how to reach the host "box" through the proxy; returns the ssh_config."""
    folder = home / ".ssh"
    folder.mkdir(parents=True, mode=0o700)
    key = there.login.known_hosts.read_text().split(maxsplit=1)[1]
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {key}")
    lines = [f"HostName 127.0.0.1\n  Port {port}\n  User {there.login.user}\n  IdentityFile {there.login.key}"]
    lines += [f"UserKnownHostsFile {folder}/known_hosts\n  IdentitiesOnly yes\n  BatchMode yes\n"]
    (folder / "config").write_text("Host box\n  " + "\n  ".join(lines))
    return folder / "config"


def environment(config, there):
    """Of both: no agent, no settings of whoever measures; compiled Python files are kept, as a user's are."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("FABRIC_", "PYTHON", "SSH_"))}
    return ours | {"HOME": str(config.parent.parent), "FABRIC_PYTHON": there.python}


def fab_command(checkout):
    return lambda _name: [checkout / "bin/fab", "-H", "box", "train", "--job", "tiny"]


def bare_command(config, checkout, there, *options):
    return lambda name: ["bash", HERE / "bare.sh", config, "box", checkout, "tiny", there.python, name, *options]


def shared(scratch):
    """Options with which all ssh commands of a script share a connection, made by the first and gone with the last."""
    return "-o", "ControlMaster=auto", "-o", f"ControlPath={scratch}/%C", "-o", "ControlPersist=1"


def run(ways, rounds, variables):
    """Fill in the seconds of each way, in turn; a first round, which compiles and caches files, isn't counted."""
    for number in range(rounds + 1):
        for way in ways:
            seconds = first_line_s(way.command(f"bare-{time.monotonic_ns()}"), variables)
            if number:
                way.seconds.append(seconds)


def first_line_s(command, variables):
    """Seconds from the start of a command until the job's first log line appears; the command is ended then."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if FIRST_LINE in line:
                return time.perf_counter() - began
        raise RuntimeError(f"ended without the job's first line: {b''.join(said).decode(errors='replace')}")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def table(measured):
    """The measurements as lines of text."""
    yield "round trip   way                          median    fastest   slowest   to bare script"
    for _server, milliseconds, ways in measured:
        bare_s = ways[1].median_s
        for way in ways:
            spread = f"{way.median_s:6.2f} s  {min(way.seconds):6.2f} s  {max(way.seconds):6.2f} s"
            yield f"{milliseconds:7d} ms   {way.name:<28}{spread}   {way.median_s / bare_s:10.2f} x"


def main(argv=None):
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="that are counted (7)")
    parser.add_argument("--round-trips", type=int, nargs="+", default=[0, 80], help="in milliseconds (0 80)")
    given = parser.parse_args(argv)
    measured = list(measure(given.round_trips, given.rounds))
    print(f"Host: {measured[0][0]}; {given.rounds} rounds; goal: at most {GOAL} x the bare script")
    for line in table(measured):
        print(line)


if __name__ == "__main__":
    main()
