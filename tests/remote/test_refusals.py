"""AWS's no is understood: its kind, its hint, and what can be done about it."""

import pytest
from botocore import exceptions
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from remote.capacity import Attempt
from remote.refusals import Refusal, classify, hinted_zones, quota_code, refusal_table

# AWS's own words, as users have reported them.
NO_ROOM = (
    "We currently do not have sufficient g6.xlarge capacity in the Availability Zone you requested (us-west-2d). Our "
    "system will be working on provisioning additional capacity. You can currently get g6.xlarge capacity by not "
    "specifying an Availability Zone in your request or choosing us-west-2a, us-west-2b, us-west-2c."
)
NOT_SOLD_THERE = (
    "Your requested instance type (m5.8xlarge) is not supported in your requested Availability Zone (us-east-1e). "
    "Please retry your request by not specifying an Availability Zone or choosing us-east-1a, us-east-1f."
)
NO_QUOTA = (
    "You have requested more vCPU capacity than your current vCPU limit of 0 allows for the instance bucket that the "
    "specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an "
    "adjustment to this limit."
)


def refused(code, status=400):
    answer = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "RunInstances")


@pytest.mark.parametrize(
    "error, kind",
    [
        (refused("InsufficientInstanceCapacity", 500), "capacity"),
        (refused("Unsupported"), "capacity"),
        (refused("SpotMaxPriceTooLow"), "capacity"),
        (refused("VcpuLimitExceeded"), "quota"),
        (refused("MaxSpotInstanceCountExceeded"), "quota"),
        (refused("UnauthorizedOperation", 403), "denied"),
        (refused("ExpiredToken"), "denied"),
        (refused("RequestLimitExceeded", 503), "throttled"),
        (refused("InternalError", 500), "throttled"),
        (refused("InvalidParameterCombination"), "fatal"),
        (exceptions.NoCredentialsError(), "denied"),
        (exceptions.ReadTimeoutError(endpoint_url="https://x"), "throttled"),
        (exceptions.ConnectionClosedError(endpoint_url="https://x"), "throttled"),
        (ResponseParserError("<html>"), "throttled"),
        (exceptions.ParamValidationError(report="x"), "fatal"),
    ],
)
def test_each_error_is_of_one_kind(error, kind):
    assert classify(error) == kind


@pytest.mark.parametrize(
    "message, zones",
    [
        (NO_ROOM, ["us-west-2a", "us-west-2b", "us-west-2c"]),
        (NO_ROOM.removesuffix("us-west-2a, us-west-2b, us-west-2c.") + "us-west-2b", ["us-west-2b"]),
        (NOT_SOLD_THERE, ["us-east-1a", "us-east-1f"]),
        ("... or choosing us-gov-west-1a, us-gov-west-1b", ["us-gov-west-1a", "us-gov-west-1b"]),
        ("There is no Spot capacity available that matches your request.", []),
        (NO_QUOTA, []),
        ("", []),
    ],
)
def test_the_zones_that_aws_recommends_are_read(message, zones):
    assert hinted_zones(message) == zones


@pytest.mark.parametrize(
    "instance_type, market, code",
    [
        ("g4dn.xlarge", "on-demand", "L-DB2E81BA"),
        ("g6e.xlarge", "spot", "L-3819A6DF"),
        ("p4d.24xlarge", "on-demand", "L-417A185B"),
        ("p5.48xlarge", "spot", "L-7212CCBC"),
        ("t3.micro", "on-demand", "L-1216C47A"),
        ("trn1.2xlarge", "on-demand", None),
        ("", "spot", None),
    ],
)
def test_a_quota_counts_families_and_a_market(instance_type, market, code):
    assert quota_code(instance_type, market) == code


def test_the_table_says_what_was_tried_what_aws_said_and_what_to_do():
    refusals = [
        Refusal(Attempt("g6.xlarge", "us-west-2d", "subnet-1", "spot"), "InsufficientInstanceCapacity", NO_ROOM),
        Refusal(Attempt("g6.xlarge", "us-west-2d", "subnet-1", "spot"), "InsufficientInstanceCapacity", NO_ROOM),
        Refusal(Attempt("g4dn.xlarge", "us-west-2a", "subnet-2", "on-demand"), "VcpuLimitExceeded", NO_QUOTA),
    ]
    table = refusal_table(refusals).splitlines()
    assert table[1].startswith(
        "  g6.xlarge    us-west-2d  spot       InsufficientInstanceCapacity: We currently do not"
    )
    assert table[1].endswith("(us-west-2d). (2 times)")
    assert table[2].startswith("  g4dn.xlarge  us-west-2a  on-demand  VcpuLimitExceeded: You have requested more vCPU")
    assert "--quota-code L-DB2E81BA --desired-value 4 --region us-west-2" in table[4]
    assert "--wait-capacity" in table[5]


def test_where_only_the_quota_is_short_waiting_is_not_recommended():
    table = refusal_table([Refusal(Attempt("g6.xlarge", "us-west-2d", "s", "spot"), "VcpuLimitExceeded", NO_QUOTA)])
    assert "L-3819A6DF" in table and "--wait-capacity" not in table
