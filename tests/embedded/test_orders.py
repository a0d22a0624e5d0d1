"""What tests can order: calls that fail, wait, or lose their connection; spot interruptions; a GPU."""

import json
import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from remote.embedded import orders
from tests.embedded.rented import IMAGE, booted, client, wait_until

LAUNCH = {"ImageId": IMAGE, "InstanceType": "g4dn.xlarge", "MinCount": 1, "MaxCount": 1}


@pytest.fixture(autouse=True)
def no_faults_left(cloud):
    yield
    orders.clear(cloud)


def count_of_launches(ec2, token):
    found = ec2.describe_instances(Filters=[{"Name": "client-token", "Values": [token]}])["Reservations"]
    return sum(len(reservation["Instances"]) for reservation in found)


def test_a_fault_strikes_as_often_as_ordered(cloud, ec2):
    orders.fault(cloud, "DescribeVolumes", code="RequestLimitExceeded", status=503, times=2)
    for _ in range(2):
        with pytest.raises(ClientError) as wrong:
            ec2.describe_volumes()
        assert wrong.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    ec2.describe_volumes()


def test_a_fault_strikes_only_where_it_was_ordered(cloud, ec2):
    zones = ["us-east-1a", "us-east-1b"]
    sold_out = {"code": "InsufficientInstanceCapacity", "status": 500, "times": 9}
    orders.fault(cloud, "RunInstances", **sold_out, when={"Placement.AvailabilityZone": zones})
    for zone in zones:
        with pytest.raises(ClientError, match="InsufficientInstanceCapacity"):
            ec2.run_instances(**LAUNCH, Placement={"AvailabilityZone": zone})
    launched = ec2.run_instances(**LAUNCH, Placement={"AvailabilityZone": "us-east-1c"})["Instances"][0]
    ec2.terminate_instances(InstanceIds=[launched["InstanceId"]])


def test_a_connection_that_breaks_before_the_work_leaves_nothing_done(cloud, ec2):
    orders.fault(cloud, "RunInstances", drop="before")
    with pytest.raises(ConnectionClosedError):
        ec2.run_instances(**LAUNCH, ClientToken="before")
    assert count_of_launches(ec2, "before") == 0


def test_a_connection_that_breaks_after_the_work_leaves_it_done(cloud, ec2):
    orders.fault(cloud, "RunInstances", drop="after")
    with pytest.raises(ConnectionClosedError):
        ec2.run_instances(**LAUNCH, ClientToken="after")
    assert count_of_launches(ec2, "after") == 1
    again = ec2.run_instances(**LAUNCH, ClientToken="after")["Instances"][0]["InstanceId"]
    assert count_of_launches(ec2, "after") == 1
    ec2.terminate_instances(InstanceIds=[again])


def test_a_repetition_during_a_slow_call_is_still_one_instance(cloud):
    keys = {"aws_access_key_id": cloud.access_key, "aws_secret_access_key": cloud.secret_key}
    config = Config(read_timeout=0.5, retries={"mode": "standard", "total_max_attempts": 2})
    hasty = boto3.client("ec2", "us-east-1", endpoint_url=cloud.endpoint_url, config=config, **keys)
    orders.fault(cloud, "RunInstances", delay_s=1.0)
    try:
        hasty.run_instances(**LAUNCH, ClientToken="slow")
    except ReadTimeoutError:
        pytest.fail("the repetition was not answered")
    time.sleep(1.2)
    ec2 = client(cloud, "ec2")
    assert count_of_launches(ec2, "slow") == 1
    ec2.terminate_instances(InstanceIds=[ec2.run_instances(**LAUNCH, ClientToken="slow")["Instances"][0]["InstanceId"]])


def test_json_services_fail_in_their_own_words(cloud):
    ssm = client(cloud, "ssm")
    orders.fault(cloud, "GetParameter", code="ThrottlingException", message="Rate exceeded")
    with pytest.raises(ClientError, match=r"ThrottlingException.*Rate exceeded"):
        ssm.get_parameter(Name="any")


def test_the_log_has_each_call_with_its_parameters(cloud, ec2):
    ec2.describe_instances(Filters=[{"Name": "tag:x", "Values": ["logged"]}])
    entry = orders.api_log(cloud)[-1]
    assert (entry["service"], entry["action"]) == ("ec2", "DescribeInstances")
    assert entry["parameters"]["Filter.1.Value.1"] == "logged"


def metadata(machine, path):
    """(status, text) of a metadata request on the machine."""
    base = "$AWS_EC2_METADATA_SERVICE_ENDPOINT/latest"
    token = f"$(curl -s -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' {base}/api/token)"
    answer = machine.say(f'curl -s -w " %{{http_code}}" -H "X-aws-ec2-metadata-token: {token}" {base}/{path}')
    text, _, status = answer.rpartition(" ")
    return int(status), text


def test_metadata_wants_a_token_and_knows_the_instance(launch):
    specification = {"ResourceType": "instance", "Tags": [{"Key": "job", "Value": "alice"}]}
    options = {"HttpTokens": "required", "InstanceMetadataTags": "enabled"}
    machine = booted(launch(TagSpecifications=[specification], MetadataOptions=options))
    base = "$AWS_EC2_METADATA_SERVICE_ENDPOINT/latest"
    assert machine.say(f"curl -s -o /dev/null -w '%{{http_code}}' {base}/meta-data/instance-id") == "401"
    assert metadata(machine, "meta-data/instance-id") == (200, machine.id)
    assert metadata(machine, "meta-data/placement/availability-zone") == (200, machine.zone)
    assert metadata(machine, "meta-data/public-ipv4") == (200, machine.address)
    assert metadata(machine, "meta-data/tags/instance/job") == (200, "alice")
    assert metadata(machine, "meta-data/nothing")[0] == 404


def test_a_spot_interruption_is_announced_then_happens(launch, cloud):
    machine = booted(launch(InstanceMarketOptions={"MarketType": "spot"}))
    assert metadata(machine, "meta-data/spot/instance-action")[0] == 404
    orders.interrupt(cloud, machine.id, notice_s=120)
    status, notice = metadata(machine, "meta-data/spot/instance-action")
    assert status == 200 and json.loads(notice)["action"] == "terminate"
    orders.advance(cloud, 121)
    wait_until(lambda: machine.state == "terminated")
    assert machine.description["StateReason"]["Code"] == "Server.SpotInstanceTermination"


def test_an_ordered_gpu_answers_nvidia_smi(launch, cloud):
    machine = booted(launch())
    orders.gpu(cloud, machine.id, name="Tesla T4", utilization=87, memory_total=15360, memory_used=1024)
    query = "nvidia-smi --query-gpu=name,utilization.gpu,memory.used --format=csv,noheader"
    assert machine.say(query) == "Tesla T4, 87 %, 1024 MiB"
    assert machine.say(query + ",nounits") == "Tesla T4, 87, 1024"


def test_a_wrong_order_says_what_is_wrong(cloud):
    with pytest.raises(ValueError, match="no machine of instance i-0"):
        orders.cut(cloud, "i-0")
    with pytest.raises(ValueError, match="unexpected keyword argument 'colour'"):
        orders.fault(cloud, "RunInstances", colour="red")
