"""An instance from launch to its end, seen through boto3 and OpenSSH."""

import base64

import psutil
import pytest
from botocore.exceptions import ClientError

from remote.embedded import orders
from tests.embedded.rented import IMAGE, OVER, booted, client, open_group, wait_until


def refusal(call, **arguments):
    """(code, message) of the error that a call ends with."""
    with pytest.raises(ClientError) as wrong:
        call(**arguments)
    return wrong.value.response["Error"]["Code"], wrong.value.response["Error"]["Message"]


def request(**more):
    return {"ImageId": IMAGE, "InstanceType": "g4dn.xlarge", "MinCount": 1, "MaxCount": 1} | more


def test_it_is_pending_then_running_then_reachable_at_a_loopback_address(launch):
    machine = launch()
    assert machine.state == "pending"
    assert "Connection refused" in machine.run("true").stderr  # never port 22 of this computer
    machine.wait_for("running")
    assert machine.address.startswith("127.")
    assert booted(machine).say("echo $USER in $HOME").startswith("ubuntu in /")


def test_terminate_takes_its_time_and_leaves_no_process(launch):
    machine = booted(launch())
    pid = int(machine.say("nohup sleep 1000 >/dev/null 2>&1 </dev/null & echo $!"))
    machine.ec2.terminate_instances(InstanceIds=[machine.id])
    assert machine.state == "shutting-down"
    wait_until(lambda: machine.state == "terminated")
    wait_until(lambda: not psutil.pid_exists(pid))
    assert machine.run("true").returncode == 255
    assert machine.description["StateReason"]["Code"] == "Client.UserInitiatedShutdown"
    assert "PublicIpAddress" not in machine.description


def test_terminating_twice_changes_nothing(launch):
    machine = launch()
    for _ in range(2):
        ended = machine.ec2.terminate_instances(InstanceIds=[machine.id])["TerminatingInstances"][0]
        assert ended["CurrentState"]["Name"] in OVER
    wait_until(lambda: machine.state == "terminated")


def test_stop_keeps_the_disk_and_start_gives_a_new_address(launch):
    machine = booted(launch())
    machine.say("echo kept > file")
    first = machine.address
    machine.ec2.stop_instances(InstanceIds=[machine.id])
    machine.wait_for("stopped")
    machine.ec2.start_instances(InstanceIds=[machine.id])
    machine.wait_for("running")
    assert machine.address != first
    assert booted(machine).say("cat file") == "kept"


def test_a_reboot_ends_the_processes_and_keeps_the_address(launch):
    machine = booted(launch())
    pid = int(machine.say("nohup sleep 1000 >/dev/null 2>&1 </dev/null & echo $!"))
    machine.ec2.reboot_instances(InstanceIds=[machine.id])
    wait_until(lambda: not psutil.pid_exists(pid))
    assert booted(machine).state == "running"


@pytest.mark.parametrize(("behaviour", "state"), [("terminate", "terminated"), ("stop", "stopped")])
def test_power_off_on_the_host_does_what_the_launch_asked_for(launch, behaviour, state):
    machine = booted(launch(InstanceInitiatedShutdownBehavior=behaviour))
    assert machine.run("sudo -n shutdown -h now").returncode in (0, 255)  # it may outlive its answer
    wait_until(lambda: machine.state == state)
    assert machine.description["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"


def test_the_shutdown_behaviour_can_be_changed_later(launch):
    machine = booted(launch(InstanceInitiatedShutdownBehavior="stop"))
    behaviour = {"Value": "terminate"}
    machine.ec2.modify_instance_attribute(InstanceId=machine.id, InstanceInitiatedShutdownBehavior=behaviour)
    machine.run("sudo poweroff")
    wait_until(lambda: machine.state == "terminated")


def test_the_same_token_is_the_same_instance(ec2):
    first = ec2.run_instances(**request(ClientToken="same"))["Instances"][0]["InstanceId"]
    assert ec2.run_instances(**request(ClientToken="same"))["Instances"][0]["InstanceId"] == first
    found = ec2.describe_instances(Filters=[{"Name": "client-token", "Values": ["same"]}])["Reservations"]
    assert [instance["InstanceId"] for one in found for instance in one["Instances"]] == [first]
    other = request(ClientToken="same", InstanceType="g5.xlarge")
    assert refusal(ec2.run_instances, **other)[0] == "IdempotentParameterMismatch"
    ec2.terminate_instances(InstanceIds=[first])
    assert refusal(ec2.run_instances, **request(ClientToken="same"))[0] == "IdempotentInstanceTerminated"


def test_a_lost_reply_is_one_instance(cloud):
    orders.fault(cloud, "RunInstances", drop="after")
    patient = client(cloud, "ec2", attempts=3)
    launched = patient.run_instances(**request(ClientToken="lost"))["Instances"][0]["InstanceId"]
    found = patient.describe_instances(Filters=[{"Name": "client-token", "Values": ["lost"]}])["Reservations"]
    assert [instance["InstanceId"] for one in found for instance in one["Instances"]] == [launched]
    patient.terminate_instances(InstanceIds=[launched])


def test_max_count_is_how_many_there_are(ec2):
    launched = ec2.run_instances(**request(MinCount=1, MaxCount=3))["Instances"]
    assert len(launched) == 3
    ec2.terminate_instances(InstanceIds=[instance["InstanceId"] for instance in launched])


def test_what_does_not_exist_is_refused(ec2):
    assert refusal(ec2.run_instances, **request(ImageId="ami-12345678"))[0] == "InvalidAMIID.NotFound"
    assert refusal(ec2.run_instances, **request(KeyName="nobody"))[0] == "InvalidKeyPair.NotFound"
    assert refusal(ec2.run_instances, **request(InstanceType="p2.xlarge"))[0].startswith("InvalidInstanceType")
    assert refusal(ec2.run_instances, **request(UserData="#" * 17000))[0] == "InvalidParameterValue"
    dry = refusal(ec2.run_instances, **request(DryRun=True))
    assert dry[0] == "DryRunOperation"


def test_retired_types_are_offered_nowhere(ec2):
    def zones(kind):
        filters = [{"Name": "instance-type", "Values": [kind]}]
        found = ec2.describe_instance_type_offerings(LocationType="availability-zone", Filters=filters)
        return {offer["Location"] for offer in found["InstanceTypeOfferings"]}

    assert zones("p2.xlarge") == set()
    assert len(zones("g4dn.xlarge")) > 2


def test_a_zone_without_the_type_is_refused_with_the_zones_that_have_it(ec2):
    filters = [{"Name": "instance-type", "Values": ["g6e.xlarge"]}]
    offers = ec2.describe_instance_type_offerings(LocationType="availability-zone", Filters=filters)
    having = {offer["Location"] for offer in offers["InstanceTypeOfferings"]}
    zones = {zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]}
    missing = sorted(zones - having)[0]
    placement = {"AvailabilityZone": missing}
    code, message = refusal(ec2.run_instances, **request(InstanceType="g6e.xlarge", Placement=placement))
    assert code == "Unsupported" and all(zone in message for zone in having)
    unasked = ec2.run_instances(**request(InstanceType="g6e.xlarge"))["Instances"][0]
    assert unasked["Placement"]["AvailabilityZone"] in having
    ec2.terminate_instances(InstanceIds=[unasked["InstanceId"]])


