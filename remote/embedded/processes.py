"""The processes of an instance: what they see of the world, and how to end every one of them."""

import contextlib
import os
import sys
import time
from pathlib import Path

import psutil

BIN = Path(__file__).parent / "bin"
MARK_STATE = "EMBEDDED_EC2_STATE"  # every process of every instance carries both marks in its environment
MARK_INSTANCE = "EMBEDDED_EC2_INSTANCE"
PASSED_ON = ("LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "TMPDIR", "TERM")
KILL_S = 5


def environment(box, machine, user="ubuntu"):
    """What a process on the machine finds; of the environment of whoever started the server, next to nothing."""
    home = machine.home if user == "ubuntu" else machine.folder / user
    here = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("PIP_")}
    path = [machine.folder / "usr/local/bin", BIN, Path(sys.executable).parent]
    path += [os.environ.get("PATH", os.defpath), BIN / "fallback"]
    return here | {
        "PATH": ":".join(map(str, path)),  # python3 is the server's: an image that ships the pinned TensorFlow
        "HOME": str(home),
        "USER": user,
        "LOGNAME": user,
        "SHELL": "/bin/bash",
        "LANG": here.get("LANG", "C.UTF-8"),
        # The real user's: an image that already has the data, so that no run downloads them again.
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"),
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://127.0.0.1:{box.port}/imds/{machine.token}",
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{box.port}",
        "DISK_BY_ID": str(machine.folder / "dev/disk/by-id"),
        "EMBEDDED_EC2_ROOT": str(machine.folder),
        "EMBEDDED_EC2_CALL": f"{box.port}/machine/{machine.token}",
        MARK_STATE: str(box.state_dir),
        MARK_INSTANCE: machine.id,
    }


def kill_marked(state_dir, instance_id=None):
    """SIGKILL every process of one instance, or of all; returns how many there were.

    Looks again until it finds none, for a process may have been forking while it was being killed.
    """
    count = 0
    deadline = time.monotonic() + KILL_S
    while (found := _marked(str(state_dir), instance_id)) and time.monotonic() < deadline:
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        count += len(found)
        time.sleep(0.01)  # psutil's own wait would reap children that asyncio waits for
    return count


def _marked(state_dir, instance_id):
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            marks = process.environ()
            if marks.get(MARK_STATE) != state_dir or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if instance_id in (None, marks.get(MARK_INSTANCE)):
                found.append(process)
    return found
