"""The account's roles, there from the start as in an account that was set up, and what they allow.

gpu-jobs-deadline is the one that EventBridge Scheduler takes on. gpu-jobs-reader, in the instance profile of that name,
reads every bucket there is; to see an account that lets it read less: bin/fab setup --remove, then --read s3://...

moto accepts any role for a schedule and asks no policy; AWS refuses what isn't allowed, and so does this.
"""

import fnmatch
import json

from remote.embedded.box import ACCOUNT
from remote.embedded.wire import Refused

DEADLINE, READER = "gpu-jobs-deadline", "gpu-jobs-reader"
SCHEDULER, SYSTEMS_MANAGER = "scheduler.amazonaws.com", "ssm.amazonaws.com"
CANNOT_ASSUME = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
NO_PROFILE = "Value ({name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"
OURS = [{"Key": "gpu-job:managed", "Value": "true"}]


def seed():
    """Make the roles and the profile, when the server starts."""
    _create(DEADLINE, [SCHEDULER, SYSTEMS_MANAGER])
    _create(READER, "ec2.amazonaws.com")
    every_bucket = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}
    _backend().put_role_policy(READER, "read-every-bucket", _document(every_bucket))
    _backend().create_instance_profile(READER, "/", [READER], OURS)


def apply():
    """Have moto's instances remember their profile, as DescribeInstances shows it."""
    from moto.ec2.models.iam_instance_profile import IamInstanceProfileAssociationBackend as cls

    associate = cls.associate_iam_instance_profile

    def remembering(self, instance_id, *args, **kwargs):
        association = associate(self, instance_id, *args, **kwargs)
        profile = association.iam_instance_profile
        association.instance.iam_instance_profile = {"Arn": profile.arn, "Id": profile.id}
        return association

    cls.associate_iam_instance_profile = remembering


def check(_box, request):
    """The rule for a schedule that is made or changed: its role exists and trusts Scheduler. Raises Refused."""
    if not trusts(request.form.get("Target", {}).get("RoleArn", ""), SCHEDULER):
        raise Refused("ValidationException", CANNOT_ASSUME)


def check_profile(_box, request):
    """The rule for an instance: the profile that it is to get exists. Raises Refused."""
    name = request.form.get("IamInstanceProfile.Name")
    if name and name not in _backend().instance_profiles:
        raise Refused("InvalidParameterValue", NO_PROFILE.format(name=name))


def trusts(arn, service):
    """Is there a role with this ARN that the service can take on?"""
    found = next((role for role in _backend().roles.values() if role.arn == arn), None)
    return found is not None and service in str(found.assume_role_policy_document)


def profile_of(instance):
    """moto's record of an instance's profile, or None."""
    association = instance.ec2_backend.iam_instance_profile_associations.get(instance.id)
    return association.iam_instance_profile if association else None


def allows(role, action, resource, context):
    """Does an inline policy of a role of moto's allow it? context: {condition key: value} of this call."""
    documents = [json.loads(text) for text in list(role.policies.values())]
    return any(
        statement["Effect"] == "Allow"
        and _matches(statement["Action"], action)
        and _matches(statement["Resource"], resource)
        and _holds(statement.get("Condition", {}), context)
        for document in documents
        for statement in document["Statement"]
    )


def _matches(patterns, text):
    patterns = [patterns] if isinstance(patterns, str) else patterns
    return any(fnmatch.fnmatchcase(text, pattern.replace("[", "[[]")) for pattern in patterns)


def _holds(condition, context):
    """Conditions of the kind StringLike; one of another kind never holds. A key that the call has not is no match."""
    return all(
        kind == "StringLike" and name in context and _matches(patterns, context[name])
        for kind, tests in condition.items()
        for name, patterns in tests.items()
    )


def _create(name, services):
    trust = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
    _backend().create_role(name, _document(trust), "/", None, "", OURS, "3600")


def _document(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _backend():
    from moto.iam.models import iam_backends

    return iam_backends[ACCOUNT]["aws"]
