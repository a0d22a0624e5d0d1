"""Where an instance can be had: the ladder of type x zone x market, and the climb along it until AWS says yes."""

import dataclasses
import hashlib
import itertools
import random
import time

from remote.errors import NoCapacity, NotFound, Usage
from remote.explain import aws_errors, code_of, explain, message_of
from remote.price_table import RETIRED
from remote.refusals import QUOTA, SPENT, Refusal, classify, hinted_zones, quota_code, refusal_table
from remote.settings import MARKETS
from remote.tags import filters

BACKOFF_S = (1, 2, 4, 8, 16)  # between repeats of one request; RunInstances refills about two a second
UNREADY_TIMES = 3  # that something is asked for again which may not be there at all
PAUSE_S = 30  # between two climbs: capacity is returned by other customers, in minutes
SPENT_TOKENS = 10  # a run that was relaunched that often has another trouble


@dataclasses.dataclass(frozen=True)
class Attempt:
    """One request for one instance."""

    instance_type: str
    zone: str
    subnet_id: str
    market: str  # on-demand or spot
    number: int = 0  # counts the requests of a run, so that each has a token of its own
    after: str = ""  # id of the instance that it replaces


def client_token(run_id, attempt):
    """The ClientToken by which AWS recognises a repeated request for the same instance; 32 characters."""
    words = (run_id, attempt.after, attempt.number, attempt.instance_type, attempt.zone, attempt.market)
    return hashlib.sha256("|".join(map(str, words)).encode()).hexdigest()[:32]


def ladder(ec2, instance_types, zones, market):
    """(attempts, notes): what to try in this order, and lines for the user about types that AWS no longer has.

    instance_types: names, best first. zones: names, () for all. market: a key of MARKETS.
    Raises NoCapacity when the region offers none of the types, Usage for an unknown zone.
    """
    region = ec2.meta.region_name
    offered = _offered_zones(ec2, instance_types)
    subnets = _default_subnets(ec2)
    living, notes = _living(instance_types, offered, region)
    wanted = _known_zones(zones, subnets, region)
    attempts = [
        Attempt(instance_type, zone, subnets[zone], one_market)
        for one_market in MARKETS[market]
        for instance_type in living
        for zone in wanted
        if zone in offered[instance_type]
    ]
    if not attempts:
        where = f" in {', '.join(zones)}" if zones else ""
        raise NoCapacity(
            f"{region} offers no {' or '.join(instance_types)}{where}. Name other instance_types, zones or another "
            f"region. See: aws ec2 describe-instance-type-offerings --region {region}"
        )
    return attempts, notes


def refuse_unknown_regions(ec2, names):
    """Raises Usage for a region that this account has not."""
    enabled = {one["RegionName"] for one in ec2.describe_regions()["Regions"]}
    if unknown := [name for name in names if name not in enabled]:
        raise Usage(
            f"This account has no region {unknown[0]}: it is mistyped, or not enabled. "
            f"Expected some of: {', '.join(sorted(enabled))}."
        )


def _offered_zones(ec2, instance_types):
    """{instance type: zones that offer it}, of the types and of what would replace those that are retired."""
    names = {*instance_types, *(RETIRED[name].replacement for name in instance_types if name in RETIRED)}
    paginator = ec2.get_paginator("describe_instance_type_offerings")
    pages = paginator.paginate(LocationType="availability-zone", Filters=filters({"instance-type": sorted(names)}))
    zones = {name: set() for name in names}
    for offer in itertools.chain.from_iterable(page["InstanceTypeOfferings"] for page in pages):
        zones[offer["InstanceType"]].add(offer["Location"])
    return zones


def _default_subnets(ec2):
    """{zone: subnet id} of the default VPC. Raises NotFound when it has none."""
    described = ec2.describe_subnets(Filters=filters({"default-for-az": "true"}))["Subnets"]
    if not described:
        region = ec2.meta.region_name
        raise NotFound(f"No default subnet in {region}. Make them: aws ec2 create-default-vpc --region {region}")
    return {subnet["AvailabilityZone"]: subnet["SubnetId"] for subnet in described}


def _living(instance_types, offered, region):
    """(types that the region offers, notes): a retired type becomes its replacement, others are left out."""
    living, notes = [], []
    for name in instance_types:
        if not offered[name] and name in RETIRED:
            notes.append(f"{name} was retired by AWS and {region} does not offer it: {RETIRED[name]}.")
            name = RETIRED[name].replacement
        if not offered[name]:
            notes.append(f"{region} does not offer {name}: left out.")
        elif name not in living:
            living.append(name)
    return living, notes


def _known_zones(zones, subnets, region):
    """The zones to try: those named, or all. Raises Usage for one that isn't there."""
    unknown = [zone for zone in zones if zone not in subnets]
    if unknown:
        raise Usage(f"{region} has no zone {unknown[0]} with a default subnet. Expected some of: {', '.join(subnets)}.")
    return zones or sorted(subnets)


