"""What tests order from the embedded EC2: faults, interruptions, broken connections, the passing of time.

Each function takes the Cloud that `connect` returned. A wrong order raises ValueError in the server's words.
"""

import http.client
import json
import urllib.parse


def fault(cloud, action, **fields):
    """Let the next calls of an API action fail, wait, or lose their connection.

    fields: code (AWS's error code), status (HTTP, 400), message, times (1), delay_s (0), drop ("before" or "after"
    the work was done), when ({parameter: value or values}, such as {"Placement.AvailabilityZone": "us-east-1a"}).
    """
    _order(cloud, "fault", action=action, **fields)


def clear(cloud):
    """Forget all faults and thaw all connections."""
    _order(cloud, "clear")


def interrupt(cloud, instance_id, notice_s=120):
    """Take a spot instance away: the notice comes now, the end notice_s seconds later."""
    _order(cloud, "interrupt", instance=instance_id, notice_s=notice_s)


def vanish(cloud, instance_id):
    """Let the instance's hardware fail."""
    _order(cloud, "vanish", instance=instance_id)


def cut(cloud, instance_id):
    """Break the instance's SSH connections; new ones are welcome."""
    _order(cloud, "cut", instance=instance_id)


def freeze(cloud, instance_id):
    """Keep the instance's SSH connections open without moving a byte; new ones get no answer either."""
    _order(cloud, "freeze", instance=instance_id)


def thaw(cloud, instance_id):
    """End a freeze; nothing was lost."""
    _order(cloud, "thaw", instance=instance_id)


def advance(cloud, seconds):
    """Let time pass for timers, deadlines, schedules and interruptions; what is due happens at once."""
    _order(cloud, "advance", seconds=seconds)


def quota(cloud, code, vcpus):
    """Set a quota, such as L-DB2E81BA (on-demand G and VT instances), to a number of vCPUs."""
    _order(cloud, "quota", code=code, vcpus=vcpus)


def gpu(cloud, instance_id, **figures):
    """Give the instance an nvidia-smi. figures: name, memory_total (MiB), memory_used, utilization (%), ..."""
    _order(cloud, "gpu", instance=instance_id, **figures)


def api_log(cloud):
    """Every API call so far: [{"time", "service", "region", "action", "parameters"}, ...]."""
    return _ask(cloud, "GET", "log")["api"]


def ssh_log(cloud):
    """Every SSH event so far: [{"time", "instance", "event", "command"}, ...]; connect, command, sftp, disconnect."""
    return _ask(cloud, "GET", "log")["ssh"]


def state_log(cloud):
    """Every change of an instance's state so far: [{"time", "instance", "state"}, ...], by the cloud's own clock."""
    return _ask(cloud, "GET", "states")["states"]


def _order(cloud, order, **arguments):
    _ask(cloud, "POST", "orders", json.dumps({"order": order, **arguments}))


def _ask(cloud, method, path, body=None):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(cloud.endpoint_url).netloc, timeout=30)
    try:
        headers = {"X-Embedded-Key": cloud.access_key, "Content-Type": "application/json"}
        connection.request(method, f"/embedded/{path}", body, headers)
        reply = connection.getresponse()
        value = json.loads(reply.read())
    finally:
        connection.close()
    if reply.status != 200:
        raise ValueError(value["error"])
    return value
