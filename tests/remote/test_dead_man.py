"""AWS's own deadline: there before the instance, carried out with nobody's help, gone with the run that it was for."""

import datetime
import json
import time
from pathlib import Path

import pytest
import yaml

from remote import boot, capacity, dead_man, deadline_role, ec2, launch, reap, runs, steps, tags
from remote import settings as all_settings
from remote.aws import Aws
from remote.embedded import orders
from remote.errors import Failure, Usage

DEFAULTS = yaml.safe_load((Path(__file__).parents[2] / "fabric.yaml").read_text())
ROLE = DEFAULTS["deadline_role"]
HOUR, MINUTE = 3600, 60


@pytest.fixture
def account(cloud, tmp_path):
    """account(setting=value, ...) -> an Aws with these settings. Afterwards it has no instance and no schedule."""

    def make(**given):
        return Aws(all_settings.read(DEFAULTS, {"runs_dir": str(tmp_path / "runs")} | given), cloud)

    yield make
    orders.clear(cloud)
    aws = make()
    for _run_id, instance in ec2.list_runs(aws.ec2):
        aws.ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
    for name in scheduled(aws):
        dead_man.delete(aws.scheduler, name)


@pytest.fixture
def aws(account):
    return account()


@pytest.fixture
def new_run():
    """new_run(aws) -> a recorded Run, for which nothing has been asked yet."""

    def make(aws, job="tiny"):
        run = runs.new(aws.settings, job, {}, {})
        runs.record(run)
        return run

    return make


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(capacity, "BACKOFF_S", (0.1, 0.1, 0.1))


@pytest.fixture
def later(cloud):
    """later(seconds): let them pass in the cloud; the next test begins in the present again."""
    passed = []

    def advance(seconds):
        passed.append(seconds)
        orders.advance(cloud, seconds)

    yield advance
    orders.advance(cloud, -sum(passed))


@pytest.fixture
def untold(monkeypatch):
    """Instances come up without having been told when to end themselves."""
    monkeypatch.setattr(boot, "user_data", lambda *_: "#cloud-config\n{}\n")


def scheduled(aws):
    return [name for name, _changed in dead_man.schedules(aws.scheduler)]


def fires_in_hours(aws, run):
    """Hours from now at which the run's schedule fires."""
    expression = aws.scheduler.get_schedule(Name=dead_man.schedule_name(run.id))["ScheduleExpression"]
    at = datetime.datetime.strptime(expression, "at(%Y-%m-%dT%H:%M:%S)").replace(tzinfo=datetime.UTC)
    return (at - datetime.datetime.now(datetime.UTC)).total_seconds() / HOUR


def wait_for(aws, run, state):
    ends = time.monotonic() + 10
    while (now := ec2.find(aws.ec2, run.id)["State"]["Name"]) != state:
        assert time.monotonic() < ends, f"{now}, never {state}"
        time.sleep(0.05)


@pytest.mark.usefixtures("untold")
def test_a_machine_that_never_heard_of_its_deadline_is_ended_with_nobody_there(account, new_run, later):
    short, long = account(), account(max_hours=8)
    run, other = new_run(short), new_run(long)
    launch.ensure_launched(short, run)
    launch.ensure_launched(long, other)
    wait_for(short, run, "running")
    wait_for(long, other, "running")
    later(4 * HOUR + 9 * MINUTE)
    time.sleep(0.3)
    assert ec2.alive(ec2.find(short.ec2, run.id))
    later(2 * MINUTE)
    wait_for(short, run, "terminated")
    assert ec2.alive(ec2.find(long.ec2, other.id)), "another run's machine was ended"
    assert scheduled(short) == [dead_man.schedule_name(other.id)]


@pytest.mark.usefixtures("untold")
def test_it_ends_a_machine_of_whose_launch_no_client_ever_heard(aws, new_run, later, cloud):
    run = new_run(aws)
    orders.fault(cloud, "RunInstances", drop="after", times=100)
    with pytest.raises(Failure):
        launch.ensure_launched(aws, run)
    assert not run.instance_id
    wait_for(aws, run, "running")
    later(4 * HOUR + 11 * MINUTE)
    wait_for(aws, run, "terminated")


