"""The embedded S3: boto3's own calls do what they do on AWS, and a bucket is a folder of files."""

import io
import os

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.embedded.rented import client

MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def s3(cloud):
    made = client(cloud, "s3")
    made.create_bucket(Bucket="tales")
    for key in ("new/c.txt", "old/a b+ü.txt", "old/more/d.txt", "old.txt", "older.txt"):
        made.put_object(Bucket="tales", Key=key, Body=key.encode())
    return made


@pytest.fixture
def folder(cloud):
    """Where the bucket's objects lie."""
    return cloud.ssh_config.parent / "buckets/tales"


def keys(s3, **words):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="tales", **words)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def test_what_is_put_can_be_got_headed_and_is_a_file(s3, folder):
    got = s3.get_object(Bucket="tales", Key="old/a b+ü.txt")
    headed = s3.head_object(Bucket="tales", Key="old/a b+ü.txt")
    assert got["Body"].read().decode() == "old/a b+ü.txt" == (folder / "old/a b+ü.txt").read_text()
    assert headed["ContentLength"] == len("old/a b+ü.txt".encode()) and headed["ETag"] == got["ETag"]


def test_a_file_copied_into_the_folder_is_an_object_at_once(s3, folder):
    (folder / "by/hand").mkdir(parents=True)
    (folder / "by/hand/x.txt").write_text("one")
    first = s3.get_object(Bucket="tales", Key="by/hand/x.txt")
    (folder / "by/hand/x.txt").write_text("two")
    os.utime(folder / "by/hand/x.txt", (1, 1))
    second = s3.get_object(Bucket="tales", Key="by/hand/x.txt")
    assert (first["Body"].read(), second["Body"].read()) == (b"one", b"two")
    assert first["ETag"] != second["ETag"]
    s3.delete_object(Bucket="tales", Key="by/hand/x.txt")
    assert not (folder / "by").exists()


def test_listing_is_by_prefix_in_the_order_of_bytes_and_by_pages(s3):
    everything = ["new/c.txt", "old.txt", "old/a b+ü.txt", "old/more/d.txt", "older.txt"]
    assert keys(s3) == everything
    assert keys(s3, PaginationConfig={"PageSize": 2}) == everything
    assert keys(s3, Prefix="old/") == everything[2:4]
    assert keys(s3, Prefix="old") == everything[1:]
    assert keys(s3, Prefix="old/m", StartAfter="old/more/d.txt") == keys(s3, Prefix="../") == []


def test_listing_folds_at_a_delimiter(s3):
    page = s3.list_objects_v2(Bucket="tales", Delimiter="/")
    assert [one["Prefix"] for one in page["CommonPrefixes"]] == ["new/", "old/"]
    assert [one["Key"] for one in page["Contents"]] == ["old.txt", "older.txt"]


def test_the_resource_api_lists_too(cloud):
    session = boto3.Session(cloud.access_key, cloud.secret_key, region_name="us-east-1")
    bucket = session.resource("s3", endpoint_url=cloud.endpoint_url).Bucket("tales")
    assert len(list(bucket.objects.page_size(2))) == 5
    assert "tales" in [one["Name"] for one in client(cloud, "s3").list_buckets()["Buckets"]]


def test_a_large_file_goes_up_and_comes_down_in_parts(s3, tmp_path, folder):
    content = os.urandom(19 * MEGABYTE)
    s3.upload_fileobj(io.BytesIO(content), "tales", "large.bin")
    s3.download_file("tales", "large.bin", str(tmp_path / "large.bin"))
    assert (tmp_path / "large.bin").read_bytes() == content
    assert not list(folder.parent.glob(".*")), "parts are left"
    part = s3.get_object(Bucket="tales", Key="large.bin", Range="bytes=-5")
    assert part["Body"].read() == content[-5:] and part["ContentRange"].endswith(f"/{len(content)}")
    with pytest.raises(ClientError, match="InvalidRange"):
        s3.get_object(Bucket="tales", Key="large.bin", Range=f"bytes={len(content)}-")
    s3.delete_object(Bucket="tales", Key="large.bin")


def test_what_is_not_there_is_told_as_s3_tells_it(s3):
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket="tales", Key="none.txt")
    with pytest.raises(s3.exceptions.NoSuchBucket):
        s3.get_object(Bucket="nobodys", Key="none.txt")
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket="tales", Key="none.txt")
    with pytest.raises(ClientError, match="404"):
        s3.head_bucket(Bucket="nobodys")
    with pytest.raises(ClientError, match="NotImplemented"):
        s3.get_bucket_acl(Bucket="tales")


@pytest.mark.parametrize("key", ["../../server.json", "a//b", "old.txt/inside", "x" * 300])
def test_a_key_that_no_file_can_have_is_refused(s3, key):
    with pytest.raises(ClientError, match="InvalidArgument"):
        s3.put_object(Bucket="tales", Key=key, Body=b"x")
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="tales", Key=key)


def test_only_an_empty_bucket_is_deleted(s3):
    s3.create_bucket(Bucket="spare-bucket")
    s3.put_object(Bucket="spare-bucket", Key="a/b", Body=b"x")
    with pytest.raises(ClientError, match="BucketNotEmpty"):
        s3.delete_bucket(Bucket="spare-bucket")
    s3.delete_object(Bucket="spare-bucket", Key="a/b")
    s3.delete_bucket(Bucket="spare-bucket")
    assert "spare-bucket" not in [one["Name"] for one in s3.list_buckets()["Buckets"]]
