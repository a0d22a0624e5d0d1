"""Ends that AWS itself brings about: one-shot EventBridge schedules, and EC2 Fleets that expire."""

import datetime
import json
import logging
import re

from remote.embedded import states
from remote.embedded.box import ACCOUNT

TARGET = ":aws-sdk:ec2:terminateInstances"


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
                if due and schedule.state == "ENABLED" and datetime.datetime.fromisoformat(due[1]) <= now:
                    _fire(box, group, schedule)


def _fire(box, group, schedule):
    if schedule.action_after_completion == "DELETE":
        group.schedules.pop(schedule.name)
    else:
        schedule.state = "DISABLED"
    if schedule.target["Arn"].endswith(TARGET):
        logging.info("schedule %s fires", schedule.name)
        _terminate(box, json.loads(schedule.target["Input"])["InstanceIds"])


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
