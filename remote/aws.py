"""The AWS account as one object: its boto3 clients, made when first asked for."""

import dataclasses
import getpass
from functools import cached_property
from pathlib import Path

from botocore.exceptions import ProfileNotFound

from remote.errors import Denied

# Timeouts because botocore's own (60 s, four times over) outlast a user's patience; retries as facts allow them:
# every call of ours may be repeated, since what creates carries a ClientToken or is looked up first.
ORDINARY = {"connect_timeout": 10, "read_timeout": 30, "attempts": 6}
# A zone without capacity answers "500, retryable", and botocore would ask it again; the ladder of zones asks others.
LAUNCH = {"connect_timeout": 10, "read_timeout": 60, "attempts": 1}
# A price is nice to have today's, but there is a dated table: nobody should wait for one.
QUICK = {"connect_timeout": 2, "read_timeout": 3, "attempts": 1}
# What a run can do without must not hold it up for minutes.
ASIDE = {"connect_timeout": 5, "read_timeout": 10, "attempts": 3}
PRICING_REGION = "us-east-1"  # the Pricing API answers for all regions from a few


@dataclasses.dataclass(frozen=True)
class Aws:
    """settings: Settings. cloud: the Cloud record that says which endpoint, with which credentials."""

    settings: object
    cloud: object

    @cached_property
    def session(self):
        import boto3  # not above: most commands ask AWS nothing, and it takes a fifth of a second

        if self.cloud.access_key:
            return self._session_with_its_keys()
        try:
            return boto3.Session(region_name=self.settings.region, profile_name=self.settings.profile or None)
        except ProfileNotFound:
            known = ", ".join(boto3.Session().available_profiles) or "none"
            raise Denied(f"No profile {self.settings.profile!r} in ~/.aws. There are: {known}.") from None

    def _session_with_its_keys(self):
        """A session for an endpoint that brings keys: no profile is looked for, be it one that AWS_PROFILE names."""
        import boto3
        import botocore.session

        return boto3.Session(
            region_name=self.settings.region,
            aws_access_key_id=self.cloud.access_key,
            aws_secret_access_key=self.cloud.secret_key,
            botocore_session=botocore.session.Session(session_vars={"profile": (None, None, None, None)}),
        )

    def client(self, service, limits=ORDINARY, region=None):
        """A boto3 client of service, at the endpoint that the settings or the embedded EC2 name."""
        from botocore.config import Config

        config = Config(
            connect_timeout=limits["connect_timeout"],
            read_timeout=limits["read_timeout"],
            retries={"mode": "standard", "total_max_attempts": limits["attempts"]},
        )
        endpoint = self.cloud.endpoint_url or self.settings.endpoint_url or None
        return self.session.client(service, endpoint_url=endpoint, config=config, region_name=region)

    @cached_property
    def ec2(self):
        return self.client("ec2")

    def in_region(self, region):
        """The same account in another region."""
        same = region == self.settings.region
        return self if same else Aws(dataclasses.replace(self.settings, region=region), self.cloud)

    def reading_nothing(self):
        """The same account, whose instances get no instance profile: they read no s3:// address."""
        return Aws(dataclasses.replace(self.settings, instance_profile=""), self.cloud)

    def ec2_in(self, region):
        """An EC2 client of another region."""
        return self.client("ec2", region=region)

    @cached_property
    def ec2_launch(self):
        return self.client("ec2", limits=LAUNCH)

    @cached_property
    def ssm(self):
        return self.client("ssm")

    @cached_property
    def pricing(self):
        return self.client("pricing", QUICK, PRICING_REGION)

    @cached_property
    def iam(self):
        return self.client("iam")

    @cached_property
    def sts(self):
        return self.client("sts")

    @cached_property
    def scheduler(self):
        return self.client("scheduler", ASIDE)

    def scheduler_in(self, region):
        """An EventBridge Scheduler client of another region."""
        return self.client("scheduler", ASIDE, region)

    @cached_property
    def instance_connect(self):
        return self.client("ec2-instance-connect")

    @cached_property
    def owner(self):
        """Whose runs these are, for people who read the tags: the login name on this machine."""
        return getpass.getuser()

    @property
    def ssh_config(self):
        """The ssh_config to honour, as a Path that need not exist; None for none."""
        return self.cloud.ssh_config or (
            Path(self.settings.ssh_config).expanduser() if self.settings.ssh_config else None
        )

    @property
    def address_url(self):
        """Who says what this machine's public address is."""
        return self.cloud.address_url or self.settings.address_url

    @property
    def endpoint_url(self):
        """The endpoint that calls go to, as text; empty for AWS's own."""
        return self.cloud.endpoint_url or self.settings.endpoint_url or ""
