"""The role by which instances read s3:// addresses, and the instance profile of the same name that hands it to them.

An instance gets the profile when a parameter of its job is an s3:// address, and only then (launch.py). Nobody's keys
travel: EC2 gives the instance credentials of its own, which last for hours. They read what `bin/fab setup --read` has
named, an inline policy for each address, and can do nothing else; not even to the instance.

Objects that are encrypted with a KMS key of yours need kms:Decrypt on that key for the role, added by hand. Sources:
"IAM roles for Amazon EC2"; "Actions, resources, and condition keys for Amazon S3" (s3:prefix).
"""

import contextlib
import hashlib
import json
import re

from botocore.exceptions import ClientError

from remote import buckets, roles, tags
from remote.errors import Usage
from remote.explain import code_of
from remote.roles import allow

DESCRIPTION = "Lets instances of ec2-gpu-jobs read what their job was told to read."
SETTING = "instance_profile"
WILD = re.compile(r"[*?$]")  # mean something in a policy


def role_request(arn):
    """Arguments of create_role. arn: the role's own."""
    domain = "amazonaws.com.cn" if roles.partition(arn) == "aws-cn" else "amazonaws.com"
    return roles.request(arn, f"ec2.{domain}", DESCRIPTION)


def permissions(arn, address):
    """What the role may do for the sake of one address, as a policy document. Raises Usage.

    arn: the role's own. An address without a "/" at the end means that object, and all that is beneath it.
    """
    bucket, key = buckets.split(address)
    if WILD.search(key):
        raise Usage(f"Expected an address without *, ? and $, got {address!r}. Name the folder that it is in.")
    keys = [f"{key}*"] if key.endswith("/") or not key else [key, f"{key}/*"]
    of_bucket = f"arn:{roles.partition(arn)}:s3:::{bucket}"
    beneath = {"StringLike": {"s3:prefix": keys}} if key else None
    return roles.policy(
        allow(["s3:GetObject"], [f"{of_bucket}/{one}" for one in keys]),
        allow(["s3:ListBucket"], of_bucket, beneath),
    )


def policy_name(address):
    """The name of the inline policy for an address: with the bucket for people, with a hash for the rest."""
    bucket, key = buckets.split(address)
    return f"read-{bucket}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def ensure(iam, arn, address):
    """Let instances read what is at the address, besides what they may already. Returns what was done, in words.

    Raises Usage when a role or a profile of that name is somebody else's.
    """
    document = json.dumps(permissions(arn, address))
    create = role_request(arn)
    name = create["RoleName"]
    with contextlib.suppress(iam.exceptions.NoSuchEntityException):
        _roles_in_own(iam, name)  # before anything is made
    outcome = roles.ensure(iam, create, SETTING)
    iam.put_role_policy(RoleName=name, PolicyName=policy_name(address), PolicyDocument=document)
    _ensure_profile(iam, name)
    return outcome


def _ensure_profile(iam, name):
    """Make the instance profile, with the role in it, unless it is there."""
    try:
        iam.create_instance_profile(InstanceProfileName=name, Tags=tags.tag_list(roles.OURS))
    except ClientError as error:
        if code_of(error) != "EntityAlreadyExists":
            raise
    if name not in _roles_in_own(iam, name):
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)


def withdraw(iam, name, address):
    """Let instances no longer read what is at the address. Returns what was done, in words. Raises Usage."""
    try:
        roles.refuse_foreign(iam, name, SETTING)
        iam.delete_role_policy(RoleName=name, PolicyName=policy_name(address))
    except iam.exceptions.NoSuchEntityException:
        return "not there"
    return "withdrawn"


def remove(iam, name):
    """Delete profile and role. Returns what was done, in words. Raises Usage when one is somebody else's."""
    try:
        held = _roles_in_own(iam, name)
    except iam.exceptions.NoSuchEntityException:
        return roles.remove(iam, name, SETTING)
    for role in held:
        iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role)
    iam.delete_instance_profile(InstanceProfileName=name)
    roles.remove(iam, name, SETTING)
    return "deleted"


def _roles_in_own(iam, name):
    """Names of the roles in the profile. Raises Usage when it isn't the tool's; what IAM says when there is none."""
    profile = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    roles.refuse_untagged(profile, f"instance profile {name}", SETTING)
    return [role["RoleName"] for role in profile["Roles"]]
