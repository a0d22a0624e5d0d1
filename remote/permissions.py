"""Which of EC2's calls this user may make: each is asked for with DryRun, so that AWS decides and does nothing.

Calls that make something are asked in full. Calls on things that are there are asked about a thing of the tool's where
there is one; else about an id that nothing has, and then a refusal says little: under iam-policy.json it may be for
the tag that a made-up id lacks.
"""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError

from remote import capacity, ec2, images, network, runs, tags, volumes
from remote.doubt import Doubt
from remote.errors import Denied
from remote.explain import CLOCK, EXPIRED, NOT_ALLOWED, SLOW_DOWN, UNREADY_ACCOUNT, WRONG_KEYS, action_of, code_of
from remote.tags import filters

AT_ONCE = 4  # AWS refills some two launch requests a second, dry or not
NOT_DECIDED = CLOCK | EXPIRED | SLOW_DOWN | UNREADY_ACCOUNT | WRONG_KEYS
NOTHING = "0123456789abcdef0"  # the id of no thing, in AWS's form


@dataclasses.dataclass(frozen=True)
class Probe:
    """A call to be asked for. about_real: whether the things that it names exist."""

    operation: str  # of the boto3 client, such as "run_instances"
    request: dict
    about_real: bool = True


def all_allowed(asked):
    """Every call of a run is allowed. Raises Denied with the names of those that are not, Doubt of those untold."""
    all_probes = probes(asked)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        refusals = list(pool.map(lambda probe: _refusal(asked.ec2, probe), all_probes))
    answers = list(zip(all_probes, refusals, strict=True))
    denied = [refused for probe, refused in answers if refused and probe.about_real]
    untold = [refused for probe, refused in answers if refused and not probe.about_real]
    allowed = f"{len(answers) - len(denied) - len(untold)} calls allowed, by DryRun"
    if denied:
        raise Denied(f"Not allowed: {', '.join(denied)}. Attach iam-policy.json, or add its statements for these.")
    if untold:
        words = f"{allowed}; {', '.join(untold)} refused for things that don't exist"
        raise Doubt(f"{words}: right under iam-policy.json, which goes by tags; else add its statements for these.")
    return allowed


def _refusal(client, probe):
    """The action that AWS refuses, or None. A complaint about the request itself comes after permission was granted."""
    try:
        getattr(client, probe.operation)(**probe.request, DryRun=True)
    except ClientError as error:
        if code_of(error) in NOT_ALLOWED:
            return action_of(error)
        if code_of(error) in NOT_DECIDED:
            raise
    return None


def probes(asked):
    """The calls of a run and of its end, as Probes."""
    settings, things = asked.settings, _things(asked.ec2)
    run = runs.new(settings, "doctor", {}, {})  # never recorded
    carried = ec2.tags_for(run, asked.aws.owner)
    attempt = capacity.ladder(asked.ec2, settings.instance_types, settings.zones, settings.market)[0][0]
    image = images.find(asked.ssm, asked.ec2, settings.image, settings.region)
    return [*_making(things, run, carried, attempt, image), *_on_what_is_there(things, carried)]


def _making(things, run, carried, attempt, image):
    """The calls that make an instance, a volume, the group."""
    launch = ec2.launch_request(run, image, attempt, things["group"], "", carried)
    if not things["group"]:
        launch["NetworkInterfaces"][0].pop("Groups")
        yield Probe("create_security_group", network.group_request(things["vpc"], carried))
    yield Probe("run_instances", launch)
    yield Probe("create_volume", volumes.create_request(attempt.zone, run.volume_gib, carried, run.id))


def _on_what_is_there(things, carried):
    """The calls that change or end an instance, a volume, the group."""
    instance, volume, group = things["instance"], things["volume"], things["group"]
    instance_id, volume_id = instance or f"i-{NOTHING}", volume or f"vol-{NOTHING}"
    tagged = {"Resources": [instance_id], "Tags": tags.tag_list({tags.PULLED: "true"})}
    snapshot = {"VolumeId": volume_id, "TagSpecifications": tags.tag_specifications(carried, "snapshot")}
    rule = network.rule_request(group or f"sg-{NOTHING}", "127.0.0.1/32", carried, {})
    no_rule = {name: value for name, value in rule.items() if name != "TagSpecifications"}
    yield Probe("authorize_security_group_ingress", rule, bool(group))
    yield Probe("revoke_security_group_ingress", no_rule, bool(group))
    yield Probe("create_tags", tagged, bool(instance))
    yield Probe("delete_tags", tagged, bool(instance))
    yield Probe(
        "attach_volume",
        {"InstanceId": instance_id, "VolumeId": volume_id, "Device": "/dev/sdf"},
        bool(instance and volume),
    )
    yield Probe("create_snapshot", snapshot, bool(volume))
    yield Probe("delete_snapshot", {"SnapshotId": f"snap-{NOTHING}"}, about_real=False)
    yield Probe("delete_volume", {"VolumeId": volume_id}, bool(volume))
    yield Probe("terminate_instances", {"InstanceIds": [instance_id]}, bool(instance))


def _things(client):
    """{"instance", "volume", "group", "vpc": the id of one that the tool made, or None}; the VPC is the default one."""
    ours = {f"tag:{tags.MANAGED}": "true"}
    instances = [instance["InstanceId"] for _, instance in ec2.list_runs(client)]
    found = [volume.id for volume in volumes.list_all(client)]
    named = filters(ours | {"group-name": network.GROUP})
    groups = [group["GroupId"] for group in client.describe_security_groups(Filters=named)["SecurityGroups"]]
    vpcs = [vpc["VpcId"] for vpc in client.describe_vpcs(Filters=filters({"is-default": "true"}))["Vpcs"]]
    lists = {"instance": instances, "volume": found, "group": groups, "vpc": vpcs}
    return {kind: next(iter(ids), None) for kind, ids in lists.items()}
