"""The permissions that the tool needs in an AWS account, and no more.

iam-policy.json is what `python -m remote.policy` prints, for the settings as shipped; `bin/fab setup --policy` prints
it for other settings, and for the partition (aws-cn, aws-us-gov) of the credentials.

What it may change, end or delete carries the tag gpu-job:managed; what it makes must get that tag in the call that
makes it, and nothing that is there already can be given it. So nobody's other instances are within its reach.

Not in it, for IAM can't tell it apart or only some need it: an image of your own (name its owner in LaunchFrom), an
account whose EBS volumes are encrypted with a key of its own (kms:CreateGrant and kms:GenerateDataKey* on that key), an
account that never had a spot instance (once: aws iam create-service-linked-role --aws-service-name spot.amazonaws.com).
Source: docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
"""

import dataclasses
import json

from remote import tags

REQUESTED = {"StringEquals": {f"aws:RequestTag/{tags.MANAGED}": "true"}}
OURS = {"StringEquals": {f"aws:ResourceTag/{tags.MANAGED}": "true"}}
CREATING = ("RunInstances", "CreateVolume", "CreateSnapshot", "CreateSecurityGroup", "AuthorizeSecurityGroupIngress")
SHIPPED_ROLE = "gpu-jobs-deadline"  # the setting deadline_role, as shipped
SHIPPED_PROFILE = "gpu-jobs-reader"  # the setting instance_profile, as shipped; its role has the same name
ELSEWHERE = {  # what isn't EC2's; "*" for region or account also matches none
    "role": "arn:{partition}:iam::*:role/{role}",
    "reader": "arn:{partition}:iam::*:role/{profile}",
    "image-parameter": "arn:{partition}:ssm:*:*:parameter/aws/service/deeplearning/ami/*",
    "schedule": f"arn:{{partition}}:scheduler:*:*:schedule/default/{tags.SCHEDULE_PREFIX}*",
}


@dataclasses.dataclass(frozen=True)
class Grant:
    """One statement that allows. resources: kinds of ELSEWHERE, or of EC2's, such as "volume"; empty for all."""

    name: str
    why: str
    actions: tuple[str, ...]  # "RunInstances" is EC2's; others name their service
    resources: tuple[str, ...] = ()
    condition: dict = dataclasses.field(default_factory=dict)


