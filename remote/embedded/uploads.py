"""Objects that come to the embedded S3 in parts: a folder for each upload beside the buckets, until it is complete."""

import re
import secrets
import shutil

from remote.embedded import buckets
from remote.embedded.wire import Refused

CHUNK = 1 << 20
NO_UPLOAD = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted."
NO_PART = "One or more of the specified parts could not be found."


def begin(folder):
    """The id of a new upload into a bucket's folder."""
    upload = secrets.token_hex(16)
    _folder(folder, upload).mkdir()
    return upload


def put_part(folder, upload, number, body):
    """Write part number, a text, of an upload; returns its ETag. Raises Refused."""
    path = _known(folder, upload) / f"{int(number):05d}"
    path.write_bytes(body)
    return _etag(path)


def complete(folder, upload, key, wanted):
    """Make the object of the parts that a CompleteMultipartUpload document names, in its order; returns its Item."""
    parts = _known(folder, upload)
    paths = [parts / f"{int(number):05d}" for number in re.findall(rb"<PartNumber>(\d+)</PartNumber>", wanted)]
    if not paths or not all(path.exists() for path in paths):
        raise Refused("InvalidPart", NO_PART)
    item = buckets.put(folder, key, _chunks(paths))
    shutil.rmtree(parts)
    return item


def abort(folder, upload):
    """Forget an upload. Raises Refused."""
    shutil.rmtree(_known(folder, upload))


def _chunks(paths):
    for path in paths:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk


def _known(folder, upload):
    if not re.fullmatch("[0-9a-f]{32}", upload) or not _folder(folder, upload).is_dir():
        raise Refused("NoSuchUpload", NO_UPLOAD, 404)
    return _folder(folder, upload)


def _folder(folder, upload):
    return folder.parent / f".upload-{upload}"


def _etag(path):
    return f'"{path.stat().st_size:032x}"'
