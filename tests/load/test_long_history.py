"""Ten thousand runs and more: what there was and what is left over is told as quickly as ever, from all pages."""

import datetime
import json
import time

import boto3
import pytest
import yaml
from botocore.stub import Stubber

from remote import history, orphans, runs, settings
from remote.tags import tag_list

RUNS = 10_000
SOME_SECONDS = 2.0  # of processor time; an idle machine uses a tenth of a second
NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
PAGES, PER_PAGE = 3, 1000  # AWS gives no more at once


@pytest.fixture(scope="module")
def chosen(tmp_path_factory):
    """Settings whose runs folder holds ten thousand finished runs, one every two hours until now."""
    folder = tmp_path_factory.mktemp("history") / "runs"
    shipped = yaml.safe_load((settings.CHECKOUT / "fabric.yaml").read_text())
    made = settings.read(shipped, {"runs_dir": str(folder)})
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=2 * RUNS)
    for number in range(RUNS):
        record(folder, number, begin + datetime.timedelta(hours=2 * number))
    return made


def record(folder, number, began):
    """The record of one run, as it is when it is over."""
    told = began.isoformat(timespec="seconds")
    run_id = f"lstm_aiw-{began:%Y%m%d-%H%M%S}-{number:04x}"
    values = {"id": run_id, "job": "lstm_aiw", "parameters": {}, "cloud": "embedded", "region": "us-east-1"}
    values |= {"created": told, "launched": told, "started": told, "pulled": "0" * 64, "exit_code": 0}
    values |= {"closed": (began + datetime.timedelta(hours=1)).isoformat(timespec="seconds"), "dollars_per_hour": 0.5}
    (folder / run_id).mkdir(parents=True)
    (folder / run_id / "run.json").write_text(json.dumps(values))


def processor_s(function, *arguments):
    """(what it returns, seconds of processor time that it took)."""
    began = time.process_time()
    return function(*arguments), time.process_time() - began


def test_the_newest_of_many_runs_are_listed_at_once(chosen, monkeypatch):
    read, load = [], runs.load
    monkeypatch.setattr(runs, "load", lambda folder: read.append(folder) or load(folder))
    rows, took = processor_s(history.rows, chosen)
    assert len(rows) == 20 == len(read) and took < SOME_SECONDS
    assert rows[-1]["run"] == runs.folders(chosen)[-1].name and rows == sorted(rows, key=lambda row: row["started"])


def test_the_month_is_added_up_from_its_own_runs(chosen):
    dollars, took = processor_s(history.month_to_date, chosen)
    month = f"{datetime.datetime.now(datetime.UTC):%Y%m}"
    launched = sum(f"-{month}" in folder.name for folder in chosen.runs.iterdir())
    assert dollars == pytest.approx(launched * 0.5, rel=0.05) and took < SOME_SECONDS


def test_the_newest_run_is_found_at_once(chosen):
    run, took = processor_s(runs.find, chosen, "")
    assert run.id == runs.folders(chosen)[-1].name and took < SOME_SECONDS


@pytest.fixture
def ec2():
    return boto3.client("ec2", "us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing")


def carried(number):
    """The tags of a run that is long over."""
    own = {"gpu-job:managed": "true", "gpu-job:run": f"tiny-{number}", "gpu-job:deadline": "2026-01-01T00:00:00Z"}
    return tag_list(own | {"gpu-job:volume": f"tiny-{number}", "gpu-job:pulled": "0" * 64})


def instances(page):
    described = [
        {
            "InstanceId": f"i-{page}-{number}",
            "InstanceType": "g4dn.xlarge",
            "State": {"Name": "running"},
            "LaunchTime": NOW,
            "Tags": carried(number),
        }
        for number in range(PER_PAGE)
    ]
    return {"Reservations": [{"Instances": described}]}


def volumes(page):
    each = {"Size": 1, "CreateTime": NOW, "State": "available"}
    return {"Volumes": [each | {"VolumeId": f"vol-{page}-{n}", "Tags": carried(n)} for n in range(PER_PAGE)]}


def rules(page):
    each = {"IsEgress": False, "FromPort": 22, "CidrIpv4": "203.0.113.7/32"}
    found = [each | {"SecurityGroupRuleId": f"sgr-{page}-{n}", "Tags": carried(n)} for n in range(PER_PAGE)]
    return {"SecurityGroupRules": found}


def test_what_is_left_over_is_found_on_every_page(ec2):
    with Stubber(ec2) as stub:
        answer_in_pages(stub, "describe_instances", instances)
        answer_in_pages(stub, "describe_volumes", volumes)
        stub.add_response("describe_snapshots", {"Snapshots": []})
        stub.add_response("describe_security_groups", {"SecurityGroups": [{"GroupId": "sg-1"}]})
        answer_in_pages(stub, "describe_security_group_rules", rules)
        found, took = processor_s(orphans.in_region, ec2, NOW)
        stub.assert_no_pending_responses()
    assert [one.kind for one in found].count("instance") == PAGES * PER_PAGE == len({one.id for one in found}) / 3
    assert {one.action for one in found} == {"terminate", "delete", "withdraw"} and took < 3 * SOME_SECONDS


def answer_in_pages(stub, operation, page_of):
    for page in range(PAGES):
        more = {"NextToken": str(page + 1)} if page < PAGES - 1 else {}
        stub.add_response(operation, page_of(page) | more)
