"""Calls that moto does not answer, or answers with something made up: console, prices, quotas, Instance Connect."""

import base64
import datetime
import re

from remote.embedded import capacity, prices, rules, s3, wire
from remote.embedded.wire import Refused


def find(request):
    """The function that answers this call instead of moto, or None."""
    return s3.answer if request.service == "s3" else ANSWERS.get((request.service, request.action))


def _console_output(box, request):
    """GetConsoleOutput: the boot log so far."""
    instance_id = request.form.get("InstanceId", "")
    if not rules.find_instance(instance_id):
        raise Refused("InvalidInstanceID.NotFound", f"The instance ID '{instance_id}' does not exist")
    path = box.state_dir / "instances" / instance_id / "console.log"
    text = path.read_bytes() if path.exists() else b""
    output = base64.b64encode(text[-65536:]).decode()  # AWS keeps the last 64 KB
    inner = f"<instanceId>{instance_id}</instanceId><timestamp>{_now()}</timestamp><output>{output}</output>"
    return wire.ec2_reply(request.action, inner)


def _spot_price_history(_box, request):
    """DescribeSpotPriceHistory: today's price of each type in each zone that has it."""
    asked = request.form.get("AvailabilityZone")
    items = [
        f"<item><instanceType>{kind}</instanceType><productDescription>Linux/UNIX</productDescription>"
        f"<spotPrice>{prices.spot(kind, zone):.6f}</spotPrice><timestamp>{_now()}</timestamp>"
        f"<availabilityZone>{zone}</availabilityZone></item>"
        for kind in wire.numbered(request.form, "InstanceType")
        if kind in prices.DOLLARS_PER_HOUR
        for zone in capacity.zones(request.region, kind)
        if asked in (None, zone)
    ]
    return wire.ec2_reply(request.action, f"<spotPriceHistorySet>{''.join(items)}</spotPriceHistorySet>")


def _products(_box, request):
    """The Pricing API's GetProducts, filtered by instance type and region."""
    wanted = {item["Field"]: item["Value"] for item in request.form.get("Filters", [])}
    found = prices.products(wanted.get("instanceType"), wanted.get("regionCode", "us-east-1"))
    return wire.json_reply({"FormatVersion": "aws_v1", "PriceList": found})


def _service_quota(box, request):
    code = request.form.get("QuotaCode")
    if code not in capacity.QUOTAS:
        raise Refused("NoSuchResourceException", "The request failed because the specified quota does not exist.")
    quota = {"ServiceCode": "ec2", "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)", "QuotaCode": code}
    quota |= {"QuotaName": capacity.QUOTAS[code][0], "Value": capacity.quota(box, code), "Unit": "None"}
    return wire.json_reply({"Quota": quota | {"Adjustable": True, "GlobalQuota": False}})


def _send_ssh_public_key(box, request):
    """EC2 Instance Connect: the key opens the instance for 60 seconds."""
    instance_id, key = request.form.get("InstanceId", ""), request.form.get("SSHPublicKey", "").strip()
    instance = rules.find_instance(instance_id)
    if not instance:
        raise Refused("EC2InstanceNotFoundException", f"Instance {instance_id} not found")
    if instance_id not in box.machines:
        raise Refused("EC2InstanceStateInvalidException", f"Instance {instance_id} is not running")
    if not re.match(r"(ssh|ecdsa)-\S+ AAAA\S+", key):
        raise Refused("InvalidArgsException", "The public key is not in a valid OpenSSH format")
    box.machines[instance_id].pushed_keys.append((key, box.clock.now() + 60))
    return wire.json_reply({"RequestId": "embedded", "Success": True})


def _now():
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


ANSWERS = {
    ("ec2", "GetConsoleOutput"): _console_output,
    ("ec2", "DescribeSpotPriceHistory"): _spot_price_history,
    ("pricing", "GetProducts"): _products,
    ("servicequotas", "GetServiceQuota"): _service_quota,
    ("ec2-instance-connect", "SendSSHPublicKey"): _send_ssh_public_key,
}
