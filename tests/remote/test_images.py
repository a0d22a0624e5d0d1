"""The image that is booted is the newest of Amazon's, or the one that was asked for."""

import datetime
import time

import pytest

from remote import images, tags
from remote.errors import NotFound, Usage

BASE = "Deep Learning Base OSS Nvidia Driver GPU AMI"
REGION = "us-east-1"
ACCOUNT = "123456789012"  # the one that moto gives to everybody


@pytest.fixture
def ssm(client):
    return client("ssm")


def register(ec2, name):
    """The id of an image of the user's own."""
    return ec2.register_image(Name=name, Architecture="x86_64", RootDeviceName="/dev/sda1")["ImageId"]


def amazons(ec2, name, day="2026-01-01", architecture="x86_64"):
    """The id of an image that Amazon made that day; through moto's innards, for no user can make one."""
    from moto.ec2.models import ec2_backends

    image = ec2_backends[ACCOUNT][REGION].amis[register(ec2, name)]
    image.owner_alias, image.architecture = "amazon", architecture
    image.creation_date = datetime.datetime.fromisoformat(day)
    return image.id


def publish(name, value):
    """What only AWS can put: a public parameter."""
    from moto.ssm.models import Parameter, ssm_backends

    fields = {"description": "", "allowed_pattern": None, "keyid": None, "version": 1, "data_type": "aws:ec2:image"}
    fields |= {"account_id": ACCOUNT, "parameter_type": "String", "last_modified_date": time.time(), "labels": []}
    ssm_backends[ACCOUNT][REGION]._parameters[name].append(Parameter(name=name, value=value, **fields))


def test_the_newest_release_comes_first(ssm, ec2):
    old, new = amazons(ec2, f"{BASE} (Ubuntu 22.04) 1"), amazons(ec2, f"{BASE} (Ubuntu 24.04) 1")
    publish(images.PARAMETERS[1].format(architecture="x86_64"), old)
    assert images.find(ssm, ec2, "", REGION).id == old
    publish(images.PARAMETERS[0].format(architecture="x86_64"), new)
    found = images.find(ssm, ec2, "", REGION)
    assert (found.id, found.root_device) == (new, "/dev/sda1") and found.root_gib > 0
    assert "ubuntu-24.04" in found.source


def test_without_a_parameter_the_newest_by_date_of_amazons_is_taken(ssm, ec2):
    amazons(ec2, f"{BASE} (Ubuntu 24.04) 20260101", "2026-01-01")
    newest = amazons(ec2, f"{BASE} (Ubuntu 24.04) 20260301", "2026-03-01")
    amazons(ec2, f"{BASE} (Ubuntu 24.04) 20260201", "2026-02-01")
    arm = amazons(ec2, f"Deep Learning ARM64 {BASE[14:]} (Ubuntu 24.04) 20260401", "2026-04-01", "arm64")
    register(ec2, f"{BASE} (Ubuntu 24.04) of somebody else")
    found = images.find(ssm, ec2, "", REGION)
    assert found.id == newest
    assert found.source.startswith("newest of Amazon's")
    assert images.find(ssm, ec2, "", REGION, architecture="arm64").id == arm


def test_where_there_is_none_the_error_names_what_was_tried(ssm, ec2):
    with pytest.raises(NotFound, match="base-oss-nvidia-driver-gpu-ubuntu-22.04.*Ubuntu 22.04.*image"):
        images.find(ssm, ec2, "", REGION)


def test_an_image_of_ones_own_is_found_by_id_and_by_parameter(ssm, ec2):
    mine = register(ec2, "mine")
    ssm.put_parameter(Name="/ml/image", Value=mine, Type="String")
    assert images.find(ssm, ec2, mine, REGION).id == mine
    assert images.find(ssm, ec2, "/ml/image", REGION).id == mine
    assert images.find(ssm, ec2, "resolve:ssm:/ml/image", REGION).id == mine


@pytest.mark.parametrize("wrong", ["ami-0123456789abcdef0", "ami-nonsense", "/no/such/parameter"])
def test_an_image_that_is_not_there_is_named(ssm, ec2, wrong):
    with pytest.raises(NotFound, match=wrong):
        images.find(ssm, ec2, wrong, REGION)


def test_a_parameter_that_holds_something_else_is_refused(ssm, ec2):
    ssm.put_parameter(Name="/ml/image", Value="ubuntu", Type="String")
    with pytest.raises(Usage, match="AMI id, got 'ubuntu'"):
        images.find(ssm, ec2, "/ml/image", REGION)


def test_an_image_of_another_architecture_is_refused_before_aws_does(ssm, ec2):
    arm = images.find(ssm, ec2, amazons(ec2, "arm", architecture="arm64"), REGION)
    images.check_architecture(arm, "g5g.xlarge")
    with pytest.raises(Usage, match="g4dn.xlarge boots x86_64"):
        images.check_architecture(arm, "g4dn.xlarge")


def test_the_architecture_follows_from_the_name_of_every_gpu_type(ec2):
    families = tags.filters({"instance-type": ["g*", "p*"]})
    pages = ec2.get_paginator("describe_instance_types").paginate(Filters=families)
    types = [found for page in pages for found in page["InstanceTypes"] if "GpuInfo" in found]
    assert len(types) > 50
    for found in types:
        expected = "arm64" if "arm64" in found["ProcessorInfo"]["SupportedArchitectures"] else "x86_64"
        assert images.architecture_of(found["InstanceType"]) == expected, found["InstanceType"]


@pytest.mark.parametrize(
    ("name", "user"),
    [
        ("Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04) 20260101", "ubuntu"),
        ("Deep Learning Base OSS Nvidia Driver GPU AMI (Amazon Linux 2023) 20260101", "ec2-user"),
        ("debian-12-amd64-20260101", "admin"),
        ("of our own", "ubuntu"),
    ],
)
def test_the_login_user_follows_from_the_images_name(name, user):
    image = images.Image("ami-1", name, "x86_64", "/dev/sda1", 60, "settings")
    assert images.login_user(image) == user
