"""Deadlines: systemd timers on the machine, schedules and fleets in AWS. A test advances the clock, and never waits."""

import datetime
import json

import pytest

from remote.embedded import orders
from remote.embedded.timers import seconds
from tests.embedded.rented import IMAGE, booted, client, wait_until


@pytest.mark.parametrize(
    ("span", "expected"), [("90", 90), ("90s", 90), ("40min", 2400), ("1h 30min", 5400), ("2h", 7200)]
)
def test_time_spans_are_read_as_systemd_reads_them(span, expected):
    assert seconds(span) == expected


@pytest.mark.parametrize("span", ["", "soon", "5 parsecs", "-3"])
def test_what_is_no_time_span_is_refused(span):
    with pytest.raises(ValueError, match="Failed to parse"):
        seconds(span)


def test_a_timer_fires_when_its_time_has_come(cloud, box):
    box.say("sudo -n systemd-run --on-active=40min --unit=touch touch fired")
    assert box.say("systemctl is-active touch.timer") == "active"
    orders.advance(cloud, 39 * 60)
    assert box.run("systemctl is-active touch.timer").returncode == 0
    orders.advance(cloud, 61)
    wait_until(lambda: box.run('test -e "$EMBEDDED_EC2_ROOT/root/fired"').returncode == 0)
    assert box.run("systemctl is-active touch.timer").stdout == "inactive\n"


def test_a_unit_name_is_armed_once_and_can_be_stopped(box):
    arm = "systemd-run --on-active=1h --unit=once true"
    box.say(arm)
    again = box.run(arm)
    assert again.returncode == 1 and "already loaded" in again.stderr
    box.say("systemctl stop once.timer")
    assert box.run("systemctl is-active once.timer").returncode == 3
    assert box.run("systemctl stop once.timer").returncode == 5
    box.say(arm + "; systemctl stop once.timer")


def test_the_words_of_a_timers_command_stay_whole(cloud, box):
    box.say("""systemd-run --on-active=60 --unit=words sh -c 'printf "%s" "$1" > words' sh 'a  b "c"'""")
    orders.advance(cloud, 61)
    wait_until(lambda: box.run('cat "$EMBEDDED_EC2_ROOT/root/words"').stdout == 'a  b "c"')


def test_the_deadline_powers_off_and_terminates(launch, cloud):
    machine = booted(launch())
    machine.say("systemd-run --on-active=4h --unit=end systemctl poweroff")
    orders.advance(cloud, 4 * 3600 + 1)
    wait_until(lambda: machine.state == "terminated")


def test_shutdown_in_minutes_can_be_cancelled(launch, cloud):
    machine = booted(launch())
    machine.say("sudo shutdown -h +30 && sudo shutdown -c")
    orders.advance(cloud, 31 * 60)
    assert machine.run("sudo shutdown -h +30").returncode == 0
    assert machine.state == "running"
    orders.advance(cloud, 31 * 60)
    wait_until(lambda: machine.state == "terminated")


def test_a_schedule_terminates_at_its_time(launch, cloud):
    machine = launch()
    scheduler = client(cloud, "scheduler")
    log = orders.api_log(cloud)[-1]["time"]
    at = datetime.datetime.fromtimestamp(log, datetime.UTC) + datetime.timedelta(days=30)  # later than any advance here
    target = {
        "Arn": "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances",
        "RoleArn": "arn:aws:iam::123456789012:role/gpu-jobs-deadline",
    }
    scheduler.create_schedule(
        Name="end",
        ScheduleExpression=f"at({at:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target=target | {"Input": json.dumps({"InstanceIds": [machine.id]})},
    )
    machine.wait_for("running")
    orders.advance(cloud, 31 * 86400)
    wait_until(lambda: machine.state == "terminated")
    assert scheduler.list_schedules()["Schedules"] == []


def test_a_fleet_that_expires_takes_its_instances_along(cloud, ec2):
    data = {"ImageId": IMAGE, "InstanceType": "g4dn.xlarge"}
    ec2.create_launch_template(LaunchTemplateName="fleet", LaunchTemplateData=data)
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=90)
    fleet = ec2.create_fleet(
        Type="request",
        LaunchTemplateConfigs=[{"LaunchTemplateSpecification": {"LaunchTemplateName": "fleet", "Version": "1"}}],
        TargetCapacitySpecification={"TotalTargetCapacity": 1, "DefaultTargetCapacityType": "on-demand"},
        TerminateInstancesWithExpiration=True,
        ValidUntil=until,
    )["FleetId"]
    member = ec2.describe_fleet_instances(FleetId=fleet)["ActiveInstances"][0]["InstanceId"]

    def state():
        return ec2.describe_instances(InstanceIds=[member])["Reservations"][0]["Instances"][0]["State"]["Name"]

    wait_until(lambda: state() == "running")
    orders.advance(cloud, 91 * 86400)
    wait_until(lambda: state() == "terminated")
    assert ec2.describe_fleets(FleetIds=[fleet])["Fleets"][0]["FleetState"].startswith("deleted")
