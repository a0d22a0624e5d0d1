"""The role with which AWS ends instances that outlived their deadline (dead_man.py): made once per account.

EventBridge Scheduler takes it on to start the runbook, Systems Manager to carry it out. It can end instances that this
tool has made, by their tag, and no others. Sources: "Setting up Automation", "Running automations at scale" and its
AWS-SystemsManager-AutomationExecutionRole template (what reading targets takes); "Confused deputy prevention" of
EventBridge Scheduler (the condition on the account).
"""

import json

from botocore.exceptions import ClientError

from remote import tags
from remote.dead_man import RUNBOOK
from remote.errors import Usage
from remote.explain import code_of

SERVICES = ("scheduler.amazonaws.com", "ssm.amazonaws.com")
POLICY = "end-instances-past-their-deadline"
DESCRIPTION = "Lets EventBridge Scheduler end instances of ec2-gpu-jobs past their deadline."


def role_request(arn):
    """Arguments of create_role. arn: the role's own, which names the account that alone may use it."""
    return {
        "RoleName": arn.rpartition("/")[2],
        "Description": DESCRIPTION,
        "AssumeRolePolicyDocument": json.dumps(_trust(arn.split(":")[4])),
        "Tags": tags.tag_list({tags.MANAGED: "true"}),
    }


def permissions(arn):
    """What the role may do, as a policy document. arn: the role's own."""
    partition = arn.split(":")[1]
    systems_manager, instances = f"arn:{partition}:ssm:*:*", f"arn:{partition}:ec2:*:*:instance/*"
    runbook = [f"{systems_manager}:document/{RUNBOOK}", f"{systems_manager}:automation-definition/{RUNBOOK}:*"]
    ours = {"StringEquals": {f"aws:ResourceTag/{tags.MANAGED}": "true"}}
    to_automation = {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}}
    return _policy(
        _allow(["ec2:TerminateInstances"], instances, ours),
        _allow(["ssm:StartAutomationExecution"], [*runbook, f"{systems_manager}:automation-execution/*"]),
        _allow(["ssm:GetAutomationExecution"], f"{systems_manager}:automation-execution/*"),
        _allow(["ec2:DescribeInstances", "ec2:DescribeInstanceStatus", "tag:GetResources"], "*"),  # finds the targets
        _allow(["iam:PassRole"], arn, to_automation),
    )


def ensure(iam, arn):
    """Make the role, or make the one that is there as it should be. Returns what was done, in words.

    Raises Usage when a role of that name is somebody else's.
    """
    request = role_request(arn)
    try:
        iam.create_role(**request)
        outcome = "made"
    except ClientError as error:
        if code_of(error) != "EntityAlreadyExists":
            raise
        _refuse_foreign(iam, request["RoleName"])
        trust = request["AssumeRolePolicyDocument"]
        iam.update_assume_role_policy(RoleName=request["RoleName"], PolicyDocument=trust)
        outcome = "there already, brought up to date"
    document = json.dumps(permissions(arn))
    iam.put_role_policy(RoleName=request["RoleName"], PolicyName=POLICY, PolicyDocument=document)
    return outcome


def missing(iam, name):
    """What the account lacks for AWS's own deadline, in words; "" when the role is there. Raises what IAM refuses."""
    try:
        _refuse_foreign(iam, name)
    except (iam.exceptions.NoSuchEntityException, Usage):
        return f"no role {name}: a machine that can't end itself goes on until bin/fab reap. Make it: bin/fab setup"
    return ""


def remove(iam, name):
    """Delete the role. Returns what was done, in words. Raises Usage when it is somebody else's."""
    try:
        _refuse_foreign(iam, name)
    except iam.exceptions.NoSuchEntityException:
        return "not there"
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)
    return "deleted"


def _refuse_foreign(iam, name):
    """Raise Usage unless the role carries this tool's tag."""
    if tags.tags_of(iam.get_role(RoleName=name)["Role"]).get(tags.MANAGED) != "true":
        raise Usage(f"The account has a role {name} that is not this tool's. Set deadline_role to another name.")


def _trust(account):
    """Who may take the role on: the two services, and only on behalf of this account."""
    own_account = {"StringEquals": {"aws:SourceAccount": account}}
    principal = {"Principal": {"Service": list(SERVICES)}}
    return _policy({"Effect": "Allow", **principal, "Action": "sts:AssumeRole", "Condition": own_account})


def _policy(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(actions, resource, condition=None):
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return statement | ({"Condition": condition} if condition else {})
