"""Where a cloud is reached: the few facts that differ between AWS and another endpoint that speaks EC2."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


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


def is_loopback(url):
    """Does the URL name this very machine? "" does not."""
    return (urlsplit(url).hostname or "") in ("localhost", "127.0.0.1", "::1")


def refuse_foreign(endpoint_url, address):
    """With an EC2 endpoint on this machine, dial only this machine: a made-up address may be somebody's.

    Raises Denied.
    """
    from remote.errors import Denied  # not above: errors bring invoke, and the embedded EC2 starts without

    if is_loopback(endpoint_url) and not ipaddress.ip_address(address).is_loopback:
        raise Denied(
            f"The EC2 endpoint {endpoint_url} is on this machine, but its instance claims to be at {address}."
            " Expected a loopback address: nothing was dialled."
        )
