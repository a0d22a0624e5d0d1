"""What the tool made in a region and nobody ended, told by the tags that everything carries from its making.

A volume may go only once its results are home. An instance past its deadline may go before that, for its volume stays.
The security group itself is no orphan: it is free, and closed without its rules.
"""

import dataclasses
import datetime
import itertools

from remote import dead_man, network, prices, tags, volumes
from remote import ec2 as machines
from remote.errors import NotFound
from remote.explain import aws_errors
from remote.prices import HOURS_PER_MONTH
from remote.tags import filters, tags_of

TERMINATE, DELETE, WITHDRAW, KEEP = "terminate", "delete", "withdraw", "keep"  # what `end` does; KEEP: nothing
LAUNCH_AT_MOST = datetime.timedelta(hours=1)  # with --wait-capacity it is set anew once there is an instance
OURS = {f"tag:{tags.MANAGED}": "true"}


@dataclasses.dataclass(frozen=True)
class Orphan:
    """Something left over."""

    kind: str  # instance, volume, snapshot, rule, schedule; region: one that could not be asked
    id: str
    region: str
    run: str  # run id; "" for what has none
    age: datetime.timedelta | None
    dollars_per_day: float | None  # at most; None where the price is unknown
    reason: str  # why it is listed; for what is kept, what to do about it
    action: str  # TERMINATE, DELETE, WITHDRAW or KEEP


def in_region(ec2, now, scheduler=None):
    """The Orphans of one region, those that cost most first. now: an aware datetime.

    scheduler: the region's EventBridge Scheduler client; without it schedules are not looked for.
    """
    found = [*_instances(ec2, now), *_volumes(ec2, now), *_snapshots(ec2, now), *_rules(ec2, now)]
    return found + list(_schedules(scheduler, ec2, now) if scheduler else ())


def _instances(ec2, now):
    """Instances past their deadline, in whatever living state."""
    wanted = filters(OURS | {"instance-state-name": ["pending", "running", "stopping", "stopped"]})
    pages = ec2.get_paginator("describe_instances").paginate(Filters=wanted)
    for reservation in itertools.chain.from_iterable(page["Reservations"] for page in pages):
        for instance in reservation["Instances"]:
            reason, action = _overdue(instance, now)
            if reason:
                dollars = _instance_dollars(instance, ec2.meta.region_name)
                yield _orphan(ec2, "instance", instance, (instance["LaunchTime"], dollars, reason, action), now)


def _overdue(instance, now):
    """(reason, action) for an instance; ("", "") while it is within its deadline."""
    deadline = tags.moment(tags_of(instance).get(tags.DEADLINE))
    if deadline is None:
        return "has no deadline: its tag was changed; look at it, then end it by hand", KEEP
    return (f"past its deadline, {tags.iso(deadline)}", TERMINATE) if deadline < now else ("", "")


def _instance_dollars(instance, region):
    """What the instance costs a day at most, without its data volume; None when its price is unknown."""
    if instance["State"]["Name"] in ("stopping", "stopped"):  # its root disk is still paid for
        return prices.ROOT_GIB * _a_day(prices.GP3_GIB_MONTH)
    try:
        price = prices.on_demand(None, instance["InstanceType"], region)
    except NotFound:
        return None
    return 24 * prices.hourly_dollars(price, volume_gib=0)


def _volumes(ec2, now):
    """Volumes of single runs that hang on no instance and whose run is over. Named ones are meant to stay."""
    pages = ec2.get_paginator("describe_volumes").paginate(Filters=filters(OURS | {"status": ["available", "error"]}))
    for volume in itertools.chain.from_iterable(page["Volumes"] for page in pages):
        reason, action = _left_over(tags_of(volume), now)
        if reason:
            dollars = volume["Size"] * _a_day(prices.GP3_GIB_MONTH)
            yield _orphan(ec2, "volume", volume, (volume["CreateTime"], dollars, reason, action), now)


