"""Find, start, ask and stop the server process of a state folder. Light: this runs in every command."""

import fcntl
import http.client
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from remote.cloud import Cloud

START_S = 30  # a cold start takes half a second; a machine under heavy load may need several
STOP_S = 10
CHECKOUT = Path(__file__).resolve().parents[2]


def connect(state_dir: Path, region: str, idle_s: float = 120) -> Cloud:
    """The cloud of state_dir; its server is started if it doesn't run. idle_s counts for a server started here.

    Raises TimedOut when no server answers within 30 s, Failure when it ended instead.
    """
    state_dir = Path(state_dir).absolute()
    address = _answering(state_dir)
    if address is None:
        with _starting(state_dir):
            address = _answering(state_dir) or _start(state_dir, region, idle_s)
    return _cloud(address)


def status(state_dir: Path) -> dict | None:
    """What runs: pid, endpoint, uptime_s, instances, volumes, idle_s, ends_in_s ...; None when nothing runs."""
    address = read_address(Path(state_dir))
    return _ask(address, "GET", "/embedded/status") if address else None


def stop(state_dir: Path) -> None:
    """End the instances' processes and the server; fine if there is none. Raises TimedOut after 10 s."""
    address = read_address(Path(state_dir))
    if address is None or _ask(address, "POST", "/embedded/stop") is None:
        return
    deadline = time.monotonic() + STOP_S
    while _locked(Path(state_dir) / "server.lock"):
        if time.monotonic() > deadline:
            raise _failure("TimedOut", f"The embedded EC2 (process {address['pid']}) did not end within {STOP_S} s.")
        time.sleep(0.02)


def read_address(state_dir):
    """What the server wrote about itself when it began to listen, or None. It may have been killed since."""
    try:
        return json.loads((state_dir / "server.json").read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def _answering(state_dir):
    """The address of a server that answers now, or None."""
    address = read_address(state_dir)
    return address if address and _ask(address, "GET", "/embedded/ping") else None


def _ask(address, method, path):
    """The reply of the server as a dict, or None when nobody, or somebody else, listens there."""
    connection = http.client.HTTPConnection("127.0.0.1", address["port"], timeout=5)
    try:
        connection.request(method, path, headers={"X-Embedded-Key": address["access_key"]})
        reply = connection.getresponse()
        return json.loads(reply.read()) if reply.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


@contextmanager
def _starting(state_dir):
    """Hold the right to start a server: of two commands at once the second finds what the first has started."""
    with _made(state_dir, "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # bounded: the holder gives up after START_S, and a dead holder lets go
        yield


def _made(state_dir, name):
    """The path of a file in the state folder, made and writable. Raises Usage."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        (state_dir / name).touch()
    except OSError as error:
        message = f"Cannot write {state_dir}: {error.strerror}. Expected a folder of yours; set runs_dir."
        raise _failure("Usage", message) from None
    return state_dir / name


def _start(state_dir, region, idle_s):
    """Start a server process and wait until it answers."""
    words = [sys.executable, "-m", "remote.embedded", "--state", state_dir, "--region", region, "--idle", str(idle_s)]
    # The shell puts it in the background and ends: the server then belongs to init, not to this command.
    started = subprocess.run(
        ["/bin/sh", "-c", 'log=$1; shift; "$@" >>"$log" 2>&1 & echo $!', "sh", state_dir / "server.log", *words],
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        check=True,
    )
    return _wait(state_dir, pid=int(started.stdout))


def _wait(state_dir, pid):
    """The address of the server, once it answers."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if address := _answering(state_dir):
            return address
        if not _alive(pid):
            raise _failure("Failure", f"The embedded EC2 ended as it started. See {state_dir / 'server.log'}")
        time.sleep(0.02)
    raise _failure("TimedOut", f"The embedded EC2 did not answer in {START_S} s. See {state_dir / 'server.log'}")


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _locked(path):
    """True while another process holds the lock."""
    try:
        with path.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


def _failure(name, message):
    """An error of remote.errors, which is imported only now: Invoke behind it takes longer than all of this file."""
    from remote import errors

    return getattr(errors, name)(message)


def _cloud(address):
    return Cloud(
        endpoint_url=f"http://127.0.0.1:{address['port']}",
        ssh_config=Path(address["ssh_config"]),
        address_url=f"http://127.0.0.1:{address['port']}/address",
        access_key=address["access_key"],
        secret_key=address["secret_key"],
    )
