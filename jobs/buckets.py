"""What is at an s3:// address: one object, or with a "/" at the end all objects beneath; asked for by boto3.

With whatever credentials boto3 finds: on a rented instance those of its instance profile, elsewhere the machine's own.
Nobody's keys travel. It takes s3:ListBucket beneath the address, and s3:GetObject.
"""

import contextlib
import hashlib

from jobs.parameters import BadInput, NotFound

CONNECTIONS = 10  # objects that are fetched side by side
MISSING = ("404", "NoSuchBucket", "NoSuchKey")
FORBIDDEN = ("403", "AccessDenied", "AllAccessDisabled")


def split(address):
    """(bucket, key) of an s3:// address."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return bucket, key


def is_folder(address):
    """Whether the address means all objects beneath it: with a "/" at the end, or a bucket alone."""
    return address.endswith("/") or not split(address)[1]


def client():
    """A boto3 client of S3, to be used within in_words."""
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(max_pool_connections=CONNECTIONS))


def version(address):
    """A text that is another one when an object at the address has changed, come or gone. Raises BadInput, NotFound."""
    bucket, key = split(address)
    few = {} if is_folder(address) else {"MaxItems": 1}  # the key itself is the first that begins with it
    with in_words(address):
        pages = client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key, PaginationConfig=few)
        etags = [(item["Key"], item["ETag"]) for page in pages for item in page.get("Contents", [])]
    if not is_folder(address) and [one for one, _ in etags] != [key]:
        raise NotFound(f'Cannot download {address}: there is no such object. Of a folder, the address ends in "/".')
    return hashlib.sha256(repr(etags).encode()).hexdigest()


@contextlib.contextmanager
def in_words(address):
    """What goes wrong with S3 in the block is raised as BadInput or NotFound: what happened, and what to type."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
    except ImportError:
        raise BadInput(f"Reading {address} needs boto3: pip install boto3, or give a file.") from None
    try:
        yield
    except NoCredentialsError:
        raise BadInput(
            f"Cannot download {address}: boto3 finds no AWS credentials on this machine. On one of yours: aws configure"
        ) from None
    except ClientError as wrong:
        raise _refused(address, wrong.response.get("Error", {}), wrong) from None
    except BotoCoreError as wrong:
        raise BadInput(f"Cannot download {address}: {wrong}") from None


def _refused(address, error, wrong):
    """The error that S3 answered with, as one of ours."""
    code = error.get("Code", "")
    if code in MISSING:
        return NotFound(f"Cannot download {address}: there is nothing ({code}).")
    if code in FORBIDDEN:
        return BadInput(
            f"Not allowed to read {address} ({code}). Let instances read it: bin/fab setup --read {address}"
            " (on a machine of yours: s3:ListBucket and s3:GetObject for its credentials)"
        )
    return BadInput(f"Cannot download {address}: {wrong}")
