"""Where a cloud is reached: the few facts that differ between AWS and another endpoint that speaks EC2."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cloud:
    """What clients are made from; the defaults mean AWS itself, with boto3's own credentials.

    endpoint_url: answers the AWS API. ssh_config: OpenSSH configuration that says how to reach public addresses.
    address_url: answers the caller's public address as plain text. access_key, secret_key: credentials.
    """

    endpoint_url: str = ""
    ssh_config: Path | None = None
    address_url: str = ""
    access_key: str = ""
    secret_key: str = ""
