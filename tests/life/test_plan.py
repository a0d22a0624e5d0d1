"""`fab plan`: today's prices where AWS answers, a dated table's where nobody is to be asked."""

import json


def test_a_plan_offline_asks_nobody_and_says_how_old_its_prices_are(checkout):
    checkout.done("embedded", "--stop")
    told = checkout.fab("plan", "--job", "tiny", "--offline", "--instance-types", "p2.xlarge", "--market", "spot")
    assert told.returncode == 0, told.stderr
    assert "at most on-demand: table of 20" in told.stdout
    assert "K80 12 GB" in told.stderr and "g4dn.xlarge" in told.stderr
    assert "Not running" in checkout.done("embedded"), "the embedded EC2 was started to be asked"


def test_a_plan_offline_needs_no_credentials(checkout, tmp_path):
    nobody = {"FABRIC_CLOUD": "aws", "HOME": str(tmp_path), "FABRIC_ENDPOINT_URL": "http://127.0.0.1:1"}
    told = checkout.fab("plan", "--job", "tiny", "--offline", "--json", "--max-cost", "1", **nobody)
    assert told.returncode == 0, told.stderr
    assert all(rung["most_dollars"] <= 1.001 for rung in json.loads(told.stdout)["ladder"])


def test_a_plan_names_the_source_of_each_price(checkout):
    told = checkout.done("plan", "--job", "tiny", "--market", "spot-then-on-demand")
    assert "spot history" in told and "Pricing API" in told
