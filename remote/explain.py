"""What AWS refused, in words: every botocore error becomes a Failure with a documented exit code."""

import re
import sys

from botocore import exceptions

from remote import policy
from remote.errors import Denied, Failure, NoCapacity, NotFound, TimedOut, Usage

NOT_ALLOWED = {"UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "Client.UnauthorizedOperation"}
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"}
WRONG_KEYS = {
    "AuthFailure",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
CLOCK = {"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"}
UNREADY_ACCOUNT = {"OptInRequired", "PendingVerification", "Blocked"}
SLOW_DOWN = {"RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException", "SlowDown"}
QUOTA = {"VcpuLimitExceeded", "InstanceLimitExceeded", "MaxSpotInstanceCountExceeded", "VolumeLimitExceeded"}

# The service whose permission an operation needs, where it isn't EC2's.
SERVICE = {
    "GetParameter": "ssm",
    "GetProducts": "pricing",
    "GetServiceQuota": "servicequotas",
    "CreateSchedule": "scheduler",
    "UpdateSchedule": "scheduler",
    "CreateRole": "iam",
    "CreateInstanceProfile": "iam",
    "AddRoleToInstanceProfile": "iam",
    "PutRolePolicy": "iam",
    "GetRole": "iam",
    "SendSSHPublicKey": "ec2-instance-connect",
}

SIGN_IN = "Sign in again (aws sso login, aws configure) or name another profile in fabric.yaml."
NO_CREDENTIALS = (
    "AWS credentials are missing: boto3 found none in the environment, ~/.aws or an instance role. "
    "Run aws configure, or name a profile in fabric.yaml; or use the free one: FABRIC_CLOUD=embedded."
)


def code_of(error):
    """AWS's error code, such as "InsufficientInstanceCapacity"; "" for an error that AWS did not answer with."""
    return _answer(error).get("Code", "")


def message_of(error):
    """What AWS said, on one line; the exception's own text when AWS did not answer."""
    return " ".join((_answer(error).get("Message") or str(error)).split())


def _answer(error):
    """The Error part of AWS's answer; {} when there was none. A timeout has a response too: None."""
    return (getattr(error, "response", None) or {}).get("Error", {})


def action_of(error):
    """The permission that was missing, as a policy spells it: "ec2:RunInstances"."""
    named = re.search(r"not authorized to perform: ([\w-]+:\w+)", message_of(error))
    if named:
        return named[1]
    operation = getattr(error, "operation_name", "") or "unknown"
    return f"{SERVICE.get(operation, 'ec2')}:{operation}"


def aws_errors():
    """What a boto3 call can raise."""
    return exceptions.ClientError, exceptions.BotoCoreError, *_not_aws()


def no_reply():
    """What it raises when AWS may have done what was asked and nobody heard of it."""
    return exceptions.ConnectionError, exceptions.HTTPClientError, *_not_aws()


def _not_aws():
    """What it raises when the answer is no AWS's: nothing until boto3 has loaded its parsers, which takes its time."""
    parsers = sys.modules.get("botocore.parsers")
    return (parsers.ResponseParserError,) if parsers else ()


def explain(error):
    """A Failure for any of aws_errors(): what happened, what was expected, what to type."""
    if isinstance(error, Failure):
        return error
    return _answered(error) if isinstance(error, exceptions.ClientError) else _unanswered(error)


def _answered(error):
    """AWS answered, with an error code."""
    code, said = code_of(error), message_of(error)
    for codes, failure, words in ANSWERS:
        if code in codes:
            return failure(words.format(code=code, said=said))
    if code in NOT_ALLOWED:
        return Denied(_not_allowed(error))
    if names_no_profile(error):
        return Denied(_no_profile(said))
    if "NotFound" in code or "Malformed" in code:
        return NotFound(f"AWS knows no such thing ({code}): {said}")
    return Failure(f"AWS refused {error.operation_name} ({code}): {said}")


ANSWERS = (
    (EXPIRED, Denied, f"AWS credentials have expired ({{code}}). {SIGN_IN}"),
    (
        WRONG_KEYS,
        Denied,
        "AWS does not accept these credentials ({code}): {said} Expected the keys of an account in which the region "
        "is enabled, and a clock that is right. Check: aws sts get-caller-identity; date -u",
    ),
    (CLOCK, Denied, "This machine's clock is off, so AWS refuses its signature ({code}): {said} Check: date -u"),
    (UNREADY_ACCOUNT, Denied, "The AWS account cannot be used yet ({code}): {said}"),
    (SLOW_DOWN, TimedOut, "AWS asks for fewer requests ({code}) and kept asking. Try again in a minute."),
    (QUOTA, NoCapacity, "The account's quota is too small ({code}): {said}"),
)


def _not_allowed(error):
    """The missing permission by name, and what decides about it."""
    action, said = action_of(error), message_of(error)
    if "service control policy" in said:
        return f"Not allowed: {action} is denied by your organization's service control policy; its admin can lift it."
    if "explicit deny" in said:
        return f"Not allowed: a policy denies {action} explicitly. Remove that statement. AWS: {_without_blob(said)}"
    return f"Not allowed: {action}. {_granted(action)}"


def _granted(action):
    """Where iam-policy.json grants it."""
    names = policy.statements(action)
    if not names:
        return "iam-policy.json doesn't grant it either, for no run needs it: ask somebody who may."
    statement = "statement" if len(names) == 1 else "statements"
    return f"Attach iam-policy.json, or add of it {statement} {', '.join(names)}."


def names_no_profile(error):
    """Is it because there is no instance profile of the name that was given to RunInstances?"""
    return code_of(error) == "InvalidParameterValue" and "IAM Instance Profile" in message_of(error)


def _no_profile(said):
    """AWS says: "Value (NAME) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"."""
    name = re.search(r"Value \(([^)]*)\)", said)
    return (
        f"The account has no instance profile {name[1] if name else 'of that name'}, with which the instance would read"
        " s3://. Make it: bin/fab setup --read s3://BUCKET/FOLDER/ (one made within the last minute: try again)"
    )


def _without_blob(said):
    """AWS's words without the encoded message, which is long and for AWS's eyes only."""
    return said.partition(" Encoded authorization failure message")[0]


def _unanswered(error):
    """Nobody answered: no credentials, no such place, no connection."""
    if isinstance(error, _not_aws()):
        return TimedOut(f"What answered is not AWS: {message_of(error)} Check endpoint_url, and any proxy in between.")
    for kinds, failure, words in SILENCES:
        if isinstance(error, kinds):
            return failure(words.format(said=message_of(error)))
    return Failure(f"{message_of(error)} ({type(error).__name__})")


SILENCES = (
    (exceptions.NoCredentialsError, Denied, NO_CREDENTIALS),
    (exceptions.PartialCredentialsError, Denied, f"AWS credentials are incomplete: {{said}} {SIGN_IN}"),
    (
        (
            exceptions.CredentialRetrievalError,
            exceptions.TokenRetrievalError,
            exceptions.SSOError,
            exceptions.RefreshWithMFAUnsupportedError,
        ),
        Denied,
        f"AWS credentials could not be fetched: {{said}} {SIGN_IN}",
    ),
    (exceptions.ProfileNotFound, Usage, "{said}. See: aws configure list-profiles"),
    (
        (exceptions.NoRegionError, exceptions.InvalidRegionError, exceptions.UnknownRegionError),
        Usage,
        "{said} Expected a region such as us-east-1 in fabric.yaml.",
    ),
    (exceptions.ParamValidationError, Usage, "A value that AWS cannot take: {said}"),
    (exceptions.WaiterError, TimedOut, "{said}"),
    (
        (exceptions.ConnectionError, exceptions.HTTPClientError),
        TimedOut,
        "{said}. No answer from AWS: check the network, the region's name and endpoint_url in fabric.yaml.",
    ),
)
