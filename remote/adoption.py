"""A run of another checkout, known from what AWS has of it: its instance and volume, and their tags."""

import contextlib

from remote import ec2, launch, plan, runs, volumes
from remote import tags as tagging
from remote.errors import NotFound


def adopt(aws, run_id):
    """The Run of an id that this checkout has no record of, made from the tags of its instance or volume.

    Raises NotFound when AWS has neither.
    """
    instance = ec2.find(aws.ec2, run_id)
    name = tagging.tags_of(instance or {}).get(tagging.VOLUME)
    volume = volumes.find_named(aws.ec2, name) if name else volumes.find_for_run(aws.ec2, run_id)
    if not instance and not volume:
        raise NotFound(f"No run {run_id} here, nor any trace of it in {aws.settings.region}. See: bin/fab runs")
    tags = tagging.tags_of(instance) if instance else volume.tags
    job = runs.RUN_ID.fullmatch(run_id)["job"]
    run = runs.Run(run_id, job, {}, aws.settings.cloud, aws.settings.region, runs.now())
    run.adopted, run.borrowed, run.folder = True, True, aws.settings.runs / run_id
    run.started = _started(run_id, instance, volume)
    run.deadline = tagging.iso(moment) if (moment := tagging.moment(tags.get(tagging.DEADLINE))) else ""
    run.volume_name = volume.name if volume and volume.kept else ""  # else it would be deleted with its run
    run.pulled = tags.get(tagging.PULLED, "")
    run.user = tags.get(ec2.LOGIN, aws.settings.login_user or "ubuntu")
    run.volume_id, run.volume_gib = (volume.id, volume.size_gib) if volume else ("", 0)
    if instance:
        run.instance_id, run.instance_type = instance["InstanceId"], instance["InstanceType"]
        run.zone, run.host_key = instance["Placement"]["AvailabilityZone"], tags.get(ec2.HOST_KEY, "")
        run.launched = instance["LaunchTime"].isoformat(timespec="seconds")
        run.market = instance.get("InstanceLifecycle", "on-demand")
        with contextlib.suppress(NotFound):
            price = plan.limit(aws, run.instance_type, run.market, run.zone).price
            run.dollars_per_hour, run.price_source = price.dollars_per_hour, f"{price.source}, {price.as_of}"
        groups = [group["GroupId"] for card in instance.get("NetworkInterfaces", ()) for group in card["Groups"]]
        run.group_id = groups[0] if groups else ""
    runs.record(run)
    if run.host_key:
        launch.pin(run)
    return run


def _started(run_id, instance, volume):
    """When the run's job was started; "" when it never was, and there are no results.

    A named volume tells of its last run alone. Without an instance it is worth a look, whatever it tells.
    """
    if volume and volume.kept and (not instance or volume.tags.get(tagging.STARTED) == run_id):
        return tagging.iso(volume.created)
    own = volume.tags if volume and not volume.kept else {}
    return tagging.tags_of(instance or {}).get(tagging.STARTED) or own.get(tagging.STARTED, "")
