"""The server process from start to end: lock, listen, warm up, watch the clock, leave nothing behind."""

import asyncio
import fcntl
import json
import logging
import os
import shutil
import signal
import threading
import time

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from remote.embedded import addresses, api, fidelity, machine, processes, timers
from remote.embedded.box import Box

TICK_S = 0.1
PREDECESSOR_S = 15  # at most, until it has ended its machines' processes


def run(state_dir, region, idle_s):
    """Serve until stopped, idle, or the state folder has gone."""
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    box = Box(state_dir, region, idle_s)
    lock = (state_dir / "server.lock").open("w")  # never closed: whoever finds it free knows that this process ended
    if not _taken(lock):
        logging.warning("another server has the lock of %s: this one is not needed", state_dir)
        return
    _clean(state_dir)
    asyncio.run(_serve(box))


def _taken(lock):
    """Wait for a predecessor on its way out; False if it stays."""
    deadline = time.monotonic() + PREDECESSOR_S
    while time.monotonic() < deadline:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.02)
    return False


def _clean(state_dir):
    """End what is left running, by a killed server perhaps, and forget the instances."""
    left = processes.kill_marked(state_dir)
    if left:
        logging.warning("ended %d processes that had been left", left)
    shutil.rmtree(state_dir / "instances", ignore_errors=True)


async def _serve(box):
    box.loop = asyncio.get_running_loop()
    box.stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        box.loop.add_signal_handler(number, box.stopping.set)
    http = _listen(box)
    # In a thread of its own: importing moto and its first answer take seconds, during which `connect` can return.
    threading.Thread(target=_warm_up, args=(box,), daemon=True).start()
    try:
        while not box.stopping.is_set():
            await _tick(box)
    finally:
        await _end(box, http)


def _listen(box):
    """Answer HTTP on an ephemeral port of loopback, and tell clients where."""
    http = ThreadedWSGIServer("127.0.0.1", 0, api.application(box), handler=_Quiet)
    box.port = http.server_address[1]
    addresses.write_ssh_config(box)
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    address = {"pid": os.getpid(), "port": box.port, "ssh_config": str(box.state_dir / "ssh_config")}
    address |= {"access_key": box.access_key, "secret_key": box.secret_key}
    draft = box.state_dir / "server.json.new"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(address, file)
    draft.replace(box.state_dir / "server.json")
    logging.info("listening on port %d, state in %s", box.port, box.state_dir)
    return http


class _Quiet(WSGIRequestHandler):
    """Requests are kept in the box's own log."""

    def log_request(self, *_):
        pass


def _warm_up(box):
    try:
        fidelity.prepare(box)
    except Exception:
        logging.exception("the API could not be started")
        box.soon(box.stopping.set)


async def _tick(box):
    """One turn of the clock: what is due happens; is anybody still there?"""
    try:
        timers.fire_due(box)
    except Exception:  # one wrong schedule must not take the machines along
        logging.exception("something that was due could not be done")
    if box.machines:
        box.touch()
    idle = time.monotonic() - box.last_activity > box.idle_s
    if idle or not (box.state_dir / "server.json").exists():
        logging.info("ending: %s", "idle" if idle else "the state folder has gone")
        box.stopping.set()
    await asyncio.sleep(TICK_S)


async def _end(box, http):
    """Nothing may outlive the server but volumes."""
    (box.state_dir / "server.json").unlink(missing_ok=True)
    http.shutdown()
    for running in list(box.machines.values()):
        await machine.switch_off(box, running)
    _clean(box.state_dir)
    logging.info("ended")
