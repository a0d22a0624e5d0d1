"""The instance of a run: the request that launches it, how it is found again by its tags, and its end."""

import datetime

from botocore.exceptions import ClientError, WaiterError

from remote import tags as tagging
from remote.errors import NotFound, TimedOut
from remote.explain import code_of
from remote.tags import filters, tag_specifications, tags_of

POLL_S = 0.5
RUNNING_WITHIN_S = 300
TERMINATED_WITHIN_S = 600  # a GPU machine shuts its system down first
ALIVE = ("pending", "running", "stopping", "stopped", "shutting-down")
HOST_KEY = "gpu-job:host-key"  # the instance's public host key: any client with the credentials can pin it
LOGIN = "gpu-job:login"  # its user
# A data volume is mounted from outside; the root disk holds the image and, where need be, a venv.
ROOT_GIB_MORE = 20


def tags_for(run, owner):
    """The tags of everything that a run makes, as a dict."""
    return {
        tagging.NAME: run.id,
        tagging.RUN: run.id,
        tagging.JOB: run.job,
        tagging.OWNER: owner,
        tagging.DEADLINE: run.deadline,
        tagging.MANAGED: "true",
    }


def launch_request(run, image, attempt, group_id, user_data, tags):
    """Arguments of run_instances, but for the ClientToken: one instance, its own end, IMDSv2, encrypted root disk.

    image: images.Image. attempt: capacity.Attempt. user_data: text from boot.user_data().
    """
    root = {"VolumeSize": image.root_gib + ROOT_GIB_MORE, "VolumeType": "gp3", "Encrypted": True}
    own = {HOST_KEY: run.host_key, LOGIN: run.user} | ({tagging.VOLUME: run.volume_name} if run.volume_name else {})
    request = {
        "ImageId": image.id,
        "InstanceType": attempt.instance_type,
        "MinCount": 1,
        "MaxCount": 1,
        "UserData": user_data,
        "InstanceInitiatedShutdownBehavior": "terminate",  # so that a power-off ends the bill as well
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "BlockDeviceMappings": [{"DeviceName": image.root_device, "Ebs": root | {"DeleteOnTermination": True}}],
        "NetworkInterfaces": [
            {"DeviceIndex": 0, "AssociatePublicIpAddress": True, "Groups": [group_id], "SubnetId": attempt.subnet_id}
        ],
        "TagSpecifications": tag_specifications(tags | own, "instance")
        + tag_specifications(tags, "volume", "network-interface"),
    }
    if attempt.market == "spot":
        options = {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"}
        request["InstanceMarketOptions"] = {"MarketType": "spot", "SpotOptions": options}
    return request


def profile_request(name):
    """Arguments of run_instances that hand the role of an instance profile to the instance; none for ""."""
    return {"IamInstanceProfile": {"Name": name}} if name else {}


def find(ec2, run_id):
    """The instance of a run as AWS describes it, one that is alive if there is; None when AWS knows of none.

    Should two be alive, the one that works, or was there first: everybody who asks is told of the same.
    """
    return max(_describe(ec2, Filters=filters({f"tag:{tagging.RUN}": run_id})), key=_rank, default=None)


def living(ec2, run_id):
    """All instances of a run that are alive: one at most, but for moments."""
    return [instance for instance in _describe(ec2, Filters=filters({f"tag:{tagging.RUN}": run_id})) if alive(instance)]


def _rank(instance):
    """The higher, the more it is the run's."""
    age_s, exists = -instance["LaunchTime"].timestamp(), instance["State"]["Name"] in ALIVE
    return alive(instance), works(instance), exists, age_s if alive(instance) else -age_s, instance["InstanceId"]


def alive(instance):
    """Does it run, or may it still?"""
    return bool(instance) and instance["State"]["Name"] in ("pending", "running")


def works(instance):
    """Is it alive, and has its run's job been started on it?"""
    return alive(instance) and tagging.STARTED in tags_of(instance)


def taken(instance):
    """Did AWS end it: a spot interruption, a failure of its own? A power-off, or a terminate of ours, says "Client"."""
    return bool(instance) and instance.get("StateReason", {}).get("Code", "").startswith("Server.")


def running(ec2, instance_id):
    """The instance once it runs and has an address. Raises TimedOut, NotFound when it ended instead."""
    try:
        ec2.get_waiter("instance_running").wait(InstanceIds=[instance_id], WaiterConfig=_patience(RUNNING_WITHIN_S))
    except WaiterError:
        instance = next(iter(_describe(ec2, InstanceIds=[instance_id])), None)
        if instance and instance["State"]["Name"] == "pending":
            raise TimedOut(f"{instance_id} is still pending after {RUNNING_WITHIN_S} s. Try again later.") from None
        raise NotFound(f"{instance_id} ended before it ran: {why_ended(instance)}. Try again.") from None
    return _describe(ec2, InstanceIds=[instance_id])[0]


def address(instance):
    """Where to dial it: the public address, or the private one where there is none (a VPN, a bastion)."""
    return instance.get("PublicIpAddress") or instance.get("PrivateIpAddress")


def why_ended(instance):
    """AWS's own word for why an instance is no longer there."""
    if not instance:
        return "AWS doesn't list it any more"
    if alive(instance):
        return "AWS has announced that it takes it back"
    return instance.get("StateReason", {}).get("Message") or instance.get("StateTransitionReason") or "no reason given"


def terminate(ec2, instance_id):
    """End the instance and wait until it has ended. May be repeated. Raises TimedOut."""
    try:
        ec2.terminate_instances(InstanceIds=[instance_id])
        ec2.get_waiter("instance_terminated").wait(
            InstanceIds=[instance_id], WaiterConfig=_patience(TERMINATED_WITHIN_S)
        )
    except ClientError as error:
        if code_of(error) != "InvalidInstanceID.NotFound":
            raise
    except WaiterError as error:
        if code_of(error.last_response and ClientError(error.last_response, "")) == "InvalidInstanceID.NotFound":
            return
        raise TimedOut(
            f"{instance_id} has been told to terminate, yet hasn't within {TERMINATED_WITHIN_S} s."
            " Look again: bin/fab runs"
        ) from None


def mark_pulled(ec2, ids, digest):
    """Tag instance and volume with the manifest that is home, so that anybody may delete them."""
    ec2.create_tags(Resources=ids, Tags=tagging.tag_list({tagging.PULLED: digest}))


def mark_started(ec2, ids, mark):
    """Tag instance and volume before a job starts there: from now on they may hold results. mark: see tags.STARTED."""
    ec2.create_tags(Resources=ids, Tags=tagging.tag_list({tagging.STARTED: mark}))


def hours_since(moment):
    """Hours from an ISO 8601 time until now."""
    return (datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(moment)).total_seconds() / 3600


def list_runs(ec2):
    """Every living instance of the region that the tool made: [(run id, instance)]."""
    found = _describe(ec2, Filters=filters({f"tag:{tagging.MANAGED}": "true", "instance-state-name": ALIVE}))
    return [(tags_of(instance).get(tagging.RUN, ""), instance) for instance in found]


def _describe(ec2, **what):
    pages = ec2.get_paginator("describe_instances").paginate(**what)
    return [instance for page in pages for reservation in page["Reservations"] for instance in reservation["Instances"]]


def _patience(seconds):
    return {"Delay": POLL_S, "MaxAttempts": round(seconds / POLL_S)}
