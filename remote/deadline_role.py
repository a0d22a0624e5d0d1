"""The role with which AWS ends instances that outlived their deadline (dead_man.py): made once per account.

EventBridge Scheduler takes it on to start the runbook, Systems Manager to carry it out. It can end instances that this
tool has made, by their tag, and no others. Sources: "Setting up Automation", "Running automations at scale" and its
AWS-SystemsManager-AutomationExecutionRole template (what reading targets takes); "Confused deputy prevention" of
EventBridge Scheduler (the condition on the account).
"""

import json

from remote import roles, tags
from remote.dead_man import RUNBOOK
from remote.errors import Usage
from remote.roles import allow

SERVICES = ("scheduler.amazonaws.com", "ssm.amazonaws.com")
POLICY = "end-instances-past-their-deadline"
DESCRIPTION = "Lets EventBridge Scheduler end instances of ec2-gpu-jobs past their deadline."
SETTING = "deadline_role"


def role_request(arn):
    """Arguments of create_role. arn: the role's own, which names the account that alone may use it."""
    own_account = {"StringEquals": {"aws:SourceAccount": arn.split(":")[4]}}
    return roles.request(arn, list(SERVICES), DESCRIPTION, own_account)


def permissions(arn):
    """What the role may do, as a policy document. arn: the role's own."""
    partition = roles.partition(arn)
    systems_manager, instances = f"arn:{partition}:ssm:*:*", f"arn:{partition}:ec2:*:*:instance/*"
    runbook = [f"{systems_manager}:document/{RUNBOOK}", f"{systems_manager}:automation-definition/{RUNBOOK}:*"]
    ours = {"StringEquals": {f"aws:ResourceTag/{tags.MANAGED}": "true"}}
    to_automation = {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}}
    return roles.policy(
        allow(["ec2:TerminateInstances"], instances, ours),
        allow(["ssm:StartAutomationExecution"], [*runbook, f"{systems_manager}:automation-execution/*"]),
        allow(["ssm:GetAutomationExecution"], f"{systems_manager}:automation-execution/*"),
        allow(["ec2:DescribeInstances", "ec2:DescribeInstanceStatus", "tag:GetResources"], "*"),  # finds the targets
        allow(["iam:PassRole"], arn, to_automation),
    )


def ensure(iam, arn):
    """Make the role, or make the one that is there as it should be. Returns what was done, in words.

    Raises Usage when a role of that name is somebody else's.
    """
    request = role_request(arn)
    outcome = roles.ensure(iam, request, SETTING)
    document = json.dumps(permissions(arn))
    iam.put_role_policy(RoleName=request["RoleName"], PolicyName=POLICY, PolicyDocument=document)
    return outcome


def missing(iam, name):
    """What the account lacks for AWS's own deadline, in words; "" when the role is there. Raises what IAM refuses."""
    try:
        roles.refuse_foreign(iam, name, SETTING)
    except (iam.exceptions.NoSuchEntityException, Usage):
        return f"no role {name}: a machine that can't end itself goes on until bin/fab reap. Make it: bin/fab setup"
    return ""


def remove(iam, name):
    """Delete the role. Returns what was done, in words. Raises Usage when it is somebody else's."""
    return roles.remove(iam, name, SETTING)