GRANTS = (
    Grant(
        "Look",
        "describe calls know no resources; each is read before something is made, shown or ended",
        (
            *("DescribeImages", "DescribeInstanceTypeOfferings", "DescribeInstances", "DescribeRegions"),
            *("DescribeSecurityGroupRules", "DescribeSecurityGroups", "DescribeSnapshots", "DescribeSpotPriceHistory"),
            *("DescribeSubnets", "DescribeVolumes", "DescribeVpcs", "pricing:GetProducts"),
            *("servicequotas:GetServiceQuota", "scheduler:ListSchedules"),
        ),
    ),
    Grant(
        "FindImage", "AWS's own parameters, which name its newest images", ("ssm:GetParameter",), ("image-parameter",)
    ),
    Grant(
        "LaunchGpu",
        "GPU families only, tagged, with IMDSv2: a stolen key can't be used to launch just anything",
        ("RunInstances",),
        ("instance",),
        {
            "StringEquals": REQUESTED["StringEquals"] | {"ec2:MetadataHttpTokens": "required"},
            "StringLike": {"ec2:InstanceType": ["g*", "p*"]},
        },
    ),
    Grant(
        "LaunchDisk", "the root disk", ("RunInstances",), ("volume",), REQUESTED | {"Bool": {"ec2:Encrypted": "true"}}
    ),
    Grant("LaunchAddress", "its network interface", ("RunInstances",), ("network-interface",), REQUESTED),
    Grant(
        "LaunchFrom", "Amazon's images only", ("RunInstances",), ("image",), {"StringEquals": {"ec2:Owner": "amazon"}}
    ),
    Grant(
        "LaunchInto",
        "what is used as it is; a spot request gets no tags from the tool",
        ("RunInstances",),
        ("subnet", "security-group", "spot-instances-request"),
    ),
    Grant("MakeVolume", "encrypted", ("CreateVolume",), ("volume",), REQUESTED | {"Bool": {"ec2:Encrypted": "true"}}),
    Grant("MakeVolumeOf", "its own snapshots, to move a volume", ("CreateVolume",), ("snapshot",), OURS),
    Grant("MakeSnapshot", "to move or keep a volume", ("CreateSnapshot",), ("snapshot",), REQUESTED),
    Grant("MakeGroup", "the group gpu-jobs", ("CreateSecurityGroup",), ("security-group",), REQUESTED),
    Grant("MakeGroupIn", "the default VPC", ("CreateSecurityGroup",), ("vpc",)),
    Grant("LetIn", "a rule for port 22", ("AuthorizeSecurityGroupIngress",), ("security-group-rule",), REQUESTED),
    Grant(
        "TagWhatIsMade",
        "tags in the call that makes the thing",
        ("CreateTags",),
        ("*",),
        {"StringEquals": {"ec2:CreateAction": list(CREATING)}},
    ),
    Grant(
        "TagOwn",
        "that a job has started, that its results are home; that a run uses a rule",
        ("CreateTags", "DeleteTags"),
        ("instance", "volume", "security-group-rule"),
        OURS
        | {"ForAllValues:StringLike": {"aws:TagKeys": [tags.STARTED, tags.PULLED, f"{tags.USER}*", tags.MOVED_FROM]}},
    ),
    Grant(
        "ChangeAndEndOwn",
        "what carries the tag, and nothing else",
        (
            *("AttachVolume", "AuthorizeSecurityGroupIngress", "CreateSnapshot", "DeleteSnapshot", "DeleteVolume"),
            *("RevokeSecurityGroupIngress", "TerminateInstances", "ec2-instance-connect:SendSSHPublicKey"),
        ),
        ("instance", "volume", "snapshot", "security-group"),
        OURS,
    ),
    Grant(
        "SetDeadline",
        "AWS's own deadline of a run; schedules have no tags, so they are told by their names",
        ("scheduler:CreateSchedule", "scheduler:DeleteSchedule", "scheduler:UpdateSchedule"),
        ("schedule",),
    ),
    Grant("SeeRole", "so that the doctor tells when it is missing", ("iam:GetRole",), ("role",)),
    Grant(
        "LendRole",
        "the schedule acts with the role of `bin/fab setup`, and nothing but a schedule may be given it",
        ("iam:PassRole",),
        ("role",),
        {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
    ),
    Grant(
        "LendReader",
        "an instance whose job reads s3:// acts with the role of `bin/fab setup --read`",
        ("iam:PassRole",),
        ("reader",),
        {"StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"]}},
    ),
)


def actions():
    """Every action that is granted, as a policy spells it: {"ec2:RunInstances", ...}."""
    return {_full(action) for grant in GRANTS for action in grant.actions}


def statements(action):
    """The names of the statements that grant an action such as "ec2:RunInstances"."""
    return [grant.name for grant in GRANTS if action in map(_full, grant.actions)]


def document(role=SHIPPED_ROLE, partition="aws", profile=SHIPPED_PROFILE):
    """The policy as IAM reads it, as a dict. role: with which AWS ends machines. profile: with which they read s3://.

    "" for none.
    """
    names = {"role": role, "reader": profile}
    grants = [grant for grant in GRANTS if all(names.get(kind, True) for kind in grant.resources)]
    words = {"partition": partition, "role": role, "profile": profile}
    return {"Version": "2012-10-17", "Statement": [_statement(grant, words) for grant in grants]}


def _statement(grant, words):
    """One statement of the policy. words: for the braces in its resources."""
    of_ec2 = {name: f"arn:{{partition}}:ec2:*:*:{_kind(name)}" for name in grant.resources}
    resources = [(of_ec2 | ELSEWHERE)[name].format(**words) for name in grant.resources]
    statement = {
        "Sid": grant.name,
        "Effect": "Allow",
        "Action": sorted(map(_full, grant.actions)),
        "Resource": resources or "*",
    }
    return statement | ({"Condition": grant.condition} if grant.condition else {})


def _full(action):
    return action if ":" in action else f"ec2:{action}"


def _kind(name):
    return "*/*" if name == "*" else f"{name}/*"


if __name__ == "__main__":
    print(json.dumps(document(), indent=2))