def _left_over(carried, now):
    """(reason, action) for a free volume with these tags; ("", "") when it is kept on purpose or may be needed yet."""
    run_id, deadline = carried.get(tags.RUN, ""), tags.moment(carried.get(tags.DEADLINE))
    if carried.get(tags.VOLUME, run_id) != run_id:
        return "", ""
    if tags.PULLED in carried:
        return "its results are home", DELETE
    if deadline is None or deadline >= now:
        return "", ""
    if tags.VOLUME not in carried:
        return "root disk of an instance that is gone", DELETE
    if tags.STARTED not in carried:
        return "its run's job never started, so nothing is on it", DELETE
    rescue = f"bin/fab pull --run {run_id}; if they are worthless: bin/fab terminate --run {run_id} --discard"
    return f"may hold results that nobody pulled: {rescue}", KEEP


def _snapshots(ec2, now):
    """Snapshots between the halves of a move that was never finished. Those a user asked for are meant to stay."""
    wanted = filters(OURS | {"tag-key": tags.MOVED_FROM})
    pages = ec2.get_paginator("describe_snapshots").paginate(OwnerIds=["self"], Filters=wanted)
    found = list(itertools.chain.from_iterable(page["Snapshots"] for page in pages))
    names = {volume.name for volume in volumes.list_all(ec2)} if found else set()
    for snapshot in found:
        carried = tags_of(snapshot)
        deadline = tags.moment(carried.get(tags.DEADLINE))
        if deadline and deadline < now:
            needed = carried.get(tags.VOLUME) not in names
            reason = "the only copy of its volume; make a volume of it" if needed else "left by a move between zones"
            dollars = snapshot["VolumeSize"] * _a_day(prices.SNAPSHOT_GIB_MONTH)
            facts = (snapshot["StartTime"], dollars, reason, KEEP if needed else DELETE)
            yield _orphan(ec2, "snapshot", snapshot, facts, now)


def _rules(ec2, now):
    """Rules that let somebody in for runs that are all over."""
    for group in ec2.describe_security_groups(Filters=filters(OURS | {"group-name": network.GROUP}))["SecurityGroups"]:
        for rule in network.ssh_rules(ec2, group["GroupId"]):
            if tags.MANAGED in tags_of(rule) and not network.living_users(rule, now):
                source = rule.get("CidrIpv4") or rule.get("CidrIpv6")
                facts = (None, 0.0, f"lets {source} in for runs that are over", WITHDRAW)
                yield _orphan(ec2, "rule", rule, facts, now)


def _schedules(scheduler, ec2, now):
    """Schedules of runs that have no instance, and haven't just been set for one that is being asked for.

    None where they can't be asked for: they are free, and whoever may not use Scheduler has none.
    """
    try:
        found = [(name, now - changed) for name, changed in dead_man.schedules(scheduler)]
    except aws_errors():
        return
    old = [(name, age) for name, age in found if age > LAUNCH_AT_MOST]
    needed = {dead_man.schedule_name(run_id) for run_id, _instance in machines.list_runs(ec2)} if old else set()
    for name, age in old:
        if name not in needed:
            run_id = name.removeprefix(tags.SCHEDULE_PREFIX)
            reason = "was to end a run that has no instance any more"
            yield Orphan("schedule", name, ec2.meta.region_name, run_id, age, 0.0, reason, DELETE)


ID_FIELDS = {"instance": "InstanceId", "volume": "VolumeId", "snapshot": "SnapshotId", "rule": "SecurityGroupRuleId"}


def _orphan(ec2, kind, described, facts, now):
    """An Orphan of AWS's description. facts: (made at or None, dollars a day, reason, action)."""
    made, dollars, reason, action = facts
    return Orphan(
        kind=kind,
        id=described[ID_FIELDS[kind]],
        region=ec2.meta.region_name,
        run=tags_of(described).get(tags.RUN, ""),
        age=now - made if made else None,
        dollars_per_day=dollars,
        reason=reason,
        action=action,
    )


def _a_day(dollars_per_month):
    return dollars_per_month * 24 / HOURS_PER_MONTH
