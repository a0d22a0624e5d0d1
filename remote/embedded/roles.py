"""The account's one role, there from the start as in an account that was set up: EventBridge Scheduler may take it on.

moto accepts any role for a schedule; AWS refuses one that Scheduler can't assume, and so does this.
"""

import json

from remote.embedded.box import ACCOUNT
from remote.embedded.wire import Refused

NAME = "gpu-jobs-deadline"
SCHEDULER, SYSTEMS_MANAGER = "scheduler.amazonaws.com", "ssm.amazonaws.com"
CANNOT_ASSUME = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."


def seed():
    """Make the role, when the server starts."""
    services = {"Service": [SCHEDULER, SYSTEMS_MANAGER]}
    statement = {"Effect": "Allow", "Principal": services, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    _backend().create_role(NAME, trust, "/", None, "", [{"Key": "gpu-job:managed", "Value": "true"}], "3600")


def check(_box, request):
    """The rule for a schedule that is made or changed: its role exists and trusts Scheduler. Raises Refused."""
    if not trusts(request.form.get("Target", {}).get("RoleArn", ""), SCHEDULER):
        raise Refused("ValidationException", CANNOT_ASSUME)


def trusts(arn, service):
    """Is there a role with this ARN that the service can take on?"""
    found = next((role for role in _backend().roles.values() if role.arn == arn), None)
    return found is not None and service in str(found.assume_role_policy_document)


def _backend():
    from moto.iam.models import iam_backends

    return iam_backends[ACCOUNT]["aws"]
