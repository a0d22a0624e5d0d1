"""What a run costs: AWS's price today where it can be asked, a dated table where it can't, and the sums over both.

Sources: AWS Price List API GetProducts; EC2 DescribeSpotPriceHistory. EC2 bills by the second, 60 s at least.
"""

import dataclasses
import datetime
import json

from botocore.exceptions import BotoCoreError, ClientError

from remote import price_table
from remote.errors import NotFound
from remote.price_table import RETIRED

GP3_GIB_MONTH = 0.08  # dollars
SNAPSHOT_GIB_MONTH = 0.05  # dollars, for what was written; the whole size is the most it can be
PUBLIC_ADDRESS_HOUR = 0.005  # dollars
HOURS_PER_MONTH = 720  # AWS prorates a volume's month by the second over 30 days
ROOT_GIB = 75  # root disk of a Deep Learning Base AMI; Image.root_gib is the exact one
LINUX = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "licenseModel": "No License required",
}


@dataclasses.dataclass(frozen=True)
class Price:
    """What one instance costs, and how far to trust the figure."""

    dollars_per_hour: float
    source: str  # for the plan: "Pricing API", "spot history", "dated table, ..."
    as_of: str  # ISO date


def on_demand(pricing, instance_type, region):
    """The Price that the Pricing API lists, as of its list's day; when it can't be asked, the dated table's.

    pricing: boto3 client of "pricing"; None asks nobody. Raises NotFound for a type that neither knows.
    """
    try:
        listed = pricing.get_products(**on_demand_request(instance_type, region))["PriceList"] if pricing else []
    except (ClientError, BotoCoreError):  # a plan without permission or network is better than none
        listed = []
    products = [json.loads(text) for text in listed]
    offers = [(price, product.get("publicationDate", "")[:10]) for product in products for price in _hourly(product)]
    if not offers:
        return dated_table(instance_type, region)
    dollars, published = min(offers)
    return Price(dollars, "Pricing API", published or _today())


def on_demand_request(instance_type, region):
    """Arguments of GetProducts for Linux on shared hardware."""
    wanted = LINUX | {"instanceType": instance_type, "regionCode": region}
    terms = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
    return {"ServiceCode": "AmazonEC2", "Filters": terms}


def _hourly(product):
    """The hourly prices in a product of the price list that are not zero, in dollars."""
    dimensions = (
        dimension
        for term in product.get("terms", {}).get("OnDemand", {}).values()
        for dimension in term["priceDimensions"].values()
    )
    prices = [float(dimension["pricePerUnit"]["USD"]) for dimension in dimensions if dimension["unit"] == "Hrs"]
    return [price for price in prices if price > 0]


def dated_table(instance_type, region):
    """The Price on the table's day. Raises NotFound for a type that isn't in it."""
    if instance_type in RETIRED:
        raise NotFound(f"{instance_type} was retired by AWS and has no price: {RETIRED[instance_type]}.")
    if instance_type not in price_table.MACHINES:
        raise NotFound(
            f"No price for {instance_type}: AWS told none, and the table of {price_table.AS_OF} has none. "
            "Expected a type such as g4dn.xlarge. See: aws ec2 describe-instance-type-offerings"
        )
    elsewhere = "" if region == price_table.REGION else f", not {region}"
    source = f"table of {price_table.AS_OF}, {price_table.REGION}{elsewhere}"
    return Price(price_table.MACHINES[instance_type].dollars_per_hour, source, price_table.AS_OF)


def unasked(instance_type, market, region):
    """The Price without asking AWS: of the dated table, which for spot is an upper bound. Raises NotFound."""
    price = dated_table(instance_type, region)
    return price if market == "on-demand" else dataclasses.replace(price, source=f"at most on-demand: {price.source}")


def spot(ec2, instance_type, zone=None):
    """The spot Price now, in the zone or in the cheapest one; the on-demand price of the table as its upper bound
    when AWS can't be asked. Raises NotFound when neither is known."""
    try:
        history = ec2.describe_spot_price_history(**spot_request(instance_type, zone))["SpotPriceHistory"]
    except (ClientError, BotoCoreError):
        history = []
    if not history:
        return unasked(instance_type, "spot", ec2.meta.region_name)
    newest = {}
    for entry in sorted(history, key=lambda entry: entry["Timestamp"]):
        newest[entry["AvailabilityZone"]] = entry
    best = min(newest.values(), key=lambda entry: float(entry["SpotPrice"]))
    as_of = best["Timestamp"].astimezone(datetime.UTC).date().isoformat()
    return Price(float(best["SpotPrice"]), f"spot history, {best['AvailabilityZone']}", as_of)


def spot_request(instance_type, zone=None):
    """Arguments of DescribeSpotPriceHistory. From now on means: the last change before now, in each zone."""
    request = {
        "InstanceTypes": [instance_type],
        "ProductDescriptions": ["Linux/UNIX"],
        "StartTime": datetime.datetime.now(datetime.UTC),
    }
    return request | ({"AvailabilityZone": zone} if zone else {})


def hourly_dollars(price, volume_gib, root_gib=ROOT_GIB):
    """What an hour costs in all: instance, data volume, root disk, public address."""
    disks = (volume_gib + root_gib) * GP3_GIB_MONTH / HOURS_PER_MONTH
    return price.dollars_per_hour + disks + PUBLIC_ADDRESS_HOUR


def run_cost(price, volume_gib, hours, root_gib=ROOT_GIB):
    """What a run of that many hours costs in all, in dollars."""
    return hours * hourly_dollars(price, volume_gib, root_gib)


def deadline_hours(price, volume_gib, max_cost, max_hours, root_gib=ROOT_GIB):
    """The hours after which the instance ends: max_hours, or when max_cost dollars are spent, whichever is first.

    max_cost: 0 for no cap.
    """
    if not max_cost:
        return max_hours
    return min(max_hours, max_cost / hourly_dollars(price, volume_gib, root_gib))


def _today():
    return datetime.datetime.now(datetime.UTC).date().isoformat()