def test_the_quota_is_kept_for_each_market(cloud, ec2):
    orders.quota(cloud, "L-DB2E81BA", 0)
    orders.quota(cloud, "L-3819A6DF", 0)
    spot = {"MarketType": "spot"}
    try:
        code, message = refusal(ec2.run_instances, **request())
        assert code == "VcpuLimitExceeded" and "limit of 0" in message
        market = request(InstanceMarketOptions=spot)
        assert refusal(ec2.run_instances, **market)[0] == "MaxSpotInstanceCountExceeded"
        quota = client(cloud, "service-quotas").get_service_quota(ServiceCode="ec2", QuotaCode="L-DB2E81BA")["Quota"]
        assert quota["Value"] == 0
    finally:
        orders.quota(cloud, "L-DB2E81BA", 64)
        orders.quota(cloud, "L-3819A6DF", 64)


def test_a_security_group_in_use_is_not_deleted(launch):
    ec2 = launch().ec2
    machine = launch(SecurityGroupIds=[group := open_group(ec2, "mine")])
    assert refusal(ec2.delete_security_group, GroupId=group)[0] == "DependencyViolation"
    machine.give_back()
    ec2.delete_security_group(GroupId=group)


def test_without_a_rule_for_port_22_nobody_answers(launch):
    machine = launch(SecurityGroupIds=[])
    machine.wait_for("running")
    silent = wait_until(lambda: "refused" not in (done := machine.run("true")).stderr and done)
    assert silent.returncode == 255


def test_the_console_shows_the_host_key(launch):
    machine = booted(launch())
    public = (machine.folder / "known_hosts").read_text().split()[2]
    keys = machine.console.partition("BEGIN SSH HOST KEY KEYS-----")[2].partition("-----END")[0]
    assert keys.split()[1] == public
    assert "BEGIN SSH HOST KEY FINGERPRINTS" in machine.console


def test_vanished_hardware_needs_no_asking(launch):
    machine = booted(launch())
    follower = machine.start("echo on; sleep 100")
    assert follower.stdout.readline() == "on\n"
    orders.vanish(machine.cloud, machine.id)
    wait_until(lambda: machine.state == "terminated")
    assert follower.poll() is None  # no goodbye: the client hears nothing at all
    follower.kill()
    assert machine.description["StateReason"]["Code"] == "Server.InternalError"


def test_user_data_can_be_read_back(launch):
    machine = launch()
    told = machine.ec2.describe_instance_attribute(InstanceId=machine.id, Attribute="userData")["UserData"]["Value"]
    assert base64.b64decode(told).startswith(b"#cloud-config\n")


def test_spot_instances_say_so(launch):
    machine = launch(InstanceMarketOptions={"MarketType": "spot"})
    machine.wait_for("running")
    assert machine.description["InstanceLifecycle"] == "spot"
    assert machine.description["SpotInstanceRequestId"].startswith("sir-")
    filters = [{"Name": "instance-lifecycle", "Values": ["spot"]}]
    found = machine.ec2.describe_instances(Filters=filters)["Reservations"]
    assert machine.id in {instance["InstanceId"] for one in found for instance in one["Instances"]}
