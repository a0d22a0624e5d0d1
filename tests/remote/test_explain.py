"""Every way in which AWS can refuse becomes words, a next step and a documented exit code."""

import botocore.session
import pytest
from botocore import exceptions
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from remote import errors
from remote.explain import action_of, code_of, explain

WHO = "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: ec2:RunInstances on resource: *"


def refused(code, message="said so", operation="RunInstances"):
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@pytest.mark.parametrize(
    "error, failure, words",
    [
        (exceptions.NoCredentialsError(), errors.Denied, "aws configure.*FABRIC_CLOUD=embedded"),
        (exceptions.PartialCredentialsError(provider="env", cred_var="aws_secret_access_key"), errors.Denied, "secret"),
        (exceptions.UnauthorizedSSOTokenError(), errors.Denied, "aws sso login"),
        (exceptions.TokenRetrievalError(provider="sso", error_msg="expired"), errors.Denied, "aws sso login"),
        (exceptions.ProfileNotFound(profile="nobody"), errors.Usage, "nobody"),
        (exceptions.NoRegionError(), errors.Usage, "us-east-1"),
        (exceptions.InvalidRegionError(region_name="us east"), errors.Usage, "us east"),
        (exceptions.EndpointConnectionError(endpoint_url="https://ec2.x"), errors.TimedOut, "ec2.x.*region"),
        (exceptions.ReadTimeoutError(endpoint_url="https://x"), errors.TimedOut, "network"),
        (exceptions.SSLError(endpoint_url="https://x", error="bad"), errors.TimedOut, "network"),
        (ResponseParserError("<html>"), errors.TimedOut, "not AWS.*endpoint_url"),
        (refused("ExpiredToken"), errors.Denied, "expired.*aws sso login"),
        (refused("AuthFailure"), errors.Denied, "aws sts get-caller-identity"),
        (refused("RequestExpired"), errors.Denied, "clock"),
        (refused("OptInRequired", "You are not subscribed"), errors.Denied, "not subscribed"),
        (refused("RequestLimitExceeded"), errors.TimedOut, "fewer requests"),
        (refused("VcpuLimitExceeded"), errors.NoCapacity, "quota"),
        (refused("InvalidSubnetID.NotFound"), errors.NotFound, "InvalidSubnetID.NotFound"),
        (refused("InvalidParameterCombination"), errors.Failure, "RunInstances.*InvalidParameterCombination.*said so"),
    ],
)
def test_an_error_is_told_in_words_with_its_exit_code(error, failure, words):
    told = explain(error)
    assert type(told) is failure
    with pytest.raises(failure, match=words):
        raise told


@pytest.mark.parametrize("code", ["UnauthorizedOperation", "AccessDenied", "AccessDeniedException"])
def test_a_missing_permission_is_named_and_where_to_add_it(code):
    told = explain(refused(code, f"You are not authorized to perform this operation. {WHO} because no identity-based"))
    assert type(told) is errors.Denied
    assert "ec2:RunInstances" in str(told) and "of it statements LaunchGpu, LaunchDisk," in str(told)


def test_what_no_run_needs_is_not_looked_for_in_the_policy():
    assert "no run needs it" in str(explain(refused("AccessDenied", "You are not authorized.", "CreateUser")))


@pytest.mark.parametrize(
    "operation, action", [("DescribeImages", "ec2:DescribeImages"), ("GetProducts", "pricing:GetProducts")]
)
def test_a_permission_is_named_even_when_aws_does_not_name_it(operation, action):
    assert action_of(refused("UnauthorizedOperation", "You are not authorized.", operation)) == action


def test_a_deny_is_not_mended_by_adding_a_statement():
    denied = f"{WHO} with an explicit deny in an identity-based policy. Encoded authorization failure message: g4oZPBqZ"
    told = str(explain(refused("UnauthorizedOperation", denied)))
    assert "explicit" in told and "iam-policy.json" not in told and "g4oZPBqZ" not in told
    of_the_organization = f"{WHO} with an explicit deny in a service control policy."
    assert "organization" in str(explain(refused("UnauthorizedOperation", of_the_organization)))


def test_a_failure_stays_itself_and_a_code_is_read_off_any_error():
    failure = errors.Busy("busy")
    assert explain(failure) is failure
    assert code_of(refused("AuthFailure")) == "AuthFailure"
    assert code_of(exceptions.NoCredentialsError()) == ""


def test_braces_in_what_aws_says_do_no_harm():
    assert "{oops}" in str(explain(refused("AuthFailure", "{oops}")))


def test_every_error_of_botocore_is_explained():
    kinds = [kind for kind in vars(exceptions).values() if isinstance(kind, type)]
    for kind in kinds:
        if issubclass(kind, exceptions.BotoCoreError):
            error = kind.__new__(kind)
            Exception.__init__(error, "something")
            assert isinstance(explain(error), errors.Failure), kind


def test_the_real_errors_of_a_client_without_credentials(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    ec2 = botocore.session.Session().create_client("ec2", "us-east-1", endpoint_url="http://127.0.0.1:1")
    with pytest.raises(exceptions.NoCredentialsError) as caught:
        ec2.describe_instances()
    assert isinstance(explain(caught.value), errors.Denied)
