"""Texts that are somewhere else: https:// and s3:// addresses, downloaded once into the cache, in pieces."""

import hashlib
import shutil
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path, PurePosixPath

from jobs import atomic, registry
from jobs.parameters import BadInput

SCHEMES = ("https", "http", "s3")
WAIT_SECONDS = 60  # for the server to say anything


def is_address(text):
    """Whether a text parameter is an address rather than a path of this machine."""
    return text.partition("://")[0] in SCHEMES and "://" in text


def fetch(address):
    """The local path of what is at the address: a file, or a folder for an s3:// address that ends in "/".

    Kept in the cache, and not asked for again; delete it there to get it anew. Raises BadInput when it can't be had.
    """
    parts = urllib.parse.urlsplit(address)
    kept = registry.cache() / "addresses" / hashlib.sha256(address.encode()).hexdigest()[:16]
    kept /= PurePosixPath(parts.path).name or "text"
    if not kept.exists():
        print(f"Downloading {address} to {kept}, once.", flush=True)
        (_from_s3 if parts.scheme == "s3" else _from_web)(address, kept)
    return kept


def _from_web(address, path):
    try:
        with urllib.request.urlopen(address, timeout=WAIT_SECONDS) as answer, atomic.replacing(path) as temporary:
            with temporary.open("wb") as file:
                shutil.copyfileobj(answer, file)
            _check_length(answer, temporary)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as wrong:
        raise BadInput(f"Cannot download {address}: {getattr(wrong, 'reason', wrong)}.") from None


def _check_length(answer, path):
    promised = answer.headers.get("Content-Length")
    if promised and int(promised) != path.stat().st_size:
        raise ConnectionError(f"{path.stat().st_size} of {promised} bytes came")


def _from_s3(address, path):
    """One object, or with a "/" at the end all objects beneath, with boto3 and the credentials that it finds."""
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise BadInput(f"Reading {address} needs boto3: pip install boto3, or give a file.") from None
    bucket, _, key = address.removeprefix("s3://").partition("/")
    try:
        if key.endswith("/"):
            _folder_from_s3(boto3.client("s3"), bucket, key, path)
        else:
            _object_from_s3(boto3.client("s3"), bucket, key, path)
    except (BotoCoreError, ClientError) as wrong:
        raise BadInput(f"Cannot download {address}: {wrong}") from None


def _folder_from_s3(s3, bucket, prefix, folder):
    partial = folder.with_name(f".writing-{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            name = PurePosixPath(item["Key"].removeprefix(prefix))
            if name.name and ".." not in name.parts:
                _object_from_s3(s3, bucket, item["Key"], partial / Path(name))
    if not partial.exists():
        raise BadInput(f"Expected objects beneath s3://{bucket}/{prefix}, found none.")
    partial.rename(folder)


def _object_from_s3(s3, bucket, key, path):
    with atomic.replacing(path) as temporary:
        s3.download_file(bucket, key, str(temporary))
