"""Ends that AWS itself brings about: one-shot EventBridge schedules, and EC2 Fleets that expire."""

import datetime
import json
import logging
import re

from remote.embedded import roles, states
from remote.embedded.box import ACCOUNT

TERMINATE = ":aws-sdk:ec2:terminateInstances"
AUTOMATE = ":aws-sdk:ssm:startAutomationExecution"
RUNBOOK = "AWS-TerminateEC2Instance"


def fire_due(box):
    """Terminate what a schedule or a fleet has put a date on that has come."""
    now = datetime.datetime.fromtimestamp(box.clock.now(), datetime.UTC).replace(tzinfo=None)
    _schedules(box, now)
    _fleets(box, now)


def _schedules(box, now):
    from moto.scheduler.models import scheduler_backends

    for backend in _existing(scheduler_backends):
        for group in list(backend.schedule_groups.values()):
            for schedule in list(group.schedules.values()):
                due = re.fullmatch(r"at\((.+)\)", schedule.schedule_expression)
                if due and schedule.state != "DISABLED" and datetime.datetime.fromisoformat(due[1]) <= now:
                    _fire(box, backend.region_name, group, schedule)


def _fire(box, region, group, schedule):
    """Carry a schedule out with its role, if that is still there."""
    if schedule.action_after_completion == "DELETE":
        group.schedules.pop(schedule.name)
    else:
        schedule.state = "DISABLED"
    logging.info("schedule %s fires", schedule.name)
    given = json.loads(schedule.target.get("Input") or "{}")
    if not roles.trusts(schedule.target["RoleArn"], roles.SCHEDULER):
        logging.warning("schedule %s does nothing: its role is gone", schedule.name)
    elif schedule.target["Arn"].endswith(TERMINATE):
        _terminate(box, given["InstanceIds"])
    elif schedule.target["Arn"].endswith(AUTOMATE):
        _terminate(box, _targets(region, given))


def _targets(region, given):
    """Ids of the instances that an execution of the runbook is for: those of the region with the one tag it names.

    given: the parameters of StartAutomationExecution. Raises ValueError for an execution that would end nothing.
    """
    from moto.ec2.models import ec2_backends

    target = given["Targets"][0]
    if (given["DocumentName"], given["TargetParameterName"], len(given["Targets"])) != (RUNBOOK, "InstanceId", 1):
        raise ValueError(f"expected {RUNBOOK} for InstanceId by one tag, got {given}")
    if not roles.trusts(given["Parameters"]["AutomationAssumeRole"][0], roles.SYSTEMS_MANAGER):
        raise ValueError("Systems Manager can't take on the role of the runbook")
    name = target["Key"].removeprefix("tag:")
    found = ec2_backends[ACCOUNT][region].all_instances()
    carried = {one.id: {tag["key"]: tag["value"] for tag in one.get_tags()} for one in found}
    return [instance_id for instance_id, tags in carried.items() if tags.get(name) in target["Values"]]


def _fleets(box, now):
    from moto.ec2.models import ec2_backends

    for backend in _existing(ec2_backends):
        for fleet in list(backend.fleets.values()):
            if fleet.state != "active" or not fleet.valid_until or _naive(fleet.valid_until) > now:
                continue
            logging.info("fleet %s expires", fleet.id)
            fleet.state = "deleted_running"
            if str(fleet.terminate_instances_with_expiration).lower() == "true" and fleet.fleet_type != "instant":
                members = [item["instance"].id for item in fleet.on_demand_instances]
                _terminate(box, members + [request.instance.id for request in fleet.spot_requests])


def _terminate(box, instance_ids):
    from remote.embedded.rules import find_instance

    for instance_id in instance_ids:
        instance = find_instance(instance_id)
        if instance:
            states.end(box, instance, "terminated", states.USER)


def _existing(backends):
    """The regions' backends that are in use; asking for another would create it."""
    return list(dict(backends[ACCOUNT]).values()) if ACCOUNT in backends else []


def _naive(moment):
    """A moment without its time zone; moto's are UTC."""
    if isinstance(moment, str):
        moment = datetime.datetime.fromisoformat(moment)
    return moment.astimezone(datetime.UTC).replace(tzinfo=None) if moment.tzinfo else moment