def test_it_is_there_before_the_instance_is_asked_for(aws, new_run, cloud):
    run = new_run(aws)
    before = len(orders.api_log(cloud))
    launch.ensure_launched(aws, run)
    actions = [call["action"] for call in orders.api_log(cloud)[before:]]
    assert actions.index("CreateSchedule") < actions.index("RunInstances")
    assert 4.1 < fires_in_hours(aws, run) < 4.2


def test_a_budget_shortens_it_once_the_price_is_known(account, new_run):
    aws = account(max_cost=0.3)
    run = new_run(aws)
    launch.ensure_launched(aws, run)
    assert run.hours < 1 and fires_in_hours(aws, run) == pytest.approx(run.hours + 1 / 6, abs=0.05)


def test_while_capacity_is_waited_for_it_holds_for_an_instance_that_comes_last(account, new_run, cloud):
    aws = account(wait_capacity="2h")
    run = new_run(aws)
    before = len(orders.api_log(cloud))
    launch.ensure_launched(aws, run)
    calls = [call for call in orders.api_log(cloud)[before:] if call["action"] == "CreateSchedule"]
    first = datetime.datetime.fromisoformat(calls[0]["parameters"]["ScheduleExpression"][3:-1] + "+00:00")
    assert (first - datetime.datetime.now(datetime.UTC)).total_seconds() > 6.1 * HOUR
    assert 4.1 < fires_in_hours(aws, run) < 4.2


def test_the_end_of_a_run_takes_it_back_and_may_be_repeated(aws, new_run):
    run = new_run(aws)
    launch.ensure_launched(aws, run)
    steps.end(aws, run)
    assert scheduled(aws) == []
    steps.end(aws, run)


def test_it_stays_when_an_instance_may_yet_come_to_light(aws, new_run, cloud):
    run = new_run(aws)
    orders.fault(cloud, "RunInstances", drop="before", times=100)
    with pytest.raises(Failure):
        launch.ensure_launched(aws, run)
    steps.end(aws, run)
    assert scheduled(aws) == [dead_man.schedule_name(run.id)]


def test_a_refused_launch_leaves_none(aws, new_run, cloud):
    run = new_run(aws)
    orders.fault(cloud, "RunInstances", code="InsufficientInstanceCapacity", status=500, times=100)
    with pytest.raises(Failure):
        launch.ensure_launched(aws, run)
    steps.end(aws, run)
    assert scheduled(aws) == []


def test_without_the_role_a_run_goes_on_and_says_what_to_type(account, new_run, capsys):
    aws = account(deadline_role="never-made")
    run = new_run(aws)
    launch.ensure_launched(aws, run)
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("deadline")]
    assert len(told) == 1 and "no role never-made" in told[0] and "bin/fab setup" in told[0]
    steps.end(aws, run)


@pytest.mark.parametrize("action", ["CreateSchedule", "GetCallerIdentity"])
def test_without_the_permission_a_run_goes_on_and_says_so(aws, new_run, cloud, capsys, action):
    orders.fault(cloud, action, code="AccessDeniedException", status=403, times=100)
    run = new_run(aws)
    launch.ensure_launched(aws, run)
    assert "none inside AWS" in capsys.readouterr().err and run.instance_id
    orders.fault(cloud, "DeleteSchedule", code="AccessDeniedException", status=403, times=100)
    steps.end(aws, run)


def test_who_wants_none_is_not_told_of_it(account, new_run, cloud, capsys):
    aws = account(deadline_role="")
    run = new_run(aws)
    before = len(orders.api_log(cloud))
    launch.ensure_launched(aws, run)
    steps.end(aws, run)
    assert "scheduler" not in {call["service"] for call in orders.api_log(cloud)[before:]}
    assert "none inside AWS" not in capsys.readouterr().err


