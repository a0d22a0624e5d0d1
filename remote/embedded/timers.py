"""What happens at a moment of the box's clock: systemd timers of machines, spot interruptions, schedules, fleets."""

import logging
import re

from remote.embedded import schedules
from remote.embedded.box import Timer

UNITS_S = {"": 1, "s": 1, "sec": 1, "second": 1, "seconds": 1, "m": 60, "min": 60, "minute": 60, "minutes": 60}
UNITS_S |= {"h": 3600, "hr": 3600, "hour": 3600, "hours": 3600, "d": 86400, "day": 86400, "days": 86400}
UNITS_S |= {"ms": 0.001, "msec": 0.001}


def seconds(span):
    """A systemd time span ("90", "40min", "1h 30min") in seconds. Raises ValueError when it is none."""
    parts = re.findall(r"\s*([0-9.]+)\s*([a-z]*)", span)
    if not parts or re.sub(r"\s*[0-9.]+\s*[a-z]*", "", span).strip():
        raise ValueError(f"Failed to parse timer value: {span}")
    try:
        return sum(float(number) * UNITS_S[unit] for number, unit in parts)
    except KeyError:
        raise ValueError(f"Failed to parse timer value: {span}") from None


def arm(box, timers, name, delay_s, act):
    """Let act() happen in delay_s seconds of the box's clock. timers: the machine's, or the box's own."""
    timers[name] = Timer(box.clock.now() + delay_s, act)


def fire_due(box):
    """Do everything that is due now, the earliest first."""
    for timers in [box.timers, *(machine.timers for machine in list(box.machines.values()))]:
        for name, timer in sorted(timers.items(), key=lambda item: item[1].due):
            if timer.due <= box.clock.now() and timers.get(name) is timer:
                del timers[name]
                logging.info("timer %s is due", name)
                timer.act()
    if box.ready.is_set():
        schedules.fire_due(box)


def advance(box, seconds):
    """Move the clock forward; what has become due happens at once."""
    box.clock.offset_s += seconds
    box.soon(fire_due, box)
