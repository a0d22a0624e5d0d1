"""Requests that moto understands differently from AWS, put into moto's words. They change request.form in place."""

from remote.embedded import capacity, images, wire
from remote.embedded.box import ACCOUNT


def apply(request):
    """Rewrite a request if its action needs it."""
    if request.service == "ec2" and request.action in REWRITES:
        REWRITES[request.action](request)
        wire.put_form(request)


def _run_instances(request):
    """AWS launches up to MaxCount, in a zone that has the type; moto MinCount, in the first zone whatever the type.

    And moto takes resolve:ssm:NAME for an image id.
    """
    form = request.form
    form["MinCount"] = form.get("MaxCount", "1")
    zones = capacity.zones(request.region, form.get("InstanceType"))
    if zones and not capacity.zone_asked_for(request):
        form["Placement.AvailabilityZone"] = zones[0]
    image = form.get("ImageId", "")
    if image.startswith("resolve:ssm:"):
        name = image.removeprefix("resolve:ssm:")
        if name not in images.PARAMETERS:
            raise wire.Refused("InvalidParameterValue", f"Parameter {name} not found in Parameter Store.")
        form["ImageId"] = images.PARAMETERS[name]


def _modify_instance_attribute(request):
    """moto reads the shutdown behaviour in its older spelling only."""
    value = request.form.pop("InstanceInitiatedShutdownBehavior.Value", None)
    if value:
        request.form |= {"Attribute": "instanceInitiatedShutdownBehavior", "Value": value}


def _detach_volume(request):
    """moto needs the instance that a volume is detached from; on AWS the volume knows it."""
    from moto.ec2.models import ec2_backends

    volume = ec2_backends[ACCOUNT][request.region].volumes.get(request.form.get("VolumeId"))
    if volume and volume.attachment:
        request.form.setdefault("InstanceId", volume.attachment.instance.id)
        request.form.setdefault("Device", volume.attachment.device)


REWRITES = {
    "RunInstances": _run_instances,
    "ModifyInstanceAttribute": _modify_instance_attribute,
    "DetachVolume": _detach_volume,
}
