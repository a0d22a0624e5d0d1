"""Instances that take their time: pending, running, shutting-down, terminated.

moto changes a state at once. Here its methods only begin the change; the loop's thread carries it out, switches the
machine on or off, and ends the change when that is done.
"""

import asyncio
import copy
import logging
import secrets
import time

from remote.embedded import disks, machine
from remote.embedded.box import Machine

STEP_S = 0.4  # an instance's pending, stopping, shutting-down
CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
USER = ("Client.UserInitiatedShutdown", "User initiated shutdown")
HOST = ("Client.InstanceInitiatedShutdown", "Instance initiated shutdown")
SPOT = ("Server.SpotInstanceTermination", "Spot instance termination")
HARDWARE = ("Server.InternalError", "Internal error")


def apply(box):
    """Patch moto's instances."""
    from moto.ec2.models.instances import Instance as cls

    moto = {name: getattr(cls, name) for name in ("__init__", "start", "stop", "terminate")}
    box.moto_instance = moto

    def __init__(self, *args, **kwargs):
        moto["__init__"](self, *args, **kwargs)
        set_state(box, self, "pending")
        self.spot_instance_request_id = None
        box.soon(lambda: run(box, _begin(box, self, first=True)))

    def start(self):
        previous = copy.copy(self._state)
        if previous.name == "stopped":
            moto["start"](self)
            set_state(box, self, "pending")
            box.soon(lambda: run(box, _begin(box, self, first=False)))
        return previous

    def reboot(self):
        box.soon(lambda: run(box, restart(box, self)))

    cls.__init__, cls.start, cls.reboot = __init__, start, reboot
    cls.stop = lambda self: end(box, self, "stopped", USER)
    cls.terminate = lambda self: end(box, self, "terminated", USER)


def end(box, instance, state, reason):
    """Begin to stop or terminate an instance, for a reason of (code, words). state: "stopped" or "terminated".

    Returns the state it had, as moto's own methods do. A second call changes nothing.
    """
    previous = copy.copy(instance._state)
    ended = {"shutting-down", "terminated"} | ({"stopping", "stopped"} if state == "stopped" else set())
    if previous.name not in ended:
        set_state(box, instance, "shutting-down" if state == "terminated" else "stopping", reason)
        box.soon(lambda: run(box, _end(box, instance, state, reason)))
    return previous


def set_state(box, instance, name, reason=None):
    """Change what the API says of an instance; a reason is told as AWS tells it."""
    from moto.ec2.models.instances import StateReason

    instance._state.name, instance._state.code = name, CODES[name]
    box.state_log.append({"time": box.clock.now(), "instance": instance.id, "state": name})
    if reason:
        code, words = reason
        instance.state_reason = StateReason(f"{code}: {words}", code)
        who = "User initiated" if reason == USER else code
        instance._reason = f"{who} ({time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} GMT)"


async def _begin(box, instance, first):
    """From pending to running: the API says so a moment after the power came on."""
    await asyncio.sleep(STEP_S / 2)
    if instance._state.name != "pending":
        return  # terminated meanwhile
    if instance.lifecycle == "spot" and not instance.spot_instance_request_id:
        instance.spot_instance_request_id = "sir-" + secrets.token_hex(4)
    machine.switch_on(box, instance, first)
    await asyncio.sleep(STEP_S / 2)
    if instance._state.name == "pending":
        set_state(box, instance, "running")


async def _end(box, instance, state, reason):
    """From running to stopped or terminated: power off, let go of the disks, tell the API."""
    off = box.machines.get(instance.id) or Machine(instance, box.state_dir / "instances" / instance.id)
    await asyncio.gather(machine.switch_off(box, off, silently=reason == HARDWARE), asyncio.sleep(STEP_S))
    box.moto_instance["stop" if state == "stopped" else "terminate"](instance)
    set_state(box, instance, state, reason)
    if state == "terminated":
        machine.erase(off)
    disks.store(box)
    logging.info("%s is %s: %s", instance.id, state, reason[0])


async def restart(box, instance):
    """Switch a machine off and on again; the API goes on calling it running."""
    running = box.machines.get(instance.id)
    if running:
        await machine.switch_off(box, running)
        machine.switch_on(box, instance, first=False)


def run(box, coroutine):
    """Run a change of state; the loop keeps only weak references to tasks."""
    task = box.loop.create_task(coroutine)
    box.changes.add(task)
    task.add_done_callback(box.changes.discard)