@pytest.mark.parametrize("job", ["a", "a" * 100])
def test_its_name_is_one_that_aws_takes_and_tells_runs_apart(aws, new_run, job):
    one, two = new_run(aws, job), new_run(aws, job)
    for run in (one, two):
        assert dead_man.arm(aws, run, "2099-01-01T00:00:00+00:00")
    assert len(scheduled(aws)) == 2


def orphans(aws, hours):
    """What reap finds so many hours from now in one region."""
    now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)
    return [one for one in reap.find(aws.ec2_in, ["us-east-1"], now, aws.scheduler_in) if one.kind == "schedule"]


def test_reap_deletes_those_of_runs_that_are_over_and_no_others(aws, new_run):
    over, lives = new_run(aws), new_run(aws)
    dead_man.arm(aws, over, "2099-01-01T00:00:00+00:00")
    launch.ensure_launched(aws, lives)
    assert orphans(aws, hours=0) == [], "it may be there for an instance that is being asked for"
    (orphan,) = orphans(aws, hours=2)
    assert (orphan.run, orphan.dollars_per_day) == (over.id, 0)
    assert reap.end(aws.ec2_in, [orphan, orphan], aws.scheduler_in) == []
    assert scheduled(aws) == [dead_man.schedule_name(lives.id)]


def test_reap_says_nothing_where_schedules_cannot_be_listed(aws, new_run, cloud):
    dead_man.arm(aws, new_run(aws), "2099-01-01T00:00:00+00:00")
    orders.fault(cloud, "ListSchedules", code="AccessDeniedException", status=403, times=9)
    assert orphans(aws, hours=2) == []
    orders.clear(cloud)


@pytest.mark.usefixtures("untold")
def test_the_role_is_made_and_deleted_as_often_as_one_likes(account, later, new_run):
    aws = account(deadline_role="another-role")
    arn = dead_man.role_arn(aws)
    outcomes = [deadline_role.ensure(aws.iam, arn) for _ in range(2)]
    assert outcomes[0] == "made" and outcomes[1].startswith("there already")
    assert aws.iam.get_role(RoleName="another-role")["Role"]["Arn"] == arn
    assert deadline_role.missing(aws.iam, "another-role") == ""
    run = new_run(aws)
    launch.ensure_launched(aws, run)  # with the role as `setup` makes it, the schedule does its work
    later(5 * HOUR)
    wait_for(aws, run, "terminated")
    assert [deadline_role.remove(aws.iam, "another-role") for _ in range(2)] == ["deleted", "not there"]
    assert "bin/fab setup" in deadline_role.missing(aws.iam, "another-role")


def test_somebody_elses_role_of_that_name_is_left_alone(account):
    aws = account(deadline_role="theirs")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    aws.iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=trust)
    for change in (lambda: deadline_role.ensure(aws.iam, dead_man.role_arn(aws)), lambda: _remove(aws, "theirs")):
        with pytest.raises(Usage, match="not this tool's"):
            change()
    assert aws.iam.list_role_policies(RoleName="theirs")["PolicyNames"] == []


def _remove(aws, name):
    deadline_role.remove(aws.iam, name)


def test_the_role_can_end_what_is_tagged_and_change_nothing_else():
    statements = deadline_role.permissions("arn:aws-cn:iam::123456789012:role/r")["Statement"]
    changing = [one for one in statements if any(action.startswith("ec2:T") for action in one["Action"])]
    assert [one["Condition"] for one in changing] == [{"StringEquals": {f"aws:ResourceTag/{tags.MANAGED}": "true"}}]
    verbs = {action.split(":")[1] for one in statements if one not in changing for action in one["Action"]}
    assert all(verb.startswith(("Describe", "Get")) for verb in verbs - {"StartAutomationExecution", "PassRole"})
    assert "arn:aws:" not in json.dumps(statements), "another partition's ARN"
