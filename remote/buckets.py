"""s3:// addresses: which of them a run reads, and of which form they are. Whether anything is there, only AWS knows."""

import re

from remote.errors import Usage

SCHEME = "s3://"
NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # of a general purpose bucket


def read_by(turns):
    """The s3:// addresses among the parameters of a run's turns, each once. Raises Usage for one of the wrong form."""
    given = [value for turn in turns for value in turn["parameters"].values()]
    addresses = [value for value in given if isinstance(value, str) and value.startswith(SCHEME)]
    for address in addresses:
        split(address)
    return list(dict.fromkeys(addresses))


def split(address):
    """(bucket, key) of an address; the key is "" for a whole bucket. Raises Usage."""
    bucket, _, key = address.removeprefix(SCHEME).partition("/")
    if not address.startswith(SCHEME) or not NAME.fullmatch(bucket):
        raise Usage(f"Expected an address such as s3://bucket/folder/, got {address!r}.")
    return bucket, key
