"""What AWS, or the way to it, refuses: one line in a user's words, a documented exit code, and nothing is left."""

import os

import pytest

from remote.embedded import orders
from tests.life.checkout import train_words

SAYS_NO = "User: arn:aws:iam::1:user/ada is not authorized to perform: {} on resource: *"


def refused(action, code, message="said so", **fields):
    return {"action": action, "code": code, "status": 400, "message": message, "times": 99, **fields}


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (refused("RunInstances", "ExpiredToken"), 7, "credentials have expired"),
        (refused("DescribeSubnets", "ExpiredToken"), 7, "credentials have expired"),
        (refused("RunInstances", "AuthFailure"), 7, "does not accept these credentials"),
        (refused("RunInstances", "RequestExpired"), 7, "clock is off"),
        (
            refused("RunInstances", "UnauthorizedOperation", SAYS_NO.format("ec2:RunInstances")),
            7,
            "Not allowed: ec2:RunInstances. Attach iam-policy.json, or add of it statements LaunchGpu, ",
        ),
        (
            refused("CreateVolume", "UnauthorizedOperation", SAYS_NO.format("ec2:CreateVolume")),
            7,
            "Not allowed: ec2:CreateVolume",
        ),
        (
            refused("AttachVolume", "UnauthorizedOperation", SAYS_NO.format("ec2:AttachVolume")),
            7,
            "Not allowed: ec2:AttachVolume",
        ),
        (
            refused("AuthorizeSecurityGroupIngress", "UnauthorizedOperation", SAYS_NO.format("ec2:Authorize")),
            7,
            "Not allowed: ec2:Authorize",
        ),
        (refused("RunInstances", "OptInRequired", "You are not subscribed"), 7, "You are not subscribed"),
        (refused("RunInstances", "InvalidParameterCombination", "no such luck"), 1, "no such luck"),
    ],
    ids=lambda value: f"{value['action']}-{value['code']}" if isinstance(value, dict) else None,
)
def test_a_refusal_is_one_line_and_leaves_nothing(checkout, fault, code, words):
    orders.fault(checkout.cloud, **fault)
    outcome, _ = checkout.train("epochs=1")
    assert outcome.returncode == code and words in outcome.stderr.splitlines()[-1], outcome.stderr
    assert "Traceback" not in outcome.stderr
    orders.clear(checkout.cloud)
    assert checkout.billed() == []


def test_an_ec2_that_is_given_by_its_address_alone_will_do(checkout):
    outcome, _ = checkout.train("epochs=1", **checkout.as_aws)
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize(
    ("changed", "code", "words"),
    [
        ({"FABRIC_ADDRESS_URL": "http://127.0.0.1:9/"}, 6, "--ssh-cidr"),
        ({"FABRIC_REGION": "us-esat-1"}, 3, "us-esat-1"),
        ({"FABRIC_REGION": "us east 1"}, 2, "Expected a region"),
        ({"FABRIC_IMAGE": "ami-00000000000000000"}, 3, "ami-00000000000000000"),
        ({"FABRIC_IMAGE": "/no/such/parameter"}, 3, "/no/such/parameter"),
        ({"AWS_SECRET_ACCESS_KEY": ""}, 7, "credentials"),
        ({"AWS_ACCESS_KEY_ID": "AKIANOBODY"}, 7, "does not accept these credentials"),
        ({"FABRIC_SSH_KEY": "/no/such/key"}, 2, "/no/such/key"),
    ],
    ids=lambda value: "".join(value) if isinstance(value, dict) else None,
)
def test_a_wrong_way_to_aws_is_named(checkout, changed, code, words):
    outcome = checkout.fab(*train_words("epochs=1"), **checkout.as_aws | changed)
    assert outcome.returncode == code and words in outcome.stderr.splitlines()[-1], outcome.stderr
    assert "Traceback" not in outcome.stderr and checkout.billed() == []


def test_an_image_of_another_architecture_is_refused(checkout):
    image = "ami-0e3bedded2204b001"  # of the embedded EC2, for arm64
    outcome = checkout.fab(*train_words(), FABRIC_IMAGE=image)
    assert outcome.returncode == 2 and "arm64" in outcome.stderr and image in outcome.stderr, outcome.stderr


def test_a_text_that_the_volume_has_no_room_for_is_refused(checkout, tmp_path):
    text = tmp_path / "large.txt"
    text.touch()
    os.truncate(text, 2 << 30)
    outcome = checkout.fab(*train_words(f"text={text}"))
    assert outcome.returncode == 2 and "FABRIC_VOLUME_GIB=4" in outcome.stderr, outcome.stderr


def test_a_named_volume_that_nobody_knows_is_not_deleted_in_passing(checkout):
    outcome = checkout.fab("volumes", "--delete", "nobody", "--yes")
    assert outcome.returncode == 3 and "No volume named 'nobody'" in outcome.stderr
