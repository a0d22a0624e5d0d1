"""The deadline that AWS itself keeps: a one-shot schedule which ends a run's instances, whatever became of its client.

The instance powers itself off at its deadline (boot.py). That fails when it never gets as far as cloud-init, or its
system hangs. So a schedule of EventBridge Scheduler is made before the instance is asked for, and starts Systems
Manager's runbook AWS-TerminateEC2Instance some minutes after the deadline, on every instance that carries the run's
tag: no instance id is needed beforehand, and nobody's computer need be alive. It is free, and deletes itself.

Not EC2 Fleet with ValidUntil: it would put every launch on an asynchronous call whose refusals come by polling, with
a launch template per run, and its date can't be changed. Not Scheduler's ec2:TerminateInstances: it wants an id, so it
could only be made after the instance, when the client may be dead.

What each part rests on; nothing of it has been seen on AWS by us:
- Scheduler calls any API action that isn't read-only, with a role that trusts it: "Using universal targets".
- Automation takes targets by tag, one tag at a time: StartAutomationExecution, API_Target.
- AWS-TerminateEC2Instance has target type /AWS::EC2::Instance, so a volume with the same tag is no target of it, and
  parameters InstanceId and AutomationAssumeRole: runbook reference, ListDocuments.
- A schedule of this form with AWS-StopEC2Instance is used in public Terraform code; none with terminate was found.
- Tests fire it on the embedded EC2, which reads the same request; the request itself is validated by botocore.
"""

import contextlib
import datetime
import json

from botocore.exceptions import ClientError

from remote import roles, story, tags
from remote.explain import aws_errors, code_of, explain, message_of

RUNBOOK = "AWS-TerminateEC2Instance"
START_RUNBOOK = "arn:{partition}:scheduler:::aws-sdk:ssm:startAutomationExecution"
NAME_LENGTH = 64  # that AWS allows
SPARE_S = 600  # the instance ends itself first, in good order; this is for the one that didn't


def schedule_name(run_id):
    """The name of a run's schedule. A run id too long for it loses the beginning of its job's name."""
    return tags.SCHEDULE_PREFIX + run_id[-(NAME_LENGTH - len(tags.SCHEDULE_PREFIX)) :]


def schedule_request(run, role_arn, after):
    """Arguments of create_schedule: at `after`, an aware datetime, end whatever carries the run's tag."""
    execution = {
        "DocumentName": RUNBOOK,
        "Parameters": {"AutomationAssumeRole": [role_arn]},
        "TargetParameterName": "InstanceId",
        "Targets": [{"Key": f"tag:{tags.RUN}", "Values": [run.id]}],
        "MaxErrors": "100%",  # one that is gone already must not save the next
    }
    return {
        "Name": schedule_name(run.id),
        "Description": f"Ends what is left of {run.id}.",
        "ScheduleExpression": f"at({after.astimezone(datetime.UTC):%Y-%m-%dT%H:%M:%S})",
        "ScheduleExpressionTimezone": "UTC",
        "State": "ENABLED",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {
            "Arn": START_RUNBOOK.format(partition=role_arn.split(":")[1]),
            "RoleArn": role_arn,
            "Input": json.dumps(execution),
        },
    }


def arm(aws, run, deadline):
    """Have AWS end the run's instances SPARE_S after a deadline in ISO 8601. Returns whether it will.

    Repeating it moves the time. It never stops a run: where it can't be done, one line says so.
    """
    if not aws.settings.deadline_role:
        return False
    after = tags.moment(deadline) + datetime.timedelta(seconds=SPARE_S)
    try:
        _put(aws.scheduler, schedule_request(run, role_arn(aws), after))
    except aws_errors() as error:
        story.say("deadline", f"none inside AWS, only the instance's own: {_why(error, aws.settings.deadline_role)}")
        return False
    return True


def disarm(aws, run):
    """Delete the run's schedule; fine if there is none. One that stays is free, ends nothing and deletes itself."""
    if aws.settings.deadline_role:
        with contextlib.suppress(*aws_errors()):
            delete(aws.scheduler, schedule_name(run.id))


def delete(scheduler, name):
    """Delete a schedule by name; fine if there is none."""
    try:
        scheduler.delete_schedule(Name=name)
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise


def schedules(scheduler):
    """[(name, when it was last set)] of the region's schedules that this tool has made."""
    pages = scheduler.get_paginator("list_schedules").paginate(NamePrefix=tags.SCHEDULE_PREFIX)
    return [(one["Name"], one["LastModificationDate"]) for page in pages for one in page["Schedules"]]


def role_arn(aws):
    """The ARN of the role that the setting names, in the account and partition of the credentials."""
    return roles.arn(aws.sts, aws.settings.deadline_role)


def _put(scheduler, request):
    """Make the schedule, or give the one of that name what is asked for."""
    try:
        scheduler.create_schedule(**request)
    except ClientError as error:
        if code_of(error) != "ConflictException":
            raise
        scheduler.update_schedule(**request)


def _why(error, role):
    """Why there is no schedule, and what to type. A role that isn't there is told as one that can't be assumed."""
    if code_of(error) == "ValidationException" and "role" in message_of(error):
        return f"the account has no role {role} for it. Make it, once: bin/fab setup"
    return f"{explain(error)} To set it up: bin/fab setup"
