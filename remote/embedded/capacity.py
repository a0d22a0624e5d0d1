"""Which zones have which instance types, and how many vCPUs the account may use at once."""

from remote.embedded.box import ACCOUNT

ACCELERATED = ("g", "vt")  # families that share the quota of G and VT instances
QUOTAS = {  # code: (name as AWS writes it, vCPUs here until a test orders otherwise)
    "L-DB2E81BA": ("Running On-Demand G and VT instances", 64.0),
    "L-3819A6DF": ("All G and VT Spot Instance Requests", 64.0),
    "L-417A185B": ("Running On-Demand P instances", 0.0),
    "L-7212CCBC": ("All P5 Spot Instance Requests", 0.0),
}


def zones(region, instance_type):
    """Names of the region's zones that offer the type, sorted."""
    from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS

    offerings = INSTANCE_TYPE_OFFERINGS["availability-zone"].get(region, [])
    return sorted(offer["Location"] for offer in offerings if offer["InstanceType"] == instance_type)


def zone_asked_for(request):
    """The zone that a RunInstances names, itself or by a subnet; None if it leaves the choice to AWS."""
    from moto.ec2.models import ec2_backends

    form = request.form
    subnet_id = form.get("SubnetId") or form.get("NetworkInterface.1.SubnetId")
    if not subnet_id:
        return form.get("Placement.AvailabilityZone")
    for subnets in ec2_backends[ACCOUNT][request.region].subnets.values():
        if subnet_id in subnets:
            return subnets[subnet_id].availability_zone
    return None


def quota_code(instance_type, spot):
    """The quota that an instance type counts against, or None if it is one that is not kept here."""
    family = instance_type.split(".")[0]
    if family.startswith("p") and family[1:2].isdigit():
        return "L-7212CCBC" if spot else "L-417A185B"
    if family.startswith(ACCELERATED):
        return "L-3819A6DF" if spot else "L-DB2E81BA"
    return None


def quota(box, code):
    """The limit in vCPUs."""
    return box.quotas.get(code, QUOTAS[code][1])


def vcpus(instance_type):
    from moto.ec2.models.instance_types import INSTANCE_TYPES

    return INSTANCE_TYPES[instance_type]["VCpuInfo"]["DefaultVCpus"]


def vcpus_in_use(region, code):
    """vCPUs of the region's instances that count against a quota now."""
    from moto.ec2.models import ec2_backends

    return sum(
        vcpus(instance.instance_type)
        for instance in ec2_backends[ACCOUNT][region].all_instances()
        if instance.state in ("pending", "running")
        and quota_code(instance.instance_type, instance.lifecycle == "spot") == code
    )
