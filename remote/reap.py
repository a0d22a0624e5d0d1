"""Find what was left over in every region, and end it when asked to.

Listing touches nothing. What may hold results that nobody pulled is listed with the command that rescues them, and is
never ended here.
"""

import functools
import itertools
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError

from remote import dead_man, network, orphans, volumes
from remote.errors import Failure
from remote.explain import aws_errors, code_of, explain
from remote.orphans import KEEP, Orphan

REGIONS_AT_ONCE = 16


def enabled_regions(ec2):
    """The names of the regions that the account can use."""
    regions = ec2.describe_regions()["Regions"]
    return sorted(region["RegionName"] for region in regions if region.get("OptInStatus") != "not-opted-in")


def find(clients_for_region, regions, now, schedulers_for_region=None):
    """The Orphans in these regions. clients_for_region(region): its EC2 client. now: an aware datetime.

    schedulers_for_region(region): its EventBridge Scheduler client; without it schedules are not looked for.
    A region that can't be asked is an Orphan of kind "region", so that its silence isn't taken for emptiness.
    """
    with ThreadPoolExecutor(REGIONS_AT_ONCE) as pool:
        asked = []
        for region in regions:  # boto3 makes clients in one thread only; while it makes the next, these ask
            scheduler = schedulers_for_region and schedulers_for_region(region)
            asked.append(pool.submit(_in_region, clients_for_region(region), now, scheduler))
        return list(itertools.chain.from_iterable(one.result() for one in asked))


def _in_region(ec2, now, scheduler):
    """The Orphans of one region, or the region itself when it can't be asked."""
    try:
        return orphans.in_region(ec2, now, scheduler)
    except aws_errors() as error:
        region = ec2.meta.region_name
        return [Orphan("region", region, region, "", None, None, f"could not be asked: {explain(error)}", KEEP)]


def end(clients_for_region, found, schedulers_for_region=None):
    """Do each Orphan's action. Returns those that could not be ended, [(orphan, Failure)]; the others are.

    Orphans to KEEP are passed over. What has ended by itself meanwhile is fine.
    """
    due = [orphan for orphan in found if orphan.action != KEEP]
    schedulers = functools.cache(lambda region: schedulers_for_region(region))
    clients = functools.cache(lambda region: clients_for_region(region))
    failed = []
    for orphan in due:
        try:
            client = schedulers if orphan.kind == "schedule" else clients
            ENDINGS[orphan.kind](client(orphan.region), orphan.id)
        except (Failure, *aws_errors()) as error:
            failed.append((orphan, explain(error)))
    return failed


def _terminate(ec2, instance_id):
    """One instance per call: a single unknown id would fail a whole batch."""
    _unless_gone(ec2.terminate_instances, InstanceIds=[instance_id])


def _delete_snapshot(ec2, snapshot_id):
    _unless_gone(ec2.delete_snapshot, SnapshotId=snapshot_id)


def _unless_gone(call, **request):
    """Send a request about something that may have gone by itself."""
    try:
        call(**request)
    except ClientError as error:
        if not code_of(error).endswith(".NotFound"):
            raise


ENDINGS = {
    "instance": _terminate,
    "volume": volumes.delete,
    "snapshot": _delete_snapshot,
    "rule": network.withdraw_unused,
    "schedule": dead_man.delete,
}
