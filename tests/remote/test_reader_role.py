"""Instances read s3:// by a role of their own: made for named addresses, lent only to jobs that name one."""

import json
from pathlib import Path

import pytest
import yaml

from remote import buckets, capacity, ec2, launch, reader_role, roles, runs
from remote import settings as all_settings
from remote.aws import Aws
from remote.embedded import orders
from remote.errors import Denied, Usage

DEFAULTS = yaml.safe_load((Path(__file__).parents[2] / "fabric.yaml").read_text())
ARN = "arn:aws:iam::123456789012:role/gpu-jobs-reader"


@pytest.fixture
def account(cloud, tmp_path):
    """account(setting=value, ...) -> an Aws with these settings. Afterwards it has no instance."""

    def make(**given):
        return Aws(
            all_settings.read(DEFAULTS, {"runs_dir": str(tmp_path / "runs"), "deadline_role": ""} | given), cloud
        )

    yield make
    for _run_id, instance in ec2.list_runs(make().ec2):
        make().ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(capacity, "BACKOFF_S", (0.1, 0.1, 0.1, 0.1))


def launched(aws, *turns):
    """The instance of a new run whose jobs have these parameters, as AWS describes it."""
    run = runs.new(aws.settings, "tiny", turns[0], {})
    run.then = [{"job": "tiny", "parameters": parameters, "files": {}} for parameters in turns[1:]]
    runs.record(run)
    launch.ensure_launched(aws, run)
    return ec2.find(aws.ec2, run.id)


def test_only_an_instance_whose_job_names_an_address_gets_the_profile(account):
    aws = account()
    assert "IamInstanceProfile" not in launched(aws, {"text": "/home/ada/s3/a.txt", "epochs": 3})
    assert "IamInstanceProfile" not in launched(aws.reading_nothing(), {"text": "s3://tales/a.txt"})
    for turns in ([{"text": "s3://tales/a.txt"}], [{"text": ""}, {"data": "s3://tales"}]):
        profile = launched(aws, *turns)["IamInstanceProfile"]
        assert profile["Arn"].endswith(":instance-profile/gpu-jobs-reader")


def test_a_profile_that_is_missing_is_asked_for_a_few_times_and_then_told(account, cloud):
    aws = account(instance_profile="nobodys")
    before = len(orders.api_log(cloud))
    with pytest.raises(Denied, match=r"no instance profile nobodys.*bin/fab setup --read s3://") as refused:
        launched(aws, {"text": "s3://tales/a.txt"})
    assert refused.value.exit_code == 7 and ec2.list_runs(aws.ec2) == []
    asked = [call for call in orders.api_log(cloud)[before:] if call["action"] == "RunInstances"]
    assert len(asked) == 1 + capacity.UNREADY_TIMES


def test_a_profile_that_was_made_a_moment_ago_is_waited_for(account, cloud):
    words = (
        "Value (gpu-jobs-reader) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"
    )
    orders.fault(cloud, "RunInstances", code="InvalidParameterValue", message=words, times=2)
    assert "IamInstanceProfile" in launched(account(), {"text": "s3://tales/a.txt"})


def test_role_and_profile_are_made_and_deleted_as_often_as_one_likes(account):
    aws = account(instance_profile="another-reader")
    name, arn = "another-reader", roles.arn(aws.sts, "another-reader")
    first, second = "s3://tales/old/", "s3://tales/new"
    outcomes = [reader_role.ensure(aws.iam, arn, address) for address in (first, first, second)]
    assert outcomes[0] == "made" and all(one.startswith("there already") for one in outcomes[1:])
    assert len(aws.iam.list_role_policies(RoleName=name)["PolicyNames"]) == 2
    assert "IamInstanceProfile" in launched(aws, {"text": "s3://tales/new"})
    assert [reader_role.withdraw(aws.iam, name, first) for _ in range(2)] == ["withdrawn", "not there"]
    assert aws.iam.list_role_policies(RoleName=name)["PolicyNames"] == [reader_role.policy_name(second)]
    assert [reader_role.remove(aws.iam, name) for _ in range(2)] == ["deleted", "not there"]


def test_what_was_made_by_half_is_completed_and_deleted(account):
    aws = account(instance_profile="half")
    arn = roles.arn(aws.sts, "half")
    aws.iam.create_role(**reader_role.role_request(arn))
    assert reader_role.remove(aws.iam, "half") == "deleted"
    aws.iam.create_instance_profile(InstanceProfileName="half", Tags=[{"Key": "gpu-job:managed", "Value": "true"}])
    reader_role.ensure(aws.iam, arn, "s3://tales/old/")
    assert aws.iam.get_instance_profile(InstanceProfileName="half")["InstanceProfile"]["Roles"]
    assert reader_role.remove(aws.iam, "half") == "deleted"


def test_what_is_somebody_elses_is_left_alone(account):
    iam = account().iam
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam.create_role(RoleName="their-role", AssumeRolePolicyDocument=trust)
    iam.create_instance_profile(InstanceProfileName="their-profile")
    for name in ("their-role", "their-profile"):
        arn = roles.arn(account().sts, name)
        for change in (
            lambda a=arn: reader_role.ensure(iam, a, "s3://tales"),
            lambda n=name: reader_role.remove(iam, n),
        ):
            with pytest.raises(Usage, match="not this tool's. Set instance_profile"):
                change()
    assert iam.list_role_policies(RoleName="their-role")["PolicyNames"] == []
    assert iam.get_instance_profile(InstanceProfileName="their-profile")["InstanceProfile"]["Roles"] == []
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName="their-profile")


@pytest.mark.parametrize(
    ("address", "objects", "prefixes"),
    [
        ("s3://tales", ["*"], None),
        ("s3://tales/", ["*"], None),
        ("s3://tales/old/", ["old/*"], ["old/*"]),
        ("s3://tales/old", ["old", "old/*"], ["old", "old/*"]),
    ],
)
def test_the_role_may_read_beneath_the_address_and_do_nothing_else(address, objects, prefixes):
    get, listing = reader_role.permissions(ARN, address)["Statement"]
    assert get == {
        "Effect": "Allow",
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::tales/{one}" for one in objects],
    }
    assert (listing["Action"], listing["Resource"]) == (["s3:ListBucket"], "arn:aws:s3:::tales")
    assert listing.get("Condition") == (prefixes and {"StringLike": {"s3:prefix": prefixes}})


def test_other_partitions_have_names_of_their_own():
    chinese = ARN.replace("arn:aws:", "arn:aws-cn:")
    assert "ec2.amazonaws.com.cn" in reader_role.role_request(chinese)["AssumeRolePolicyDocument"]
    assert "arn:aws:" not in json.dumps(reader_role.permissions(chinese, "s3://tales/old/"))
    assert '"ec2.amazonaws.com"' in reader_role.role_request(ARN)["AssumeRolePolicyDocument"]


@pytest.mark.parametrize("address", ["s3://", "s3:///key", "s3://Tales/a", "s3://t/a", "https://tales/a", "tales"])
def test_an_address_of_another_form_is_refused(address):
    with pytest.raises(Usage, match="Expected an address such as s3://bucket/folder/"):
        buckets.split(address)


def test_a_prefix_cannot_widen_the_policy():
    with pytest.raises(Usage, match="without"):
        reader_role.permissions(ARN, "s3://tales/*")
