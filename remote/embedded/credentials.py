"""The temporary credentials of an instance that has a profile, and what they open: reading S3, as its role may.

A machine's processes get them from its metadata (imds.py). The account's own key opens everything; nobody else's does.
"""

import json
import secrets
import time
from dataclasses import dataclass

from remote.embedded import roles, s3
from remote.embedded.wire import Refused

LIFETIME_S = 6 * 3600
RENEWED_S = 3600  # before their end there are new ones

UNKNOWN = ("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
UNKNOWN_TO_S3 = ("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403)
EXPIRED = ("ExpiredToken", "The provided token has expired.", 400)


@dataclass(frozen=True)
class Credentials:
    """key, secret, token: as boto3 wants them. ends: seconds since the epoch, of the real clock, which boto3 reads."""

    key: str
    secret: str
    token: str
    begins: float
    ends: float


def metadata(machine):
    """{path: text} of the metadata under meta-data/iam; {} for an instance without a profile, or with an empty one."""
    profile = roles.profile_of(machine.instance)
    if not profile or not profile.roles:
        return {}
    name, now = profile.roles[0].name, _present(machine)
    info = {"Code": "Success", "LastUpdated": _iso(now.begins)}
    info |= {"InstanceProfileArn": profile.arn, "InstanceProfileId": profile.id}
    keys = {"Code": "Success", "LastUpdated": _iso(now.begins), "Type": "AWS-HMAC", "AccessKeyId": now.key}
    keys |= {"SecretAccessKey": now.secret, "Token": now.token, "Expiration": _iso(now.ends)}
    return {
        "iam/info": json.dumps(info, indent=2),
        "iam/security-credentials": name,
        f"iam/security-credentials/{name}": json.dumps(keys, indent=2),
    }


def check(box, request):
    """Raise Refused unless whoever signed the request may ask for it."""
    if request.key == box.access_key:
        return
    machine, credentials = _holder(box, request)
    if machine is None:  # other users of this computer must not run commands as this one
        raise Refused(*(UNKNOWN_TO_S3 if request.service == "s3" else UNKNOWN))
    if credentials.ends < time.time():
        raise Refused(*EXPIRED)
    profile = roles.profile_of(machine.instance)
    name = profile.roles[0].name if profile and profile.roles else ""
    if request.service != "s3":
        code = "UnauthorizedOperation" if request.service == "ec2" else "AccessDenied"
        raise _not_allowed(code, name, machine, f"{request.service}:{request.action}")
    asked = s3.permission(box, request)
    if not name or not asked or not roles.allows(profile.roles[0], *asked):
        raise _not_allowed("AccessDenied", name, machine, asked[0] if asked else f"s3:{request.action}")


def _not_allowed(code, role, machine, action):
    who = f"arn:aws:sts::{machine.instance.owner_id}:assumed-role/{role}/{machine.id}"
    return Refused(code, f"User: {who} is not authorized to perform: {action}", 403)


def _holder(box, request):
    """(Machine, Credentials) of an instance's key and session token; (None, None) when they are nobody's."""
    token = request.environ.get("HTTP_X_AMZ_SECURITY_TOKEN", "")
    for machine in list(box.machines.values()):
        for one in machine.credentials:
            if secrets.compare_digest((one.key + one.token).encode(), (request.key + token).encode()):
                return machine, one
    return None, None


def _present(machine):
    """The Credentials that the machine has now."""
    now = time.time()
    if not machine.credentials or machine.credentials[-1].ends - RENEWED_S < now:
        key = "ASIA" + secrets.token_hex(8).upper()
        ends = now + LIFETIME_S
        machine.credentials.append(Credentials(key, secrets.token_urlsafe(30), secrets.token_urlsafe(60), now, ends))
    return machine.credentials[-1]


def _iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
