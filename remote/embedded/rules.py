"""What AWS refuses and moto does not: each rule reads a request and raises Refused in AWS's words."""

import base64
import re

from remote.embedded import capacity, roles, userdata
from remote.embedded.box import ACCOUNT
from remote.embedded.wire import Refused, numbered

LIVE = ("pending", "running", "stopping", "stopped")
OVER_QUOTA = (
    "You have requested more vCPU capacity than your current vCPU limit of {limit:.0f} allows for the instance bucket "
    "that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to "
    "request an adjustment to this limit."
)
NOT_IN_ZONE = (
    "Your requested instance type ({type}) is not supported in your requested Availability Zone ({zone}). "
    "Please retry your request by not specifying an Availability Zone or choosing {others}."
)


def check(box, request):
    """Raise Refused if AWS would not do this; also in moto's words, where a rule finds that something isn't there."""
    from moto.core.exceptions import ServiceException

    if request.service not in ("ec2", "scheduler") or request.form.get("DryRun") == "true":
        return
    try:
        for rule in RULES.get(request.action, ()):
            rule(box, request)
    except ServiceException as refusal:
        raise Refused(refusal.code, refusal.message) from None


def is_terminated(reply):
    """True if the instance of an earlier RunInstances reply has been terminated, or is about to be."""
    found = re.search(rb"<instanceId>(i-[0-9a-f]+)", reply.body)
    return bool(found) and find_instance(found[1].decode()).state in ("shutting-down", "terminated")


def find_instance(instance_id):
    """moto's record of an instance, in whatever region; None if there is none."""
    from moto.ec2.models import ec2_backends

    found = (backend.get_instance_by_id(instance_id) for backend in list(ec2_backends[ACCOUNT].values()))
    return next((instance for instance in found if instance), None)


def _key_exists(_box, request):
    name = request.form.get("KeyName")
    if name and name not in _backend(request).key_pairs:
        raise Refused("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist")


def _user_data_fits(_box, request):
    if len(base64.b64decode(request.form.get("UserData", ""))) > userdata.LIMIT_BYTES:
        raise Refused("InvalidParameterValue", "User data is limited to 16384 bytes")


def _type_in_zone(_box, request):
    kind, zone = request.form.get("InstanceType"), capacity.zone_asked_for(request)
    offered = capacity.zones(request.region, kind)
    if zone and offered and zone not in offered:
        others = ", ".join(offered)
        raise Refused("Unsupported", NOT_IN_ZONE.format(type=kind, zone=zone, others=others))


def _within_quota(box, request):
    kind = request.form.get("InstanceType", "")
    spot = request.form.get("InstanceMarketOptions.MarketType") == "spot"
    code = capacity.quota_code(kind, spot)
    if code is None or not capacity.zones(request.region, kind):
        return
    limit = capacity.quota(box, code)
    wanted = capacity.vcpus(kind) * int(request.form.get("MaxCount", 1))
    if capacity.vcpus_in_use(request.region, code) + wanted > limit:
        if spot:
            raise Refused("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
        raise Refused("VcpuLimitExceeded", OVER_QUOTA.format(limit=limit))


def _zone_exists(_box, request):
    zone = request.form.get("AvailabilityZone")
    if zone and not _backend(request).get_zone_by_name(zone):
        raise Refused("InvalidZone.NotFound", f"The zone '{zone}' does not exist.")


def _attachable(_box, request):
    """AttachVolume wants a free volume, a running instance of the same zone, and a free device name."""
    backend, device = _backend(request), request.form.get("Device")
    volume = backend.get_volume(request.form.get("VolumeId"))
    instance = backend.get_instance(request.form.get("InstanceId"))
    if volume.attachment:
        raise Refused("VolumeInUse", f"{volume.id} is already attached to an instance")
    if volume.status != "available":
        raise Refused("IncorrectState", f"Volume '{volume.id}' is not 'available'.")
    if volume.zone.name != instance.placement.zone:
        words = f"The volume '{volume.id}' is not in the same availability zone as instance '{instance.id}'"
        raise Refused("InvalidVolume.ZoneMismatch", words)
    if instance.state not in ("running", "stopped"):
        raise Refused("IncorrectState", f"Instance '{instance.id}' is not 'running'.")
    if device in instance.block_device_mapping:
        words = f"Invalid value '{device}' for unixDevice. Attachment point {device} is already in use"
        raise Refused("InvalidParameterValue", words)


def _detachable(_box, request):
    volume = _backend(request).get_volume(request.form.get("VolumeId"))
    if not volume.attachment:
        raise Refused("IncorrectState", f"Volume '{volume.id}' is in the 'available' state.")


def _group_unused(_box, request):
    backend, group_id = _backend(request), request.form.get("GroupId")
    for instance in backend.all_instances():
        if instance.state in LIVE and group_id in {group.id for group in instance.security_groups}:
            raise Refused("DependencyViolation", f"resource {group_id} has a dependent object")


def _in_state(states, verb):
    def rule(_box, request):
        for instance_id in numbered(request.form, "InstanceId"):
            instance = find_instance(instance_id)
            if instance and instance.state not in states:
                words = f"The instance '{instance_id}' is not in a state from which it can be {verb}."
                raise Refused("IncorrectInstanceState", words)

    return rule


def _backend(request):
    from moto.ec2.models import ec2_backends

    return ec2_backends[ACCOUNT][request.region]


RULES = {
    "RunInstances": (roles.check_profile, _key_exists, _user_data_fits, _type_in_zone, _within_quota),
    "StartInstances": (_in_state(("stopped", "pending", "running"), "started"),),
    "StopInstances": (_in_state(("running", "stopping", "stopped"), "stopped"),),
    "CreateVolume": (_zone_exists,),
    "AttachVolume": (_attachable,),
    "DetachVolume": (_detachable,),
    "DeleteSecurityGroup": (_group_unused,),
    "CreateSchedule": (roles.check,),
    "UpdateSchedule": (roles.check,),
}
