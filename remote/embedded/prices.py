"""What machines would cost on AWS: a dated table, served in the shapes of the Pricing API and of spot history."""

import hashlib
import json

AS_OF = "2026-08-17"  # the day the g5, g6, g6e prices were read from AWS's Pricing API, us-east-1, Linux, on demand
DOLLARS_PER_HOUR = {
    "g4dn.xlarge": 0.526,
    "g4dn.2xlarge": 0.752,
    "g4dn.12xlarge": 3.912,
    "g5.xlarge": 1.006,
    "g5.2xlarge": 1.212,
    "g6.xlarge": 0.8048,
    "g6.2xlarge": 0.9776,
    "g6e.xlarge": 1.861,
    "g6e.2xlarge": 2.24208,
    "p4d.24xlarge": 21.957642,
    "p5.4xlarge": 6.88,
}


def spot(instance_type, zone):
    """A plausible spot price in dollars per hour: 35 to 45 % of on demand, each zone always the same."""
    share = hashlib.sha256(f"{instance_type} {zone}".encode()).digest()[0] / 255
    return DOLLARS_PER_HOUR[instance_type] * (0.35 + 0.10 * share)


def products(instance_type, region):
    """The PriceList of GetProducts: JSON texts, one or none."""
    dollars = DOLLARS_PER_HOUR.get(instance_type)
    if dollars is None:
        return []
    attributes = {"instanceType": instance_type, "regionCode": region, "operatingSystem": "Linux", "tenancy": "Shared"}
    attributes |= {"preInstalledSw": "NA", "capacitystatus": "Used", "licenseModel": "No License required"}
    sku = hashlib.sha256(f"{instance_type} {region}".encode()).hexdigest()[:16].upper()
    rate = {"unit": "Hrs", "beginRange": "0", "endRange": "Inf", "rateCode": f"{sku}.JRTCKXETXF.6YS6EN2CT7"}
    rate |= {"description": f"${dollars} per On Demand Linux {instance_type} Instance Hour", "appliesTo": []}
    rate |= {"pricePerUnit": {"USD": f"{dollars:.10f}"}}
    term = {"priceDimensions": {rate["rateCode"]: rate}, "sku": sku, "offerTermCode": "JRTCKXETXF"}
    term |= {"effectiveDate": f"{AS_OF}T00:00:00Z", "termAttributes": {}}
    product = {"productFamily": "Compute Instance", "attributes": attributes, "sku": sku}
    terms = {"OnDemand": {f"{sku}.JRTCKXETXF": term}}
    return [json.dumps({"product": product, "serviceCode": "AmazonEC2", "terms": terms, "publicationDate": AS_OF})]
