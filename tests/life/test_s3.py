"""A run whose job reads s3://: through the instance's own credentials, and with nobody's keys on the instance."""

import json

import pytest

from tests.life import checkout as checkouts

JOB = '''"""Read a text; show what the job can see."""

import json
import os
from dataclasses import dataclass

from jobs import downloads
from jobs.parameters import main, option


@dataclass(frozen=True)
class Parameters:
    text: str = option("", "what to read", file=True)


def train(params, out):
    (out / "environment.json").write_text(json.dumps(dict(os.environ)))
    path = downloads.fetch(params.text) if params.text else None
    found = sorted(path.rglob("*.txt")) if path and path.is_dir() else [path] if path else []
    print("read:", [one.read_text() for one in found], flush=True)
    (out / "model.json").write_text("{}")


if __name__ == "__main__":
    main(Parameters, train, __doc__)
'''
DISK_BYTES = 2**30  # a volume's device is a sparse file of its size, with a superblock alone
OF_THE_USER = {  # what a user of AWS has in the environment: none of it may come to a job
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIsecretEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "token-of-the-user",
    "AWS_PROFILE": "profile-of-the-user",
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A Checkout with the job `reading`, a cache of its own, a bucket `tales`, and a user who has keys of AWS."""
    folder = tmp_path_factory.mktemp("s3")
    made = checkouts.make(folder / "my checkout", XDG_CACHE_HOME=str(folder / "cache"))
    (made.path / "jobs/reading.py").write_text(JOB)
    made.done("embedded", "--start", **OF_THE_USER)
    s3 = made.client("s3")
    s3.create_bucket(Bucket="tales")
    for key in ("old/a.txt", "old/b.txt", "secret/c.txt"):
        s3.put_object(Bucket="tales", Key=key, Body=f"once {key}".encode())
    yield made
    made.done("embedded", "--stop")
    checkouts.wait_until(lambda: not made.processes(), seconds=30)


def train(address, *options):
    return ["train", "--job", "reading", "--set", f"text={address}", *options]


def read(checkout, address):
    """(outcome, log) of a run that reads an address, begun by the user who has keys of AWS."""
    outcome = checkout.fab(*train(address), **OF_THE_USER)
    log = checkout.runs / checkout.run_ids()[-1] / "log"
    return outcome, log.read_text() if log.exists() else ""


def secrets(checkout):
    """What opens the user's account and that of the embedded EC2, as bytes."""
    cloud = checkout.cloud
    return [text.encode() for text in (*OF_THE_USER.values(), cloud.access_key, cloud.secret_key)]


def test_a_job_reads_a_bucket_and_no_key_of_the_users_is_on_its_instance(checkout):
    run_id = checkout.done(*train("s3://tales/old/a.txt", "--detach"), **OF_THE_USER)
    there = checkout.there(run_id)
    checkouts.wait_until(lambda: (there / "exit_code").exists())
    assert (there / "exit_code").read_text() == "0\n" and "read: ['once old/a.txt']" in (there / "log").read_text()
    environment = json.loads((there / "out/environment.json").read_text())
    assert sorted(name for name in environment if name.startswith("AWS_")) == [
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AWS_ENDPOINT_URL_S3",
    ]
    keys, folders = secrets(checkout), [checkout.state / "instances", checkout.state / "volumes"]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    files = [path for path in files if path.stat().st_size < DISK_BYTES]
    assert {there / "params.json", there / "out/environment.json"} <= {*files}
    assert not [path for path in files if any(key in path.read_bytes() for key in keys)]
    checkout.done("terminate", "--run", run_id)


def test_an_address_of_the_wrong_form_is_refused_before_anything_is_rented(checkout):
    outcome = checkout.fab(*train("s3://Tales/old"))
    assert outcome.returncode == 2 and "Expected an address such as s3://bucket/folder/" in outcome.stderr


def test_instances_read_what_setup_has_named_and_nothing_else(checkout):
    checkout.done("embedded", "--stop")  # buckets outlive it
    (checkout.state / "buckets/tales/old/a.txt").write_text("changed by hand")
    assert checkout.done("setup", "--remove").count("deleted") == 2
    outcome, _ = read(checkout, "s3://tales/old/a.txt")
    assert outcome.returncode == 7 and "no instance profile gpu-jobs-reader" in outcome.stderr
    assert "bin/fab setup --read s3://" in outcome.stderr and checkout.billed() == []

    assert ": made." in checkout.done("setup", "--read", "s3://tales/old/")
    outcome, log = read(checkout, "s3://tales/old/")
    assert outcome.returncode == 0, outcome.stderr
    assert "read: ['changed by hand', 'once old/b.txt']" in log
    outcome, log = read(checkout, "s3://tales/secret/c.txt")
    assert outcome.returncode == 5 and "Not allowed to read s3://tales/secret/c.txt" in log
    assert "bin/fab setup --read s3://tales/secret/c.txt" in outcome.stderr
