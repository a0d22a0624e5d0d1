"""iam-policy.json grants the calls of a run's whole life, each of them and no other, on the tool's own things alone."""

import json
import re
from pathlib import Path

import pytest

from remote import policy, tags
from remote.embedded import orders
from tests.life import checkout as checkouts

SHIPPED = Path(__file__).parents[2] / "iam-policy.json"
UNASKED = {"sts:GetCallerIdentity"}  # AWS lets everybody ask who they are
IMPLIED = {"iam:PassRole"}  # what scheduler:CreateSchedule asks for as well: there is no such call
MANAGED_MAX = 6144  # characters that AWS allows in a managed policy, white space not counted
MAKING = {"ec2:RunInstances", "ec2:CreateVolume", "ec2:CreateSnapshot", "ec2:CreateSecurityGroup"}
ENDING = {"ec2:TerminateInstances", "ec2:DeleteVolume", "ec2:DeleteSnapshot", "ec2:RevokeSecurityGroupIngress"}
CHANGING = {"ec2:AttachVolume", "ec2:DeleteTags", "ec2-instance-connect:SendSSHPublicKey"}
MADE = {  # what each call makes, of which the policy wants the tag in that call
    "RunInstances": {"instance", "volume", "network-interface"},
    "CreateVolume": {"volume"},
    "CreateSnapshot": {"snapshot"},
    "CreateSecurityGroup": {"security-group"},
    "AuthorizeSecurityGroupIngress": {"security-group-rule"},
}
SOLD_OUT = {"code": "InsufficientInstanceCapacity", "status": 500, "times": 999}


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """What AWS was asked during the lives of some runs, with everything that a user can do: the API's log."""
    folder = tmp_path_factory.mktemp("policy")
    here = checkouts.make(folder / "here")
    here.done("embedded", "--start")
    live(here, colleague(here, folder / "there"))
    log = orders.api_log(here.cloud)
    here.done("embedded", "--stop")
    return log


def test_the_policy_names_the_roles_of_the_settings_and_the_partition():
    text = json.dumps(policy.document("another-role", "aws-us-gov", "another-reader"))
    assert "arn:aws-us-gov:iam::*:role/another-role" in text and "gpu-jobs-deadline" not in text
    assert "arn:aws-us-gov:iam::*:role/another-reader" in text and "gpu-jobs-reader" not in text
    assert "arn:aws:" not in text
    without = policy.document(role="", profile="")
    assert not {"LendRole", "SeeRole", "LendReader"} & {statement["Sid"] for statement in without["Statement"]}


def test_a_role_is_lent_to_its_own_service_alone():
    lent = {one["Resource"][0].rpartition("/")[2]: one["Condition"] for one in statements("iam:PassRole")}
    services = {role: condition["StringEquals"]["iam:PassedToService"] for role, condition in lent.items()}
    assert services == {
        "gpu-jobs-deadline": "scheduler.amazonaws.com",
        "gpu-jobs-reader": ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"],
    }


def colleague(here, path):
    """Another checkout that works in the same account."""
    there = checkouts.make(path)
    there.runs.mkdir()
    there.state.symlink_to(here.state)
    return there


def live(here, there):
    """Do everything once."""
    here.done("doctor")
    here.done("plan", "--job", "tiny", "--market", "spot")
    run_id = here.detached("epochs=2", "hold=1")
    checkouts.wait_until(lambda: (here.there(run_id) / "out/checkpoint/epoch").exists())
    there.done("pull", "--run", run_id)
    here.done("runs")
    here.done("status")
    here.done("terminate")
    move(here)
    here.done("volumes")
    here.done("volumes", "--snapshot", "corpus")
    here.done("volumes", "--delete", "corpus", "--yes")
    here.done("reap", "--yes")


