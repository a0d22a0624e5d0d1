"""The doctor on an embedded EC2 that is healthy, and on one that lacks a thing: line, mending, exit code."""

import dataclasses
import datetime
from pathlib import Path

import pytest
import yaml

from remote import account, doctor, network, settings, volumes
from remote.aws import Aws
from remote.embedded import orders
from remote.errors import Denied

DEFAULTS = yaml.safe_load((Path(__file__).parents[2] / "fabric.yaml").read_text())
DENIED = {
    "code": "UnauthorizedOperation",
    "message": "You are not authorized to perform this operation.",
    "status": 403,
}
READING = ("Describe", "Get")


@pytest.fixture
def aws(cloud, tmp_path):
    """aws(**settings) -> an Aws as the command line makes it."""

    def make(**given):
        return Aws(settings.read(DEFAULTS, {"runs_dir": str(tmp_path / "runs")} | given), cloud)

    yield make
    orders.clear(cloud)


def examined(aws):
    """({check: Finding}, exit code) of a doctor's visit."""
    found = doctor.examine(aws)
    failure = doctor.verdict(found)
    assert all("\n" not in line for line in doctor.as_text(found).split("\n")) and len(found) > 12
    return {one.check: one for one in found}, failure.exit_code if failure else 0


def test_on_the_embedded_cloud_all_is_well_and_nothing_was_changed(aws, cloud):
    before = len(orders.api_log(cloud))
    found, code = examined(aws())
    assert {name: one.says for name, one in found.items() if one.state == "wrong"} == {} and code == 0
    assert "moto" in found["credentials"].says and "ami-" in found["image"].says
    calls = orders.api_log(cloud)[before:]
    assert len(calls) > 15
    assert all(call["action"].startswith(READING) or call["parameters"].get("DryRun") == "true" for call in calls)


def test_a_missing_permission_is_named_with_where_to_find_its_statement(aws, cloud):
    orders.fault(cloud, "RunInstances", **DENIED)
    found, code = examined(aws())
    assert found["permissions"].says.startswith("Not allowed: ec2:RunInstances. Attach iam-policy.json")
    assert code == 7


def test_a_refusal_for_a_thing_that_is_not_there_is_a_doubt(aws, cloud):
    orders.fault(cloud, "TerminateInstances", **DENIED)
    found, code = examined(aws())
    assert found["permissions"].state == "doubt" and "ec2:TerminateInstances refused" in found["permissions"].says
    assert code == 0


def test_a_refusal_for_a_thing_of_ours_is_none(aws, cloud, run_tags):
    healthy = aws()
    network.ensure_group(healthy.ec2, None, run_tags())
    orders.fault(cloud, "AuthorizeSecurityGroupIngress", **DENIED)
    found, code = examined(healthy)
    assert "Not allowed: ec2:AuthorizeSecurityGroupIngress." in found["permissions"].says and code == 7


def test_credentials_that_aws_refuses_stop_all_that_asks_aws(aws, cloud):
    wrong = Aws(aws().settings, dataclasses.replace(cloud, access_key="AKIAWRONG"))
    found, code = examined(wrong)
    assert found["credentials"].state == "wrong" and "aws sts get-caller-identity" in found["credentials"].says
    assert found["quota"].says == "not asked: credentials come first" and found["python"].state == "ok"
    assert found["clock"].state == "ok", "a refusal has a date as well"
    assert code == 7


def test_a_quota_of_zero_comes_with_the_request_that_raises_it(aws, cloud):
    orders.quota(cloud, "L-DB2E81BA", 0)
    try:
        found, code = examined(aws())
    finally:
        orders.quota(cloud, "L-DB2E81BA", 64)
    assert code == 4
    assert "on-demand g4dn.xlarge needs 4 vCPUs, L-DB2E81BA allows 0" in found["quota"].says
    assert "--quota-code L-DB2E81BA --desired-value 4 --region us-east-1" in found["quota"].says


def test_a_quota_that_lets_another_type_start_is_a_doubt(aws):
    found, code = examined(aws(instance_types="p4d.24xlarge, g6.xlarge"))
    assert found["quota"].state == "doubt" and "p4d.24xlarge needs 96 vCPUs" in found["quota"].says and code == 0


def test_not_being_allowed_to_ask_for_the_quota_is_a_doubt(aws, cloud):
    orders.fault(cloud, "GetServiceQuota", code="AccessDeniedException")
    found, code = examined(aws())
    assert "servicequotas:GetServiceQuota" in found["quota"].says and code == 0


