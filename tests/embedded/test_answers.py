"""Calls that the embedded EC2 answers itself: images by parameter, prices, quotas, the caller's address."""

import json
import urllib.request

import pytest
from botocore.exceptions import ClientError

from tests.embedded.rented import client

PARAMETER = "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-{}/latest/ami-id"


@pytest.mark.parametrize("release", ["24.04", "22.04"])
@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_the_parameter_names_the_newest_deep_learning_image(cloud, region, release):
    ec2 = client(cloud, "ec2", region)
    value = client(cloud, "ssm", region).get_parameter(Name=PARAMETER.format(release))["Parameter"]["Value"]
    image = ec2.describe_images(ImageIds=[value])["Images"][0]
    assert image["Name"].startswith(f"Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu {release}) ")
    assert (image["RootDeviceName"], image["Architecture"], image["ImageOwnerAlias"]) == (
        "/dev/sda1",
        "x86_64",
        "amazon",
    )
    named = [{"Name": "name", "Values": [image["Name"][:-8] + "*"]}]
    images = ec2.describe_images(Owners=["amazon"], Filters=named)["Images"]
    assert max(images, key=lambda found: found["CreationDate"])["ImageId"] == value


def test_an_unknown_parameter_is_unknown(cloud):
    with pytest.raises(ClientError, match="ParameterNotFound"):
        client(cloud, "ssm").get_parameter(Name=PARAMETER.format("26.04"))


def test_the_price_list_has_the_shape_of_the_pricing_api(cloud):
    fields = {"instanceType": "g4dn.xlarge", "regionCode": "us-east-1", "operatingSystem": "Linux"}
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in fields.items()]
    (item,) = client(cloud, "pricing").get_products(ServiceCode="AmazonEC2", Filters=filters)["PriceList"]
    (term,) = json.loads(item)["terms"]["OnDemand"].values()
    (dimension,) = term["priceDimensions"].values()
    assert float(dimension["pricePerUnit"]["USD"]) == 0.526


def test_spot_prices_lie_below_on_demand_in_each_zone(ec2):
    history = ec2.describe_spot_price_history(InstanceTypes=["g4dn.xlarge"], ProductDescriptions=["Linux/UNIX"])
    prices = {item["AvailabilityZone"]: float(item["SpotPrice"]) for item in history["SpotPriceHistory"]}
    assert len(prices) > 2
    assert all(0.35 * 0.526 <= price <= 0.45 * 0.526 + 1e-6 for price in prices.values())
    one = ec2.describe_spot_price_history(InstanceTypes=["g4dn.xlarge"], AvailabilityZone="us-east-1a")
    assert {item["AvailabilityZone"] for item in one["SpotPriceHistory"]} == {"us-east-1a"}


def test_quotas_are_told_and_unknown_ones_refused(cloud):
    quotas = client(cloud, "service-quotas")
    quota = quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-3819A6DF")["Quota"]
    assert quota["Value"] == 64 and quota["QuotaName"] == "All G and VT Spot Instance Requests"
    with pytest.raises(quotas.exceptions.NoSuchResourceException):
        quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-00000000")


def test_the_callers_address_is_loopback(cloud):
    assert urllib.request.urlopen(cloud.address_url).read() == b"127.0.0.1\n"


def test_who_am_i(cloud):
    assert client(cloud, "sts").get_caller_identity()["Account"] == "123456789012"
