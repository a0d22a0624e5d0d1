"""What AWS answers instead of an instance: which kind of no it is, where it says there is room, what can be done.

Source of the codes: docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

import dataclasses
import re

from botocore import exceptions

from remote import explain, price_table
from remote.explain import code_of

# Nothing is wrong with the request: another type, zone or market may do.
CAPACITY = {
    "InsufficientInstanceCapacity",
    "InsufficientFreeAddressesInSubnet",
    "InsufficientVolumeCapacity",
    "SpotMaxPriceTooLow",
    "UnfulfillableCapacity",
    "Unsupported",  # the type isn't sold in that zone
}
QUOTA = {"VcpuLimitExceeded", "InstanceLimitExceeded", "MaxSpotInstanceCountExceeded"}
DENIED = explain.NOT_ALLOWED | explain.EXPIRED | explain.WRONG_KEYS | explain.CLOCK | explain.UNREADY_ACCOUNT
# A security group made a second ago may not be known everywhere in AWS yet.
THROTTLED = explain.SLOW_DOWN | {"EC2ThrottledException", "RequestTimeout", "InvalidGroup.NotFound"}
# The token belongs to an instance that was ended, or to a request that differed: the next attempt needs a new one.
SPENT = {"IdempotentInstanceTerminated", "IdempotentParameterMismatch"}
NO_CREDENTIALS = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.TokenRetrievalError,
    exceptions.SSOError,
)

# Quotas count vCPUs; each covers the families whose first letters it names. (on-demand, spot)
QUOTA_CODES = {
    r"g|vt": ("L-DB2E81BA", "L-3819A6DF"),
    r"p": ("L-417A185B", "L-7212CCBC"),
    r"[acdhimrtz]|hpc": ("L-1216C47A", "L-34B43A08"),
}


@dataclasses.dataclass(frozen=True)
class Refusal:
    """An attempt that AWS turned down, with its code and words."""

    attempt: object  # capacity.Attempt
    code: str
    message: str


def classify(error):
    """What to do about an error of RunInstances.

    "capacity": try elsewhere. "quota": no more of that quota. "throttled": the same again, later. "denied", "fatal":
    stop. "unready": the same again, a few times. A lost reply counts as throttled, since the same token asks for the
    same instance.
    """
    code = code_of(error)
    if explain.names_no_profile(error):
        return "unready"  # perhaps it was made a moment ago and is not known everywhere in AWS yet
    kinds = {"capacity": CAPACITY, "quota": QUOTA, "denied": DENIED, "throttled": THROTTLED}
    named = next((kind for kind, codes in kinds.items() if code in codes), None)
    if named:
        return named
    if isinstance(error, NO_CREDENTIALS):
        return "denied"
    return "throttled" if isinstance(error, explain.no_reply()) or _status(error) >= 500 else "fatal"


def _status(error):
    """The HTTP status of AWS's answer; 0 when there was none."""
    return (getattr(error, "response", None) or {}).get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def hinted_zones(message):
    """The zones that AWS recommends in a refusal: "... or choosing us-east-1a, us-east-1c." [] when it has none."""
    hint = re.search(r"\bchoosing ((?:[a-z]+(?:-[a-z]+)*-\d+(?:-[a-z]+-\d+)?[a-z](?:, | and |, and )?)+)", message)
    return re.findall(r"[a-z0-9-]+\d[a-z]\b", hint[1]) if hint else []


def quota_code(instance_type, market):
    """The quota that counts such instances, "L-...", or None for a family without one known here."""
    family = re.match(r"[a-z]+", instance_type)
    for families, codes in QUOTA_CODES.items():
        if family and re.fullmatch(families, family[0]):
            return codes[market == "spot"]
    return None


def refusal_table(refusals):
    """Everything that was tried, what AWS said, and what can be done about it; lines for a terminal."""
    counted = {}
    for refusal in refusals:
        attempt = refusal.attempt
        row = (attempt.instance_type, attempt.zone, attempt.market, f"{refusal.code}: {_sentence(refusal.message)}")
        counted[row] = counted.get(row, 0) + 1
    rows = [(*row[:3], row[3] + (f" ({times} times)" if times > 1 else "")) for row, times in counted.items()]
    advice = [f"  - {line}" for line in advices(refusals)]
    return "\n".join(["AWS has no machine for this run.", *_columns(rows), "What can be done:", *advice])


def _sentence(message):
    """The first sentence; the rest is advice of AWS's that this tool takes by itself."""
    return re.split(r"(?<=\.)\s", message, maxsplit=1)[0]


def _columns(rows):
    """Rows of text, aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(3)] if rows else []
    return ["  " + "  ".join([*(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=False)), row[3]]) for row in rows]


def advices(refusals):
    """What can be done about the refusals, a line each, the surest first."""
    over = {}
    for refusal in refusals:
        if refusal.code in QUOTA:
            code = quota_code(refusal.attempt.instance_type, refusal.attempt.market)
            over.setdefault((code, _region(refusal.attempt.zone)), refusal.attempt)
    lines = [_quota_advice(code, region, attempt) for (code, region), attempt in over.items()]
    if any(refusal.code not in QUOTA for refusal in refusals):
        lines.append("Capacity comes and goes within minutes: --wait-capacity 2h keeps trying.")
        lines.append("Name more types in instance_types, another market, or another region.")
    return lines


def _quota_advice(code, region, attempt):
    """How to have a quota raised; AWS answers within hours or days."""
    if code is None:
        return f"The quota for {attempt.instance_type} is used up: https://console.aws.amazon.com/servicequotas"
    machine = price_table.MACHINES.get(attempt.instance_type)
    vcpus = machine.vcpus if machine else 4
    ask = f"aws service-quotas request-service-quota-increase --service-code ec2 --quota-code {code}"
    needs = f"{attempt.market} {attempt.instance_type} needs {vcpus} vCPUs of quota {code} (new accounts have 0)"
    return f"{needs}: {ask} --desired-value {vcpus} --region {region}"


def _region(zone):
    """The region of a zone: us-east-1 of us-east-1a and of us-east-1-bos-1a."""
    return re.match(r"[a-z]+(-[a-z]+)+-\d+", zone)[0]