def reorder(attempts, hints):
    """The same attempts, those in the hinted zones first."""
    return sorted(attempts, key=lambda attempt: attempt.zone not in hints)


def launch_first(ec2_launch, attempts, request_for, record, refused, wait_s=0):
    """(instance, attempt): the first that AWS grants, as RunInstances describes it.

    ec2_launch: an EC2 client without retries of its own. request_for(attempt): arguments of run_instances, with
    client_token(run id, attempt). record(attempt, token): must have it on disk when it returns; after a crash the
    recorded attempt goes first in `attempts`, and its number makes it the same request. refused(refusal): told of each.
    wait_s: how long to go on climbing when all refuse. Raises NoCapacity with all refusals; Denied, ... at once.
    """
    refusals = []
    for attempt in _climb(attempts, refusals, wait_s):
        answer = _ask(ec2_launch, attempt, request_for, record, refused)
        if not isinstance(answer, Refusal):
            return answer, attempt
        refusals.append(answer)
    raise NoCapacity(refusal_table(refusals), elsewhere=any(refusal.code not in QUOTA for refusal in refusals))


def _climb(attempts, refusals, wait_s):
    """Yield numbered attempts, one after the other; the refusal that each adds to `refusals` decides what follows."""
    ends = time.monotonic() + wait_s
    numbers = itertools.count(attempts[0].number)
    while True:
        left = list(attempts)
        while left:
            attempt = dataclasses.replace(left.pop(0), number=next(numbers))
            yield attempt
            left = _after(refusals, attempt, left)
        attempts = [attempt for attempt in attempts if not _over_quota(attempt, refusals)]
        remaining_s = ends - time.monotonic()
        if not attempts or remaining_s <= 0:
            return
        time.sleep(min(PAUSE_S, remaining_s))


def _after(refusals, attempt, left):
    """What to try next: the same with a fresh token; nothing over quota; the zones that AWS recommends first."""
    refusal = refusals[-1]
    if refusal.code in SPENT and sum(refused.code in SPENT for refused in refusals) < SPENT_TOKENS:
        return [attempt, *left]
    left = [other for other in left if not _over_quota(other, refusals)]
    same = [other for other in left if (other.instance_type, other.market) == (attempt.instance_type, attempt.market)]
    return reorder(same, hinted_zones(refusal.message)) + [other for other in left if other not in same]


def _over_quota(attempt, refusals):
    """Whether AWS has refused the quota that the attempt would need."""
    return _quota(attempt) in {_quota(refusal.attempt) for refusal in refusals if refusal.code in QUOTA}


def _quota(attempt):
    """What tells the attempt's quota from others; a type of unknown family has one of its own."""
    return attempt.market, quota_code(attempt.instance_type, attempt.market) or attempt.instance_type


def _ask(ec2_launch, attempt, request_for, record, refused):
    """The instance, or AWS's Refusal. Raises a Failure where trying elsewhere would not help."""
    request = request_for(attempt)
    record(attempt, request["ClientToken"])
    try:
        return _run_instances(ec2_launch, request)
    except aws_errors() as error:
        if code_of(error) == "IdempotentParameterMismatch":
            instance = _made_with(ec2_launch, request["ClientToken"])
            if instance:
                return instance
        refusal, kind = Refusal(attempt, code_of(error), message_of(error)), classify(error)
        if kind != "throttled":  # else nobody knows what became of it
            refused(refusal)
        if refusal.code not in SPENT and kind not in ("capacity", "quota"):
            raise explain(error) from error
        return refusal


def _run_instances(ec2_launch, request):
    """The instance. The same token every time: when only the reply was lost, this is the instance it told of."""
    for times, pause_s in enumerate((*BACKOFF_S, None)):
        try:
            return ec2_launch.run_instances(**request)["Instances"][0]
        except aws_errors() as error:
            most = {"throttled": len(BACKOFF_S), "unready": UNREADY_TIMES}.get(classify(error), 0)
            if pause_s is None or times >= most:
                raise
        time.sleep(pause_s * random.uniform(0.5, 1))  # not in step with others who were refused
    raise AssertionError("the last try returns or raises")


def _made_with(ec2_launch, token):
    """The living instance that an earlier, different request with this token made; None when it has ended.

    Asked several times, since a new instance is not listed at once, and a second one would be paid for.
    """
    wanted = filters({"client-token": token})
    for pause_s in (*BACKOFF_S[:3], None):
        reservations = ec2_launch.describe_instances(Filters=wanted)["Reservations"]
        if reservations:
            instance = reservations[0]["Instances"][0]
            return instance if instance["State"]["Name"] in ("pending", "running") else None
        if pause_s:
            time.sleep(pause_s)
    return None