def move(here):
    """A run on a named volume, then one that must move it."""
    options = ("--volume", "corpus")
    _, run = here.train("epochs=1", options=options)
    wanted = tags.filters({"default-for-az": "true", "availability-zone": run["zone"]})
    full = here.client("ec2").describe_subnets(Filters=wanted)["Subnets"][0]["SubnetId"]
    orders.fault(here.cloud, "RunInstances", **SOLD_OUT, when={"NetworkInterface.1.SubnetId": full})
    outcome, moved = here.train("epochs=1", options=(*options, "--move-volume"))
    assert outcome.returncode == 0 and moved["zone"] != run["zone"], outcome.stderr
    orders.clear(here.cloud)


def made_for_real(calls):
    """The calls of the tool itself that were no DryRun: a checkout's fixtures ask with the same credentials."""
    return [call for call in calls if call["parameters"].get("DryRun") != "true"]


def statements(action):
    return [one for one in policy.document()["Statement"] if action in one["Action"]]


def test_the_file_is_what_the_script_writes():
    assert json.loads(SHIPPED.read_text()) == policy.document(), "python -m remote.policy > iam-policy.json"


def test_every_call_of_a_run_is_granted_and_no_other(calls):
    used = {f"{call['service']}:{call['action']}" for call in made_for_real(calls)} - UNASKED
    assert used - policy.actions() == set(), "missing in the policy"
    assert policy.actions() - used - IMPLIED == set(), "granted for nothing"


def test_whatever_is_made_gets_the_tag_that_the_policy_wants_in_the_call_that_makes_it(calls):
    seen = set()
    for call in calls:
        if call["action"] in MADE:
            seen.add(call["action"])
            assert MADE[call["action"]] <= tagged_as_ours(call["parameters"]), call
    assert seen == MADE.keys()


def tagged_as_ours(parameters):
    """The resource types whose TagSpecification in a request says that they are the tool's."""
    types = {name.removesuffix(".ResourceType"): value for name, value in parameters.items() if ".ResourceType" in name}
    keys = [
        name for name, value in parameters.items() if re.search(r"\.Tag\.\d+\.Key$", name) and value == tags.MANAGED
    ]
    assert all(parameters[name.replace(".Key", ".Value")] == "true" for name in keys)
    return {types[re.match(r"TagSpecification\.\d+", name)[0]] for name in keys}


@pytest.mark.parametrize("action", sorted(MAKING))
def test_making_needs_the_tag_in_the_request(action):
    kind = {"RunInstances": "instance", "CreateVolume": "volume", "CreateSnapshot": "snapshot"}
    made = kind.get(action.removeprefix("ec2:"), "security-group")
    (statement,) = [
        one for one in statements(action) if f"arn:aws:ec2:*:*:{made}/*" in one["Resource"] and _requests(one)
    ]
    assert statement["Condition"]["StringEquals"][f"aws:RequestTag/{tags.MANAGED}"] == "true"


def _requests(statement):
    return any(key.startswith("aws:RequestTag") for key in statement["Condition"]["StringEquals"])


@pytest.mark.parametrize("action", sorted(ENDING | CHANGING))
def test_ending_and_changing_needs_the_tag_on_the_thing(action):
    for statement in statements(action):
        assert statement["Condition"]["StringEquals"][f"aws:ResourceTag/{tags.MANAGED}"] == "true"


def test_nothing_that_was_there_can_be_given_the_tag():
    for statement in statements("ec2:CreateTags"):
        condition = statement["Condition"]
        on_creation = "ec2:CreateAction" in condition["StringEquals"]
        assert on_creation or tags.MANAGED not in condition["ForAllValues:StringLike"]["aws:TagKeys"]


def test_only_looking_is_allowed_on_everything():
    for statement in policy.document()["Statement"]:
        if statement["Resource"] == "*":
            assert all(re.search(r":(Describe|Get|List)", action) for action in statement["Action"])


def test_aws_takes_it_as_one_managed_policy():
    assert len(re.sub(r"\s", "", SHIPPED.read_text())) < MANAGED_MAX
    names = [one["Sid"] for one in policy.document()["Statement"]]
    assert len(set(names)) == len(names) and all(re.fullmatch("[A-Za-z0-9]+", name) for name in names)
