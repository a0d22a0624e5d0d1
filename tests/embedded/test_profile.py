"""An instance with a profile reads S3 as the profile's role may, with credentials of its own; without one, nothing."""

import json
import shlex
import time

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from tests.embedded.rented import booted, client, rent

READER = {"IamInstanceProfile": {"Name": "gpu-jobs-reader"}}
TOKEN = (
    'curl -s -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" "$AWS_EC2_METADATA_SERVICE_ENDPOINT/latest/api/token"'
)
METADATA = (
    'curl -s -w "\\n%{{http_code}}" -H "X-aws-ec2-metadata-token: $({token})"'
    ' "$AWS_EC2_METADATA_SERVICE_ENDPOINT/latest/meta-data/{path}"'
)
PROGRAM = """
import boto3, botocore.exceptions
try:
    print({code})
except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as wrong:
    print(wrong)
"""


@pytest.fixture(scope="module")
def reader(cloud, tmp_path_factory):
    """A machine with the profile; the bucket `letters` has old/a.txt."""
    s3 = client(cloud, "s3")
    s3.create_bucket(Bucket="letters")
    s3.put_object(Bucket="letters", Key="old/a.txt", Body=b"once")
    rented = booted(rent(cloud, tmp_path_factory.mktemp("reader"), **READER))
    yield rented
    rented.give_back(wait=False)


def metadata(machine, path):
    """(HTTP status, text) of a path of its metadata."""
    text, _, status = machine.say(METADATA.format(token=TOKEN, path=path)).rpartition("\n")
    return int(status), text


def python(machine, code):
    """What the machine's Python prints as the value of an expression with boto3, or as its error."""
    return machine.say(f"AWS_DEFAULT_REGION=us-east-1 python3 -c {shlex.quote(PROGRAM.format(code=code))}")


def test_boto3_on_the_machine_reads_with_what_the_metadata_gives(reader):
    assert (
        python(reader, "boto3.client('s3').get_object(Bucket='letters', Key='old/a.txt')['Body'].read()") == "b'once'"
    )
    assert "is not authorized to perform: ec2:DescribeInstances" in python(
        reader, f"boto3.client('ec2', endpoint_url='{reader.cloud.endpoint_url}').describe_instances()"
    )


def test_the_metadata_tells_the_profile_and_its_role(reader):
    status, text = metadata(reader, "iam/info")
    assert status == 200 and json.loads(text)["InstanceProfileArn"].endswith(":instance-profile/gpu-jobs-reader")
    assert metadata(reader, "iam/security-credentials/") == (200, "gpu-jobs-reader")
    assert metadata(reader, "iam/security-credentials/another")[0] == 404
    assert reader.description["IamInstanceProfile"]["Arn"] == json.loads(text)["InstanceProfileArn"]


def held(machine):
    """The machine's temporary credentials."""
    return json.loads(metadata(machine, "iam/security-credentials/gpu-jobs-reader")[1])


def clients(cloud, keys, token=None):
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], token or keys["Token"], "us-east-1")
    return lambda service: session.client(service, endpoint_url=cloud.endpoint_url)


def test_the_credentials_open_nothing_but_reading(cloud, reader):
    keys = held(reader)
    assert keys == held(reader) and keys["Expiration"] > time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    own = clients(cloud, keys)
    assert [one["Key"] for one in own("s3").list_objects_v2(Bucket="letters", Prefix="old/")["Contents"]] == [
        "old/a.txt"
    ]
    own("s3").head_object(Bucket="letters", Key="old/a.txt")
    own("s3").head_bucket(Bucket="letters")
    for refused in (
        lambda: own("s3").put_object(Bucket="letters", Key="x", Body=b"x"),
        lambda: own("s3").delete_object(Bucket="letters", Key="old/a.txt"),
        lambda: own("s3").list_buckets(),
        lambda: own("iam").list_roles(),
        lambda: own("ec2").terminate_instances(InstanceIds=[reader.id]),
    ):
        with pytest.raises(ClientError, match="not authorized to perform"):
            refused()
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        clients(cloud, keys, "another token")("s3").list_objects_v2(Bucket="letters")


def test_the_role_decides_what_is_read(cloud, reader):
    iam = client(cloud, "iam")
    everything = iam.get_role_policy(RoleName="gpu-jobs-reader", PolicyName="read-every-bucket")["PolicyDocument"]
    s3 = clients(cloud, held(reader))("s3")
    iam.delete_role_policy(RoleName="gpu-jobs-reader", PolicyName="read-every-bucket")
    try:
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.get_object(Bucket="letters", Key="old/a.txt")
    finally:
        words = {"RoleName": "gpu-jobs-reader", "PolicyName": "read-every-bucket"}
        iam.put_role_policy(**words, PolicyDocument=json.dumps(everything))
    s3.get_object(Bucket="letters", Key="old/a.txt")


def test_a_machine_without_a_profile_has_no_credentials(box):
    assert metadata(box, "iam/security-credentials/")[0] == metadata(box, "iam/info")[0] == 404
    assert str(NoCredentialsError()) in python(box, "boto3.client('s3').list_buckets()")


def test_an_unknown_profile_is_refused_as_aws_does(launch):
    words = r"Value \(nobodys\) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"
    with pytest.raises(ClientError, match=rf"InvalidParameterValue.*{words}"):
        launch(IamInstanceProfile={"Name": "nobodys"})
