"""The server's own paths, for the client and for tests: /embedded/ping, status, stop, log, states, orders."""

import os
import time

from remote.embedded import buckets, disks, gpu, rules, ssh, states, timers, wire
from remote.embedded.box import ACCOUNT
from remote.embedded.faults import Fault


def answer(box, environ):
    """Answer one of them, to whoever knows the access key."""
    if environ.get("HTTP_X_EMBEDDED_KEY") != box.access_key:
        return wire.text_reply("the X-Embedded-Key header is missing or wrong\n", 403)
    name = environ["PATH_INFO"].removeprefix("/embedded/")
    if name not in PATHS:
        return wire.text_reply("no such path\n", 404)
    try:
        return wire.json_reply(PATHS[name](box, wire.read(environ).form))
    except (KeyError, TypeError, ValueError) as wrong:
        return wire.json_reply({"error": f"{type(wrong).__name__}: {wrong}"}, 400)


def _ping(box, _form):
    box.touch()
    return {"pid": os.getpid()}


def _status(box, _form):
    return {
        "pid": os.getpid(),
        "endpoint": f"http://127.0.0.1:{box.port}",
        "state_dir": str(box.state_dir),
        "buckets": str(buckets.root(box)),
        "uptime_s": round(time.monotonic() - box.started, 1),
        "idle_s": box.idle_s,
        "ends_in_s": None if box.machines else round(box.idle_s - (time.monotonic() - box.last_activity), 1),
        "instances": [_describe(machine) for machine in list(box.machines.values())],
        "volumes": _volumes() if box.ready.is_set() else [],
    }


def _describe(machine):
    instance = machine.instance
    return {
        "id": machine.id,
        "type": instance.instance_type,
        "state": instance.state,
        "stage": machine.stage,
        "address": instance.public_ip,
        "ssh_port": machine.listener.get_port() if machine.listener else None,
        "folder": str(machine.folder),
        "timers": sorted(machine.timers),
    }


def _volumes():
    from moto.ec2.models import ec2_backends

    return [
        {"id": volume.id, "zone": volume.zone.name, "size_gib": volume.size, "state": volume.status}
        for backend in list(ec2_backends[ACCOUNT].values())
        for volume in list(backend.volumes.values())
        if not disks.is_root(volume)
    ]


def _stop(box, _form):
    box.soon(box.stopping.set)
    return {}


def _log(box, _form):
    return {"api": list(box.api_log), "ssh": list(box.ssh_log)}


def _states(box, _form):
    return {"states": list(box.state_log)}


def _orders(box, form):
    """Carry out an order; the rest of the form are its arguments."""
    box.touch()
    order = form.pop("order")
    return ORDERS[order](box, **form) or {}


def _fault(box, **fields):
    box.faults.append(Fault(**fields))


def _clear(box):
    """Forget the faults and thaw everything."""
    box.faults = []
    for machine in list(box.machines.values()):
        box.soon(ssh.thaw, machine)


def _interrupt(box, instance, notice_s=120):
    """A spot interruption: the notice stands in the metadata now, the instance goes notice_s later."""
    machine = _machine(box, instance)
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(box.clock.now() + notice_s))
    machine.spot_action = {"action": "terminate", "time": when}
    timers.arm(
        box,
        box.timers,
        f"interruption of {instance}",
        notice_s,
        lambda: states.end(box, machine.instance, "terminated", states.SPOT),
    )


def _vanish(box, instance):
    """The hardware fails: no notice, no goodbye."""
    states.end(box, _machine(box, instance).instance, "terminated", states.HARDWARE)


def _cut(box, instance):
    box.soon(ssh.cut, _machine(box, instance))


def _freeze(box, instance):
    box.soon(ssh.freeze, _machine(box, instance))


def _thaw(box, instance):
    box.soon(ssh.thaw, _machine(box, instance))


def _advance(box, seconds):
    timers.advance(box, seconds)


def _quota(box, code, vcpus):
    box.quotas[code] = float(vcpus)


def _gpu(box, instance, **figures):
    gpu.install(_machine(box, instance), **figures)


def _machine(box, instance_id):
    """The machine of an instance that is switched on. Raises ValueError."""
    if instance_id not in box.machines:
        known = "there is none" if rules.find_instance(instance_id) is None else "it is off"
        raise ValueError(f"no machine of instance {instance_id}: {known}")
    return box.machines[instance_id]


PATHS = {"ping": _ping, "status": _status, "stop": _stop, "log": _log, "states": _states, "orders": _orders}
ORDERS = {
    "fault": _fault,
    "clear": _clear,
    "interrupt": _interrupt,
    "vanish": _vanish,
    "cut": _cut,
    "freeze": _freeze,
    "thaw": _thaw,
    "advance": _advance,
    "quota": _quota,
    "gpu": _gpu,
}
