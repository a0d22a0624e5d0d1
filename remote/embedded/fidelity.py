"""moto made to behave as EC2 does where a client notices: states take time, public addresses are loopback.

Everything that depends on moto's inside is here, in states.py, volumestates.py and records.py; hence the version check.
What AWS refuses and moto does not is in rules.py, at the API's door, and needs no inside knowledge.
"""

import contextlib
import os

from remote.embedded import addresses, disks, images, records, roles, states, volumestates

MOTO_VERSION = "5.2.5"
FILTERS = {"client-token": "client_token", "instance-lifecycle": "lifecycle"}  # on which moto's filter gives up
SETTINGS = {
    "MOTO_ENABLE_AMI_VALIDATION": "true",
    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
    "MOTO_ALLOW_NONEXISTENT_REGION": "true",
}


def prepare(box):
    """Import moto, mend it, give it the images and the volumes of last time; then the API may answer."""
    catalogue = images.write_catalogue(box.state_dir)  # instead of 1300 images that nobody asks for
    os.environ |= SETTINGS | {"MOTO_AMIS_PATH": str(catalogue)}
    with _each_file_parsed_once():
        import moto

        if moto.__version__ != MOTO_VERSION:
            raise RuntimeError(f"Expected moto {MOTO_VERSION}, got {moto.__version__}. Install the pinned version.")
        _mend(box)
        records.restore(box)
        disks.store(box)
        _answer_once(box)
    box.ready.set()


def _mend(box):
    """Patch moto."""
    import moto.scheduler.models  # noqa: F401  timers.py looks into it ten times a second
    from moto.ec2.models import amis, elastic_network_interfaces
    from moto.ec2.utils import filter_dict_attribute_mapping

    elastic_network_interfaces.random_public_ip = lambda: addresses.new_address(box)
    filter_dict_attribute_mapping.update(FILTERS)
    amis.Ami.block_device_mappings = property(images.block_devices)
    states.apply(box)
    volumestates.apply(box)
    roles.apply()
    roles.seed()


@contextlib.contextmanager
def _each_file_parsed_once():
    """Save a second: moto asks new botocore sessions for their regions, and each parses the same large file."""
    from botocore.loaders import JSONFileLoader

    parse, parsed = JSONFileLoader.load_file, {}

    def load_file(self, path):
        if path not in parsed:
            parsed[path] = parse(self, path)
        return parsed[path]

    JSONFileLoader.load_file = load_file
    try:
        yield
    finally:
        JSONFileLoader.load_file = parse


def _answer_once(box):
    """Have moto import what its first answer needs."""
    from remote.embedded import backend

    for body in (b"Action=DescribeInstances&Version=2016-11-15", b"Action=DescribeVolumes&Version=2016-11-15"):
        backend.call(backend.environ("ec2", box.region, body))
