"""The embedded S3, at the same endpoint: buckets and objects, addressed by path, as boto3 and the AWS CLI ask for them.

Not moto's: that one keeps objects in memory and forgets them when the server ends. Not here: versions, tags, ACLs,
bucket policies, copies, presigned addresses.
"""

import email.utils
import re
import urllib.parse
from dataclasses import dataclass

from remote.embedded import buckets, listing, uploads, wire
from remote.embedded.wire import Refused, Reply

NO_FLAGS = listing.WORDS | {"x-id"}  # other words of a query choose the operation
NO_KEY = "The specified key does not exist."
NO_RANGE = "The requested range is not satisfiable"


@dataclass(frozen=True)
class Call:
    """One call. box: the Box. query: {word: value}. headers: the WSGI environment."""

    box: object
    bucket: str
    key: str
    query: dict
    headers: dict

    @property
    def folder(self):
        """Of the bucket. Raises Refused when there is none."""
        return buckets.folder_of(self.box, self.bucket)

    @property
    def body(self):
        if self.headers.get("HTTP_X_AMZ_CONTENT_SHA256", "").startswith("STREAMING"):
            raise Refused("NotImplemented", "The embedded S3 takes no body in signed chunks", 501)
        return self.headers["wsgi.input"].read()


def answer(box, request):
    """Do what a request asks for. Raises Refused."""
    call = _call(box, request.environ)
    operation = _operation(call)
    if operation not in OPERATIONS:
        raise Refused("NotImplemented", f"{request.action} is not in the embedded S3", 501)
    return OPERATIONS[operation][0](call)


def permission(box, request):
    """(action, resource, context) that IAM is asked about for a call that reads; None for any other."""
    call = _call(box, request.environ)
    action = OPERATIONS.get(_operation(call), (None, None))[1]
    if not action:
        return None
    bucket = f"arn:aws:s3:::{call.bucket}"
    if action == "s3:GetObject":
        return action, f"{bucket}/{call.key}", {}
    return action, bucket, {"s3:prefix": call.query["prefix"]} if "prefix" in call.query else {}


def _call(box, environ):
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    bucket, _, key = path[1:].partition("/")
    query = dict(urllib.parse.parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    return Call(box, bucket, key, query, environ)


def _operation(call):
    """A key of OPERATIONS: the method, what it is about, and the words of the query that choose."""
    about = "object" if call.key else "bucket" if call.bucket else "service"
    return call.headers["REQUEST_METHOD"], about, *sorted(set(call.query) - NO_FLAGS)


def _list_buckets(call):
    names = "".join(f"<Bucket><Name>{name}</Name></Bucket>" for name in buckets.names(call.box))
    return wire.s3_reply("ListAllMyBucketsResult", f"<Buckets>{names}</Buckets><Owner><ID>embedded</ID></Owner>")


def _create_bucket(call):
    buckets.create(call.box, call.bucket)
    return Reply(200, [("Location", f"/{call.bucket}")], b"")


def _head_bucket(call):
    return Reply(200, [("x-amz-bucket-region", call.box.region)] if call.folder else [], b"")


def _delete_bucket(call):
    buckets.delete(call.box, call.bucket)
    return Reply(204, [], b"")


def _list(call):
    return listing.answer(call.bucket, call.folder, call.query)


def _put(call):
    if "HTTP_X_AMZ_COPY_SOURCE" in call.headers:
        raise Refused("NotImplemented", "The embedded S3 copies nothing", 501)
    return Reply(200, [("ETag", buckets.put(call.folder, call.key, [call.body]).etag)], b"")


def _delete(call):
    buckets.remove(call.folder, call.key)
    return Reply(204, [], b"")


def _head(call):
    item = _item(call)
    return Reply(200, _headers(item), b"", length=item.size)


def _get(call):
    """An object, or the range of it that was asked for."""
    item = _item(call)
    first, after, status = _range(call.headers.get("HTTP_RANGE", ""), item.size)
    with item.path.open("rb") as file:
        file.seek(first)
        body = file.read(after - first)
    told = [("Content-Range", f"bytes {first}-{after - 1}/{item.size}")] if status == 206 else []
    return Reply(status, _headers(item) + told, body)


def _item(call):
    item = buckets.find(call.folder, call.key)
    if not item:
        raise Refused("NoSuchKey", NO_KEY, 404)
    if call.headers.get("HTTP_IF_MATCH", item.etag) != item.etag:
        raise Refused("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412)
    return item


def _headers(item):
    changed = email.utils.formatdate(item.modified_ns / 1e9, usegmt=True)
    kind = ("Content-Type", "binary/octet-stream")
    return [("ETag", item.etag), ("Last-Modified", changed), ("Accept-Ranges", "bytes"), kind]


def _range(text, size):
    """(first byte, the one after the last, HTTP status) of a Range header; all of it without one. Raises Refused."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", text)
    if not match or match[0] == "bytes=-":
        return 0, size, 200
    first = int(match[1]) if match[1] else max(0, size - int(match[2]))
    after = min(size, int(match[2]) + 1) if match[1] and match[2] else size
    if first >= after:
        raise Refused("InvalidRange", NO_RANGE, 416)
    return first, after, 206


def _begin_upload(call):
    names = f"<Bucket>{call.bucket}</Bucket><Key>{listing.quoted(call.key)}</Key>"
    return wire.s3_reply("InitiateMultipartUploadResult", f"{names}<UploadId>{uploads.begin(call.folder)}</UploadId>")


def _put_part(call):
    etag = uploads.put_part(call.folder, call.query["uploadId"], call.query["partNumber"], call.body)
    return Reply(200, [("ETag", etag)], b"")


def _complete_upload(call):
    item = uploads.complete(call.folder, call.query["uploadId"], call.key, call.body)
    names = f"<Bucket>{call.bucket}</Bucket><Key>{listing.quoted(call.key)}</Key>"
    return wire.s3_reply("CompleteMultipartUploadResult", f"{names}<ETag>{listing.quoted(item.etag)}</ETag>")


def _abort_upload(call):
    uploads.abort(call.folder, call.query["uploadId"])
    return Reply(204, [], b"")


OPERATIONS = {  # what answers, and the permission that reading takes
    ("GET", "service"): (_list_buckets, None),
    ("PUT", "bucket"): (_create_bucket, None),
    ("HEAD", "bucket"): (_head_bucket, "s3:ListBucket"),
    ("GET", "bucket"): (_list, "s3:ListBucket"),
    ("DELETE", "bucket"): (_delete_bucket, None),
    ("PUT", "object"): (_put, None),
    ("GET", "object"): (_get, "s3:GetObject"),
    ("HEAD", "object"): (_head, "s3:GetObject"),
    ("DELETE", "object"): (_delete, None),
    ("POST", "object", "uploads"): (_begin_upload, None),
    ("PUT", "object", "partNumber", "uploadId"): (_put_part, None),
    ("POST", "object", "uploadId"): (_complete_upload, None),
    ("DELETE", "object", "uploadId"): (_abort_upload, None),
}
