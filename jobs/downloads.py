"""Texts that are somewhere else: https:// and s3:// addresses, downloaded once into the cache, in pieces."""

import hashlib
import shutil
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

from jobs import atomic, buckets, registry
from jobs.parameters import BadInput

SCHEMES = ("https", "http", "s3")
WAIT_SECONDS = 60  # for the server to say anything


def is_address(text):
    """Whether a text parameter is an address rather than a path of this machine."""
    return text.partition("://")[0] in SCHEMES and "://" in text


def fetch(address):
    """The local path of what is at the address: a file, or a folder for an s3:// address that ends in "/".

    Kept in the cache. What is in S3 is fetched anew when it has changed; the rest is not asked for again: delete it
    there to get it anew. Raises BadInput when it can't be had.
    """
    parts = urllib.parse.urlsplit(address)
    in_s3 = parts.scheme == "s3"
    content = f"{address} {buckets.version(address)}" if in_s3 else address
    kept = registry.cache() / "addresses" / hashlib.sha256(content.encode()).hexdigest()[:16]
    kept /= PurePosixPath(parts.path).name or "text"
    if not kept.exists():
        print(f"Downloading {address} to {kept}, once.", flush=True)
        (_from_s3 if in_s3 else _from_web)(address, kept)
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
    """One object, or with a "/" at the end all objects beneath."""
    bring = _folder_from_s3 if buckets.is_folder(address) else _object_from_s3
    with buckets.in_words(address):
        bring(buckets.client(), *buckets.split(address), path)


def _folder_from_s3(s3, bucket, prefix, folder):
    """All objects beneath a prefix, several at a time; what an earlier try has brought is not brought again."""
    partial = folder.with_name(f".writing-{folder.name}")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    found = [item for page in pages for item in page.get("Contents", [])]
    wanted = {item["Key"]: partial / name for item in found if (name := _inside(item["Key"].removeprefix(prefix)))}
    if not wanted:
        raise BadInput(f"Expected objects beneath s3://{bucket}/{prefix}, found none.")
    sizes = {item["Key"]: item["Size"] for item in found}
    missing = [key for key, path in wanted.items() if not (path.exists() and path.stat().st_size == sizes[key])]
    print(f"{len(missing)} objects, {sum(sizes[key] for key in missing) / 1e6:.1f} MB.", flush=True)
    with ThreadPoolExecutor(buckets.CONNECTIONS) as workers:
        list(workers.map(lambda key: _object_from_s3(s3, bucket, key, wanted[key]), missing))
    partial.rename(folder)


def _inside(name):
    """A key's name below the prefix as a path that stays below the folder; None for others, and for "folders"."""
    path = PurePosixPath(name)
    return None if not name or name.endswith("/") or path.is_absolute() or ".." in path.parts else path


def _object_from_s3(s3, bucket, key, path):
    with atomic.replacing(path) as temporary:
        s3.download_file(bucket, key, str(temporary))
