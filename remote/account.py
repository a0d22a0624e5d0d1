"""What a run needs of the AWS account: each check asks AWS, changes nothing, and is one of the doctor's."""

import dataclasses
import datetime
from email.utils import parsedate_to_datetime

from botocore.exceptions import BotoCoreError, ClientError

from remote import capacity, deadline_role, images, plan, price_table, refusals, volumes
from remote.doubt import Doubt
from remote.errors import Busy, Denied, NoCapacity
from remote.explain import NOT_ALLOWED, action_of, code_of
from remote.settings import MARKETS

BRIEF = {"connect_timeout": 3, "read_timeout": 6, "attempts": 2}
SKEW_S = 60  # AWS itself refuses at five minutes
VCPUS = 4  # of a type that the table doesn't know


@dataclasses.dataclass(frozen=True)
class Clients:
    """Clients that give up within seconds."""

    aws: object
    ec2: object
    ssm: object
    sts: object
    iam: object
    quotas: object

    @property
    def settings(self):
        return self.aws.settings


def clients(aws):
    """The Clients of an Aws."""
    signed = {name: aws.client(name, BRIEF) for name in ("ec2", "ssm", "sts", "iam")}
    return Clients(aws, **signed, quotas=aws.client("service-quotas", BRIEF))


def credentials(asked):
    """Who the credentials belong to."""
    caller = asked.sts.get_caller_identity()
    at = f" at {asked.aws.endpoint_url}" if asked.aws.endpoint_url else ""
    return f"{caller['Arn']}, {asked.settings.region}{at}"


def clock(asked, now=None):
    """This machine's clock against the date in AWS's answer, which also has one when it says no."""
    try:
        answer = asked.sts.get_caller_identity()
    except ClientError as error:
        answer = error.response
    except BotoCoreError:
        raise Doubt("can't be compared: there was no answer from AWS") from None
    now = now or datetime.datetime.now(datetime.UTC)
    said = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if not said:
        raise Doubt("can't be compared: the answer has no date")
    off_s = (now - parsedate_to_datetime(said)).total_seconds()
    if abs(off_s) > SKEW_S:
        late = "fast" if off_s > 0 else "slow"
        raise Denied(
            f"{abs(off_s):.0f} s {late}; AWS refuses signatures from 300 s on. Set it: timedatectl set-ntp true"
        )
    return f"within {abs(off_s) + 1:.0f} s of AWS's"


def quota(asked):
    """vCPUs that the account may have, for each type of the ladder in each market that is asked."""
    settings, values, short = asked.settings, {}, []
    rungs = [(plan.living(name), market) for market in MARKETS[settings.market] for name in settings.instance_types]
    for instance_type, market in rungs:
        code, vcpus = refusals.quota_code(instance_type, market), _vcpus(instance_type)
        if code and code not in values:
            values[code] = _quota_value(asked, code)
        if code and values[code] < vcpus:
            short.append(f"{market} {instance_type} needs {vcpus} vCPUs, {code} allows {values[code]:g}")
    said = ", ".join(f"{code}: {value:g} vCPUs" for code, value in values.items()) or "of no quota known here"
    if short:
        kind = NoCapacity if len(short) == len(rungs) else Doubt
        raise kind(f"{'; '.join(short)}. Ask for more: {_increase(settings, rungs, values)}")
    return said


def _vcpus(instance_type):
    machine = price_table.MACHINES.get(instance_type)
    return machine.vcpus if machine else VCPUS


def _quota_value(asked, code):
    """The quota in vCPUs. Raises Doubt when this user may not ask."""
    try:
        return asked.quotas.get_service_quota(ServiceCode="ec2", QuotaCode=code)["Quota"]["Value"]
    except ClientError as error:
        if code_of(error) in NOT_ALLOWED:
            raise Doubt(f"not allowed to ask ({action_of(error)}); AWS says when a run is started") from None
        raise


def _increase(settings, rungs, values):
    """The command that asks AWS for the first rung's quota; it answers within hours or days."""
    instance_type, code = next(
        (name, refusals.quota_code(name, market))
        for name, market in rungs
        if values.get(refusals.quota_code(name, market), _vcpus(name)) < _vcpus(name)
    )
    ask = f"aws service-quotas request-service-quota-increase --service-code ec2 --quota-code {code}"
    return f"{ask} --desired-value {_vcpus(instance_type)} --region {settings.region}"


def deadline(asked):
    """The role with which AWS itself ends a machine that can't."""
    name = asked.settings.deadline_role
    if not name:
        return "the instance's own alone: deadline_role is empty"
    try:
        lacking = deadline_role.missing(asked.iam, name)
    except ClientError as error:
        if code_of(error) in NOT_ALLOWED:
            raise Doubt(
                f"not allowed to look for role {name} (iam:GetRole); iam-policy.json grants it in SeeRole"
            ) from None
        raise
    if lacking:
        raise Doubt(lacking)
    return f"the instance's own, and one inside AWS with role {name}"


def image(asked):
    """The machine image is there, and every type of the ladder can boot it."""
    found = images.find(asked.ssm, asked.ec2, asked.settings.image, asked.settings.region)
    for instance_type in asked.settings.instance_types:
        images.check_architecture(found, plan.living(instance_type))
    return f"{found.id}, {found.name} ({found.source})"


def zones(asked):
    """The region offers a type of the ladder, in zones that have a default subnet."""
    settings = asked.settings
    attempts, notes = capacity.ladder(asked.ec2, settings.instance_types, settings.zones, settings.market)
    names = sorted({attempt.zone for attempt in attempts})
    types = dict.fromkeys(attempt.instance_type for attempt in attempts)
    said = f"{', '.join(types)} in {', '.join(names)}"
    if notes:
        raise Doubt(f"{said}. {' '.join(notes)}")
    return said


def volume(asked):
    """The named volume is free, in a zone that offers a type of the ladder."""
    settings = asked.settings
    if not settings.volume:
        return f"none named: each run makes one of {settings.volume_gib} GiB and deletes it after its pull"
    found = volumes.find_named(asked.ec2, settings.volume)
    if found is None:
        return f"{settings.volume!r} will be made by the first run"
    if found.attached_to:
        raise Busy(f"{settings.volume!r} ({found.id}) is attached to {found.attached_to}. End that run: bin/fab runs")
    attempts, _ = capacity.ladder(asked.ec2, settings.instance_types, _zones(settings, found), settings.market)
    types = ", ".join(dict.fromkeys(attempt.instance_type for attempt in attempts))
    return f"{settings.volume!r} ({found.id}) is free in {found.zone}, which offers {types}"


def _zones(settings, volume):
    """Where a run on that volume may live."""
    return settings.zones if settings.move_volume else (volume.zone,)
