"""What is in a bucket, as S3 lists it: by pages, beneath a prefix, folded at a delimiter."""

import datetime
import os
import urllib.parse
from xml.sax.saxutils import escape

from remote.embedded import buckets, wire

PAGE = 1000  # entries at most
WORDS = {"list-type", "prefix", "delimiter", "max-keys", "encoding-type", "fetch-owner"}
WORDS |= {"continuation-token", "start-after", "marker"}  # after which name to begin


def answer(bucket, folder, query):
    """The reply to a listing. query: the words that were given, all optional."""
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    token = bytes.fromhex(query.get("continuation-token", ""))
    after = token or os.fsencode(query.get("start-after") or query.get("marker", ""))
    most = min(PAGE, int(query.get("max-keys", PAGE)))
    entries = _folded(buckets.items(folder, prefix), prefix, delimiter)
    left = [(name, item) for name, item in entries.items() if os.fsencode(name) > after]
    page = left[:most]
    name_of = _url_quoted if query.get("encoding-type") == "url" else quoted
    inner = f"<Name>{bucket}</Name><Prefix>{name_of(prefix)}</Prefix><MaxKeys>{most}</MaxKeys>"
    inner += "<EncodingType>url</EncodingType>" * (name_of is _url_quoted)
    inner += f"<KeyCount>{len(page)}</KeyCount><IsTruncated>{str(len(left) > most).lower()}</IsTruncated>"
    if len(left) > len(page) and page:
        last = page[-1][0]
        inner += f"<NextContinuationToken>{os.fsencode(last).hex()}</NextContinuationToken>"
        inner += f"<NextMarker>{name_of(last)}</NextMarker>"
    return wire.s3_reply("ListBucketResult", inner + "".join(_entry(name_of(name), item) for name, item in page))


def quoted(text):
    """A text as XML has it."""
    return escape(os.fsencode(text).decode("utf-8", "replace"))


def _url_quoted(text):
    return urllib.parse.quote(os.fsencode(text), safe="/")


def _folded(items, prefix, delimiter):
    """{name: Item, or None for what several keys have in common up to the delimiter}, in S3's order."""
    entries = {}
    for item in items:
        inside = item.key[len(prefix) :]
        if delimiter and delimiter in inside:
            entries[prefix + inside.partition(delimiter)[0] + delimiter] = None
        else:
            entries[item.key] = item
    return entries


def _entry(name, item):
    if item is None:
        return f"<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>"
    changed = datetime.datetime.fromtimestamp(item.modified_ns / 1e9, datetime.UTC)
    return (
        f"<Contents><Key>{name}</Key><LastModified>{changed:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
        f"<ETag>{escape(item.etag)}</ETag><Size>{item.size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )
