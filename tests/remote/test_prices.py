"""A price is AWS's of today where it can be asked; else it says of which day it is."""

import datetime
import json

import pytest
from botocore.stub import ANY, Stubber

from remote import price_table, prices
from remote.errors import NotFound
from remote.prices import Price


@pytest.fixture
def pricing(client):
    """pricing(*hourly) -> a client whose price list has products of these prices; what was asked is checked."""

    def answer(*hourly, **more):
        made = client("pricing")
        stub = Stubber(made)
        listed = {"PriceList": [product(price, **more) for price in hourly]}
        stub.add_response("get_products", listed, prices.on_demand_request("g4dn.xlarge", "eu-west-1"))
        stub.activate()
        return made

    return answer


def product(dollars, **more):
    """A product as GetProducts lists it: JSON in a string."""
    dimension = {"unit": "Hrs", "pricePerUnit": {"USD": f"{dollars:.10f}"}, "description": "per On Demand Linux hour"}
    terms = {"OnDemand": {"SKU.TERM": {"priceDimensions": {"SKU.TERM.RATE": dimension}}}}
    return json.dumps({"terms": terms} | more)


def test_a_price_is_as_old_as_the_list_that_it_stands_in(pricing):
    price = prices.on_demand(pricing(0.587, publicationDate="2026-01-31T01:02:03Z"), "g4dn.xlarge", "eu-west-1")
    assert price == Price(0.587, "Pricing API", "2026-01-31")


def test_todays_price_is_asked_of_aws(pricing):
    price = prices.on_demand(pricing(0.587), "g4dn.xlarge", "eu-west-1")
    assert (price.dollars_per_hour, price.source) == (0.587, "Pricing API")
    assert price.as_of == datetime.datetime.now(datetime.UTC).date().isoformat()


def test_a_product_that_costs_nothing_is_no_price(pricing):
    assert prices.on_demand(pricing(0.0, 0.587), "g4dn.xlarge", "eu-west-1").dollars_per_hour == 0.587


def test_an_empty_list_falls_back_to_the_table_of_its_day(pricing):
    price = prices.on_demand(pricing(), "g4dn.xlarge", "eu-west-1")
    assert price == Price(0.526, "table of 2026-08-17, us-east-1, not eu-west-1", "2026-08-17")


def test_nobody_to_ask_falls_back_too(client):
    assert prices.on_demand(None, "g4dn.xlarge", "us-east-1").source == "table of 2026-08-17, us-east-1"
    denied = client("pricing")
    with Stubber(denied) as stub:
        stub.add_client_error("get_products", "AccessDeniedException")
        assert prices.on_demand(denied, "g4dn.xlarge", "us-east-1").as_of == price_table.AS_OF


def test_an_unknown_type_has_no_invented_price():
    with pytest.raises(NotFound, match="No price for x9.huge"):
        prices.on_demand(None, "x9.huge", "us-east-1")
    with pytest.raises(NotFound, match="p2.xlarge was retired.*g4dn.xlarge"):
        prices.on_demand(None, "p2.xlarge", "us-east-1")


def history(*entries):
    days = {day: datetime.datetime(2026, 1, day, tzinfo=datetime.UTC) for _, day, _ in entries}
    return [
        {"AvailabilityZone": f"us-east-1{zone}", "SpotPrice": str(price), "Timestamp": days[day]}
        for zone, day, price in entries
    ]


def test_the_spot_price_is_the_newest_of_each_zone_and_the_lowest_of_these(ec2, monkeypatch):
    entries = history(("a", 3, 0.2), ("a", 1, 0.1), ("b", 2, 0.19), ("b", 1, 0.3))
    monkeypatch.setattr(ec2, "describe_spot_price_history", lambda **_: {"SpotPriceHistory": entries})
    price = prices.spot(ec2, "g4dn.xlarge")
    assert price == Price(0.19, "spot history, us-east-1b", "2026-01-02")


def test_the_spot_price_of_one_zone_can_be_asked(ec2):
    asked = {"InstanceTypes": ["g4dn.xlarge"], "ProductDescriptions": ["Linux/UNIX"], "StartTime": ANY}
    with Stubber(ec2) as stub:
        answer = {"SpotPriceHistory": history(("b", 1, 0.3))}
        stub.add_response("describe_spot_price_history", answer, asked | {"AvailabilityZone": "us-east-1b"})
        assert prices.spot(ec2, "g4dn.xlarge", "us-east-1b").dollars_per_hour == 0.3


def test_an_unknown_spot_price_is_bounded_by_the_on_demand_price(ec2, refuse):
    refuse(ec2, "DescribeSpotPriceHistory", "UnauthorizedOperation")
    price = prices.spot(ec2, "g4dn.xlarge")
    assert price.dollars_per_hour == 0.526 and price.source.startswith("at most on-demand: table of")


def test_a_run_costs_machine_disks_and_address():
    price = Price(0.5, "", "")
    disks_and_address = (20 + 80) * 0.08 / 720 + 0.005
    assert prices.run_cost(price, 20, 3, root_gib=80) == pytest.approx(3 * (0.5 + disks_and_address))


def test_the_cap_becomes_a_deadline_when_it_is_the_shorter_limit():
    price = Price(1.0, "", "")
    capped = prices.deadline_hours(price, 1, max_cost=2.5, max_hours=4)
    assert 2 < capped < 2.5
    assert prices.run_cost(price, 1, capped) == pytest.approx(2.5)
    assert prices.deadline_hours(price, 1, max_cost=100, max_hours=4) == 4
    assert prices.deadline_hours(price, 1, max_cost=0, max_hours=4) == 4


def test_the_table_agrees_with_awss_description_of_its_machines(ec2):
    described = ec2.describe_instance_types(InstanceTypes=list(price_table.MACHINES))["InstanceTypes"]
    assert len(described) == len(price_table.MACHINES)
    for found in described:
        machine = price_table.MACHINES[found["InstanceType"]]
        gpus = found["GpuInfo"]["Gpus"]
        assert machine.gpus == sum(gpu["Count"] for gpu in gpus)
        assert machine.gpu == gpus[0]["Name"]
        assert machine.vcpus == found["VCpuInfo"]["DefaultVCpus"]
        assert machine.memory_gib * 1024 == found["MemoryInfo"]["SizeInMiB"]


def test_what_is_called_retired_is_not_offered_and_its_replacement_is(ec2):
    pages = ec2.get_paginator("describe_instance_type_offerings").paginate()
    offered = {offer["InstanceType"] for page in pages for offer in page["InstanceTypeOfferings"]}
    assert not offered & set(price_table.RETIRED)
    assert {retired.replacement for retired in price_table.RETIRED.values()} <= offered


def test_a_retired_type_tells_its_replacement_memory_and_price():
    words = str(prices.RETIRED["p2.xlarge"])
    assert words.startswith("K80 12 GB, 4 vCPU, 61 GiB -> g4dn.xlarge (T4 16 GB, 4 vCPU, 16 GiB; $0.526/h")
