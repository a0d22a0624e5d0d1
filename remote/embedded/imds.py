"""The instance metadata service, version 2, of each machine: /imds/<machine's token>/latest/..."""

import base64
import json
import secrets

from remote.embedded import credentials, wire
from remote.embedded.machinecalls import find_machine

TOKEN_PATH = "latest/api/token"


def answer(box, environ):
    """Answer a metadata request. The path names the machine, as on AWS the network does."""
    _, _, secret, path = (environ["PATH_INFO"] + "///").split("/", 3)
    machine = find_machine(box, secret)
    path = path.strip("/")
    if machine is None:
        return wire.text_reply("", 404)
    if path == TOKEN_PATH:
        return _token(machine, environ)
    if environ.get("HTTP_X_AWS_EC2_METADATA_TOKEN") not in machine.metadata_tokens:
        return wire.text_reply("Unauthorized", 401)
    value = _values(machine).get(path)
    return wire.text_reply("Not Found", 404) if value is None else wire.text_reply(value)


def _token(machine, environ):
    if environ["REQUEST_METHOD"] != "PUT":
        return wire.text_reply("", 405)
    lifetime_s = environ.get("HTTP_X_AWS_EC2_METADATA_TOKEN_TTL_SECONDS", "")
    if not lifetime_s.isdigit() or not 1 <= int(lifetime_s) <= 21600:
        return wire.text_reply("Bad Request", 400)
    token = secrets.token_urlsafe(40)
    machine.metadata_tokens.add(token)
    return wire.text_reply(token)


def _values(machine):
    """{path: text}; None where there is nothing now."""
    instance = machine.instance
    meta = {
        "instance-id": instance.id,
        "ami-id": instance.image_id,
        "instance-type": instance.instance_type,
        "instance-life-cycle": instance.lifecycle or "on-demand",
        "placement/availability-zone": instance.placement.zone,
        "placement/region": instance.region_name,
        "public-ipv4": instance.public_ip,
        "local-ipv4": instance.private_ip,
        "spot/instance-action": json.dumps(machine.spot_action) if machine.spot_action else None,
        "spot/termination-time": machine.spot_action["time"] if machine.spot_action else None,
    }
    if instance.metadata_options.instance_metadata_tags == "enabled":
        tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
        meta |= {f"tags/instance/{key}": value for key, value in tags.items()}
        meta["tags/instance"] = "\n".join(sorted(tags))
    meta |= credentials.metadata(machine)
    user_data = base64.b64decode(str(instance.user_data or "")).decode(errors="replace")
    return {f"latest/meta-data/{path}": value for path, value in meta.items()} | {
        "latest/user-data": user_data or None,
        "latest/dynamic/instance-identity/document": _identity(instance),
    }


def _identity(instance):
    return json.dumps(
        {
            "accountId": instance.owner_id,
            "availabilityZone": instance.placement.zone,
            "imageId": instance.image_id,
            "instanceId": instance.id,
            "instanceType": instance.instance_type,
            "region": instance.region_name,
        }
    )
