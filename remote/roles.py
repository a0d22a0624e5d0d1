"""IAM roles that the tool makes in an account: told from others by their tag, made or brought up to date, deleted."""

import json

from botocore.exceptions import ClientError

from remote import tags
from remote.errors import Usage
from remote.explain import code_of

OURS = {tags.MANAGED: "true"}


def arn(sts, name):
    """The ARN that a role of this name has, in the account and partition of the credentials."""
    caller = sts.get_caller_identity()
    return f"arn:{partition(caller['Arn'])}:iam::{caller['Account']}:role/{name}"


def partition(any_arn):
    """ "aws", "aws-cn", "aws-us-gov": the second part of an ARN."""
    return any_arn.split(":")[1]


def request(role_arn, services, description, condition=None):
    """Arguments of create_role. services: who may take the role on. condition: under which they may, as IAM has it."""
    trust = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
    return {
        "RoleName": role_arn.rpartition("/")[2],
        "Description": description,
        "AssumeRolePolicyDocument": json.dumps(policy(trust | ({"Condition": condition} if condition else {}))),
        "Tags": tags.tag_list(OURS),
    }


def policy(*statements):
    """A policy document of these statements, as a dict."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(actions, resource, condition=None):
    """A statement that allows."""
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return statement | ({"Condition": condition} if condition else {})


def ensure(iam, create, setting):
    """Make the role of a request, or give the one that is there its trust. Returns what was done, in words.

    setting: by which the user can choose another name. Raises Usage when a role of that name is somebody else's.
    """
    try:
        iam.create_role(**create)
        return "made"
    except ClientError as error:
        if code_of(error) != "EntityAlreadyExists":
            raise
    refuse_foreign(iam, create["RoleName"], setting)
    trust = create["AssumeRolePolicyDocument"]
    iam.update_assume_role_policy(RoleName=create["RoleName"], PolicyDocument=trust)
    return "there already, brought up to date"


def remove(iam, name, setting):
    """Delete the role. Returns what was done, in words. Raises Usage when it is somebody else's."""
    try:
        refuse_foreign(iam, name, setting)
    except iam.exceptions.NoSuchEntityException:
        return "not there"
    for one in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=one)
    iam.delete_role(RoleName=name)
    return "deleted"


def refuse_foreign(iam, name, setting):
    """Raise Usage unless the role carries the tool's tag; what IAM says when there is none."""
    refuse_untagged(iam.get_role(RoleName=name)["Role"], f"role {name}", setting)


def refuse_untagged(thing, what, setting):
    """Raise Usage unless what IAM describes carries the tool's tag."""
    if tags.tags_of(thing).get(tags.MANAGED) != "true":
        raise Usage(f"The account has a {what} that is not this tool's. Set {setting} to another name.")
