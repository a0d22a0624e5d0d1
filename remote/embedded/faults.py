"""What a test has ordered to go wrong with API calls: errors, delays, connections that break."""

import socket
import threading
import time
from dataclasses import dataclass, field

_taking = threading.Lock()  # calls come in threads; a fault ordered once must strike once


class Dropped(Exception):
    """The connection was broken on purpose; there is nobody left to answer."""


@dataclass
class Fault:
    """One order. It holds for the next `times` calls of `action` whose parameters are as `when` says."""

    action: str
    code: str = ""  # AWS's error code; empty: no error, only the delay or the drop
    message: str = "ordered by a test"
    status: int = 400
    times: int = 1
    delay_s: float = 0.0
    drop: str = ""  # "before" or "after" the work was done
    when: dict = field(default_factory=dict)  # {parameter: value or list of values}

    def matches(self, request):
        wanted = {name: value if isinstance(value, list) else [value] for name, value in self.when.items()}
        return self.action == request.action and all(
            request.form.get(name) in values for name, values in wanted.items()
        )


def take(box, request):
    """The fault that holds for this call, or None; it is used up by one."""
    with _taking:
        for fault in box.faults:
            if fault.times > 0 and fault.matches(request):
                fault.times -= 1
                return fault
    return None


def strike(fault, request, moment):
    """Do what the fault says for this moment, "before" or "after" the work."""
    if moment == "before" and fault.delay_s:
        time.sleep(fault.delay_s)
    if fault.drop == moment:
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise Dropped
