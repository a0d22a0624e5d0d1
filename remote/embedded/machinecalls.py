"""What the programs in bin/ ask of the server: /machine/<machine's token>/<verb>?name=value

A machine's timers and its power live in the server, so that nothing of it is left when the server has ended.
The answer is text for the terminal; a status other than 200 makes the program fail with it.
"""

import functools
import urllib.parse

from remote.embedded import boot, states, timers, wire

GRACE_S = 0.05  # lets the command that asked for power-off return first, as it does on a real machine


def answer(box, environ):
    """Do what a program on a machine asks for."""
    _, _, secret, verb = (environ["PATH_INFO"] + "//").split("/", 3)
    machine, verb = find_machine(box, secret), verb.strip("/")
    if machine is None or verb not in VERBS:
        return wire.text_reply("no such machine or verb\n", 404)
    query = dict(urllib.parse.parse_qsl(environ.get("QUERY_STRING", "")))
    try:
        return wire.text_reply(VERBS[verb](box, machine, query) or "")
    except ValueError as wrong:
        return wire.text_reply(f"{wrong}\n", 400)


def find_machine(box, secret):
    """The machine whose processes know this secret, or None."""
    return next((machine for machine in list(box.machines.values()) if machine.token == secret), None)


def power_off(box, machine):
    """What the operating system's power-off does: stop or terminate, as the instance was launched to."""
    behaviour = machine.instance.instance_initiated_shutdown_behavior
    states.end(box, machine.instance, "terminated" if behaviour == "terminate" else "stopped", states.HOST)


def _power(box, machine, query):
    """poweroff, reboot, with delay=SPAN."""
    if machine.stage == "bootcmd" and "bus" in query:
        raise ValueError("Failed to connect to bus: No such file or directory")  # logind is not up yet
    act = functools.partial(power_off, box, machine)
    if query["what"] == "reboot":
        act = functools.partial(box.soon, lambda: states.run(box, states.restart(box, machine.instance)))
    if "delay" in query:
        timers.arm(box, machine.timers, "shutdown", timers.seconds(query["delay"]), act)
    else:
        box.later(GRACE_S, act)


def _cancel(_box, machine, _query):
    machine.timers.pop("shutdown", None)


def _arm(box, machine, query):
    """A transient timer, unit=NAME span=SPAN; its command's words are in run/NAME.command, each ended by a zero."""
    unit = query["unit"]
    if unit in machine.timers:
        raise ValueError(
            f"Failed to start transient timer unit: Unit {unit}.timer was already loaded or has a fragment file."
        )
    words = (machine.folder / f"run/{unit}.command").read_text().split("\0")[:-1]
    timers.arm(box, machine.timers, unit, timers.seconds(query["span"]), lambda: _start(box, machine, unit, words))
    return f"Running timer as unit: {unit}.timer\nWill run service as unit: {unit}.service\n"


def _start(box, machine, unit, words):
    boot.say(machine, f"systemd[1]: Started {unit}.service.")
    states.run(box, boot.command(box, machine, words))


def _disarm(_box, machine, query):
    if machine.timers.pop(query["unit"], None) is None:
        raise ValueError(f"Failed to stop {query['unit']}.timer: Unit {query['unit']}.timer not loaded.")


def _is_active(_box, machine, query):
    return "active\n" if query["unit"] in machine.timers else "inactive\n"


def _stage(_box, machine, _query):
    return machine.stage + "\n"


VERBS = {
    "power": _power,
    "cancel": _cancel,
    "arm": _arm,
    "disarm": _disarm,
    "is-active": _is_active,
    "stage": _stage,
}