@pytest.mark.parametrize(
    "given, check, words, code",
    [
        ({"image": "ami-00000000000000000"}, "image", "no image ami-00000000000000000", 3),
        ({"image": "ami-0e3bedded2204b001"}, "image", "boots x86_64 images", 2),
        ({"zones": "us-east-1z"}, "zones", "no zone us-east-1z", 2),
        ({"zones": "us-east-1e"}, "zones", "offers no g4dn.xlarge", 4),
        ({"ssh_cidr": "0.0.0.0/0"}, "address", "more than yours", 0),
    ],
)
def test_what_can_not_be_had_is_said_by_its_check(aws, given, check, words, code):
    found, got = examined(aws(**given))
    assert words in found[check].says and got == code, doctor.as_text(found.values())


def test_a_role_that_nobody_made_is_a_doubt_with_the_command_that_makes_it(aws, cloud):
    found, code = examined(aws(deadline_role="nobody-made-it"))
    assert found["deadline"].state == "doubt" and "bin/fab setup" in found["deadline"].says and code == 0
    assert "instance's own alone" in examined(aws(deadline_role=""))[0]["deadline"].says
    orders.fault(cloud, "GetRole", code="AccessDenied")
    assert "iam:GetRole" in examined(aws())[0]["deadline"].says


def test_a_retired_type_is_told_with_its_replacement(aws):
    found, code = examined(aws(instance_types="p2.xlarge"))
    assert "p2.xlarge was retired" in found["zones"].says and code == 0


def test_an_address_service_that_does_not_answer_asks_for_the_network(aws, cloud):
    silent = Aws(aws().settings, dataclasses.replace(cloud, address_url="http://127.0.0.1:9/"))
    found, code = examined(silent)
    assert "--ssh-cidr" in found["address"].says and code == 6
    told = Aws(aws(ssh_cidr="203.0.113.7/32").settings, dataclasses.replace(cloud, address_url="http://127.0.0.1:9/"))
    assert examined(told)[1] == 0


def test_a_volume_in_a_zone_that_offers_nothing_is_found_out_before_the_run(aws, run_tags):
    healthy = aws()
    lost = volumes.create(healthy.ec2, "us-east-1e", 1, run_tags() | {"gpu-job:volume": "corpus"}, "doctor")
    try:
        found, code = examined(aws(volume="corpus"))
        assert "offers no" in found["volume"].says and "us-east-1e" in found["volume"].says and code == 4
        assert examined(aws(volume="corpus", move_volume=True))[1] == 0
    finally:
        volumes.delete(healthy.ec2, lost.id)


@pytest.mark.parametrize("off_s", [-3600, -90, 90, 3600])
def test_a_clock_that_is_off_is_told_before_aws_refuses_it(aws, off_s):
    now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=off_s)
    with pytest.raises(Denied, match=r"(\d+) s " + ("fast" if off_s > 0 else "slow")):
        account.clock(account.clients(aws()), now)


def test_what_this_machine_lacks(aws, tmp_path):
    (tmp_path / "file").write_text("Host [")
    found, code = examined(aws(runs_dir=str(tmp_path / "file" / "runs")))
    assert "can't be written" in found["disk"].says and code == 2


def test_an_unreadable_ssh_config_is_named(aws, cloud, tmp_path):
    path = tmp_path / "config"
    path.write_bytes(b"Host \xff\xfe\nMatch nonsense\n")
    found, code = examined(Aws(aws().settings, dataclasses.replace(cloud, ssh_config=path)))
    assert str(path) in found["ssh"].says and code == 2


def test_of_several_failures_the_worst_gives_the_code(aws, cloud):
    orders.fault(cloud, "CreateVolume", **DENIED)
    found, code = examined(aws(instance_types="p4d.24xlarge"))
    assert [found[name].state for name in ("permissions", "quota")] == ["wrong", "wrong"] and code == 7


def test_other_regions_are_looked_at_and_stop_nothing(aws):
    found, code = examined(aws(other_regions=("us-west-2", "mars-north-1")))
    assert found["zones us-west-2"].state == "ok" and "us-west-2a" in found["zones us-west-2"].says
    assert found["zones mars-north-1"].state == "doubt" and "mars-north-1" in found["zones mars-north-1"].says
    assert code == 0


def test_what_does_not_answer_is_given_up(aws, cloud, monkeypatch):
    monkeypatch.setattr(doctor, "WITHIN_S", 3)
    orders.fault(cloud, "GetServiceQuota", delay_s=5)
    found, code = examined(aws())
    assert "no answer within 3 s" in found["quota"].says and code == 6
