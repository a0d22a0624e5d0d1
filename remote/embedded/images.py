"""The machine images on offer: Deep Learning Base AMIs, found by name or by the SSM parameters that AWS publishes."""

import datetime
import functools
import json

from remote.embedded.box import ACCOUNT

OWNER = "898082745236"  # Amazon's account of Deep Learning AMIs
ROOT_GIB = 75  # as large as the real image's disk; nothing is written to ours
BASE = "Deep Learning{arm} Base OSS Nvidia Driver GPU AMI (Ubuntu {release}) {date}"
CATALOGUE = [  # image id, architecture, Ubuntu release, date of the name
    ("ami-0e3bedded2404a001", "x86_64", "24.04", "20261016"),
    ("ami-0e3bedded2404a000", "x86_64", "24.04", "20260905"),  # an older one, that "the newest" must not pick
    ("ami-0e3bedded2204a001", "x86_64", "22.04", "20261016"),
    ("ami-0e3bedded2204b001", "arm64", "22.04", "20261016"),
]
PARAMETERS = {
    "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id": CATALOGUE[0][0],
    "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id": CATALOGUE[2][0],
    "/aws/service/deeplearning/ami/arm64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id": CATALOGUE[3][0],
}


def write_catalogue(state_dir):
    """Write the images as moto reads them when it is imported; returns the file."""
    path = state_dir / "images.json"
    path.write_text(json.dumps([_image(*row) for row in CATALOGUE], indent=1))
    return path


def block_devices(image):
    """An image's disks as DescribeImages shows them."""
    ebs = {"SnapshotId": image.ebs_snapshot.id, "VolumeSize": ROOT_GIB, "VolumeType": "gp3", "Encrypted": False}
    return [{"DeviceName": image.root_device_name, "Ebs": ebs | {"DeleteOnTermination": True}}]


@functools.cache
def seed_parameters(region):
    """Put the public parameters into a region's SSM, once; PutParameter may not."""
    from moto.ssm.models import Parameter, ssm_backends

    backend = ssm_backends[ACCOUNT][region]
    for name, image_id in PARAMETERS.items():
        backend._parameters[name].append(
            Parameter(
                account_id=ACCOUNT,
                name=name,
                value=image_id,
                parameter_type="String",
                description="",
                allowed_pattern=None,
                keyid=None,
                last_modified_date=datetime.datetime.now(datetime.UTC).timestamp(),
                version=1,
                data_type="aws:ec2:image",
            )
        )


def _image(image_id, architecture, release, date):
    name = BASE.format(arm=" ARM64" if architecture == "arm64" else "", release=release, date=date)
    return {
        "ami_id": image_id,
        "name": name,
        "description": f"Supported EC2 instances: G4dn, G5, G6, Gr6, G6e, P4, P5, P6. {name}",
        "owner_id": OWNER,
        "image_location": f"amazon/{name}",
        "public": True,
        "architecture": architecture,
        "virtualization_type": "hvm",
        "hypervisor": "xen",
        "root_device_type": "ebs",
        "root_device_name": "/dev/sda1",
        "creation_date": f"{date[:4]}-{date[4:6]}-{date[6:]}T08:00:00.000Z",
        "state": "available",
        "image_type": "machine",
    }
