"""From settings to one instance: keys, image, network, the ladder of machines; found again instead of made twice."""

import contextlib
import dataclasses

from remote import (
    boot,
    buckets,
    capacity,
    dead_man,
    ec2,
    images,
    network,
    own_key,
    plan,
    run_volume,
    runs,
    story,
    volumes,
)
from remote import tags as tagging
from remote.errors import Busy, NoCapacity, NotFound, TimedOut
from remote.host import ALIAS

ATTEMPT_FIELDS = {field.name for field in dataclasses.fields(capacity.Attempt)}
WORTH_LAUNCHING_HOURS = 0.1
HOST_KEY_FILE = "host_key"  # the private half, kept only until the instance has booted


def ensure_launched(aws, run, max_hours=None):
    """An instance of this run, alive: the one that its tags name, or a new one. Fills in the run's record.

    max_hours: that it may live at most; default: what the settings allow.
    """
    with story.step("launch", "asking for a machine", run.timeline) as told:
        instance = ec2.find(aws.ec2, run.id)
        if not ec2.alive(instance):
            ensure_keys(run)
            instance, notes = _launch(aws, run, max_hours or aws.settings.max_hours)
            told.extend(notes)
        refuse_anothers(run, instance)
        run.instance_id = instance["InstanceId"]
        run.zone = instance["Placement"]["AvailabilityZone"]
        run.launched = run.launched or runs.now()
        runs.save(run)
        told.append(
            f"{run.instance_id}, {plan.machine(run.instance_type)} in {run.zone}, ${run.dollars_per_hour:.3f}/h"
            f" {run.market}"
        )


class Anothers(Busy):
    """The run's machine is one that another checkout puts to work: whoever finds that must not end it."""


def refuse_anothers(run, instance):
    """When two checkouts ask for the same machine AWS gives it to both; it is whose key it has. Raises Anothers.

    If the other has died meanwhile, the machine ends itself after start_minutes.
    """
    if run.borrowed or tagging.tags_of(instance).get(ec2.HOST_KEY, run.host_key) != run.host_key:
        raise Anothers(f"Another checkout has launched a machine for {run.id}. Watch it: bin/fab follow --run {run.id}")


def ensure_keys(run):
    """The key that opens the next instance and the key by which it proves itself, both of this run alone.

    An instance that has booted has taken its own key along: each gets another.
    """
    if not run.ssh_key and not run.key.exists():
        write_client_key(run)
    if not (run.folder / HOST_KEY_FILE).exists():
        private, run.host_key = boot.new_key()
        boot.write_key(run.folder / HOST_KEY_FILE, private)
        pin(run)
    run.borrowed = False  # the next instance knows this checkout's own key
    runs.save(run)


def write_client_key(run):
    """A fresh key that opens the instance, in the run's folder, readable by its owner alone."""
    private, public = boot.new_key()
    own_key.public_half(run.key).write_text(public + "\n")
    boot.write_key(run.key, private)


def pin(run):
    """Write the instance's public key down as the only one to accept."""
    run.known_hosts.write_text(f"{ALIAS} {run.host_key}\n")


def ensure_key_accepted(aws, run, instance):
    """For a run launched elsewhere: have this checkout's own key let in for a minute, by EC2 Instance Connect."""
    _recognise(run, instance)
    if not run.borrowed:
        return
    if not run.key.exists():
        write_client_key(run)
    aws.instance_connect.send_ssh_public_key(
        InstanceId=instance["InstanceId"],
        InstanceOSUser=run.user,
        SSHPublicKey=_client_public_key(run),
        AvailabilityZone=instance["Placement"]["AvailabilityZone"],
    )


def _recognise(run, instance):
    """Take from its tags how to know and enter an instance by which another checkout has replaced the run's."""
    tags = tagging.tags_of(instance)
    if tags.get(ec2.HOST_KEY, run.host_key) == run.host_key:
        return
    run.host_key, run.user, run.borrowed = tags[ec2.HOST_KEY], tags.get(ec2.LOGIN, run.user), True
    run.instance_id, run.zone = instance["InstanceId"], instance["Placement"]["AvailabilityZone"]
    pin(run)
    runs.save(run)


def adopt(aws, run_id):
    """The Run of an id that this checkout has no record of, made from the tags of its instance or volume.

    Raises NotFound when AWS has neither.
    """
    instance, volume = ec2.find(aws.ec2, run_id), volumes.find_for_run(aws.ec2, run_id)
    if not instance and not volume:
        raise NotFound(f"No run {run_id} here, nor any trace of it in {aws.settings.region}. See: bin/fab runs")
    tags = tagging.tags_of(instance) if instance else volume.tags
    run = runs.Run(run_id, tags.get(tagging.JOB, ""), {}, aws.settings.cloud, aws.settings.region, runs.now())
    run.adopted, run.borrowed, run.folder = True, True, aws.settings.runs / run_id
    run.started = tags.get(tagging.STARTED) or (volume.tags.get(tagging.STARTED, "") if volume else "")
    run.deadline = tagging.iso(moment) if (moment := tagging.moment(tags.get(tagging.DEADLINE))) else ""
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
        pin(run)
    return run


def places(aws, run):
    """An Aws for each region where the run may live, in order: that of its named volume alone, when there is one."""
    regions = [aws.in_region(name) for name in dict.fromkeys((aws.settings.region, *aws.settings.other_regions))]
    if not run.volume_name or len(regions) == 1:
        return regions
    return [there for there in regions if run_volume.find(there, run)][:1] or regions


def hours_left(run):
    """Hours until the run's deadline, which holds for all its instances together. Raises TimedOut if it is too near."""
    hours = runs.seconds(runs.now(), run.deadline) / 3600
    if hours < WORTH_LAUNCHING_HOURS:
        raise TimedOut(
            f"{run.id} has lost its instance, and its deadline, {story.clock(run.deadline)}, is too near for another."
            f" What it had written is on its volume: bin/fab pull --run {run.id}"
        )
    return hours


def disarm(aws, run, ended):
    """Take back AWS's own deadline, now that the run is over. ended: the instance that was terminated, or None.

    It stays when a launch was never answered and no instance found: one may yet come to light.
    """
    if ended or _answered(run):
        dead_man.disarm(aws, run)


def open_way_in(aws, run):
    """Let this machine's present address reach port 22. Repeated when SSH doesn't answer: addresses change."""
    cidr = network.caller_cidr(aws.settings.ssh_cidr, aws.address_url)
    network.open_ssh(aws.ec2, run.group_id, cidr, ec2.tags_for(run, aws.owner))


def _launch(aws, run, max_hours):
    """(instance, notes): in the zone of the run's volume, when there is one; elsewhere if that may be moved."""
    volume, settings = run_volume.find(aws, run), aws.settings
    if not volume:
        return _climb(aws, run, max_hours, settings.zones, settings.wait_capacity_s)
    may_move = settings.move_volume and run_volume.movable(volume)
    try:
        return _climb(aws, run, max_hours, (volume.zone,), 0 if may_move else settings.wait_capacity_s)
    except NoCapacity as refused:
        if not refused.elsewhere:
            raise
        if not may_move:
            raise NoCapacity(f"{refused.message}\n{run_volume.held_in(volume)}") from None
    story.say("launch", f"no machine in {volume.zone}, where the volume is: asking in all zones")
    return _climb(aws, run, max_hours, settings.zones, settings.wait_capacity_s)


def _climb(aws, run, max_hours, zones, wait_s):
    """(instance, notes): the first machine of the ladder that AWS has. Raises NoCapacity with the whole table."""
    settings = aws.settings
    if _answered(run):  # else the request is repeated to the letter, deadline and all
        run.deadline = plan.deadline(max_hours)
    attempts, notes = capacity.ladder(aws.ec2, settings.instance_types, zones, _market(settings, run))
    architecture = images.architecture_of(attempts[0].instance_type)
    image = images.find(aws.ssm, aws.ec2, settings.image, settings.region, architecture)
    run.user = settings.login_user or images.login_user(image)
    for instance_type in {attempt.instance_type for attempt in attempts}:
        images.check_architecture(image, instance_type)
    tags = ec2.tags_for(run, aws.owner)
    run.group_id = network.ensure_group(aws.ec2, None, tags)
    runs.save(run)
    open_way_in(aws, run)
    # Before there is an instance, and for as long as any of the attempts may get; then for as long as it did get.
    armed = dead_man.arm(aws, run, plan.deadline(max_hours + wait_s / 3600))
    try:
        instance, _attempt = capacity.launch_first(
            aws.ec2_launch,
            _numbered(run, attempts),
            lambda attempt: _request(aws, run, image, attempt, max_hours),
            lambda attempt, token: _record_attempt(run, attempt, token),
            wait_s=wait_s,
        )
    except NoCapacity:
        run.attempts[-1]["refused"] = True
        runs.save(run)
        raise
    if armed:
        dead_man.arm(aws, run, run.deadline)
    return instance, notes


def _market(settings, run):
    """The market to ask: after a loss whatever there is, after too many no more spot."""
    if settings.market == "on-demand" or run.losses > settings.spot_losses:
        return "on-demand"
    return "spot-then-on-demand" if run.losses else settings.market


def _request(aws, run, image, attempt, max_hours):
    """Arguments of run_instances for one attempt; its price gives the deadline that goes into the user-data."""
    limit = plan.limit(aws, attempt.instance_type, attempt.market, attempt.zone, image.root_gib)
    repeated = run.attempts and run.attempts[-1]["number"] == attempt.number
    if not repeated:  # else the request must be the same to the letter, or its token is refused
        run.hours = min(limit.hours, max_hours)
        run.deadline = plan.deadline(run.hours)
    deadline_s = int(run.hours * 3600)
    run.instance_type, run.market = attempt.instance_type, attempt.market
    run.dollars_per_hour, run.price_source = limit.price.dollars_per_hour, f"{limit.price.source}, {limit.price.as_of}"
    host_key = ((run.folder / HOST_KEY_FILE).read_text(), run.host_key)
    start_s = min(deadline_s, int(aws.settings.start_minutes * 60))
    user_data = boot.user_data(host_key, _client_public_key(run), deadline_s, start_s)
    request = ec2.launch_request(run, image, attempt, run.group_id, user_data, ec2.tags_for(run, aws.owner))
    profile = aws.settings.instance_profile if buckets.read_by(run.turns) else ""
    return request | ec2.profile_request(profile) | {"ClientToken": capacity.client_token(run.id, attempt)}


def _numbered(run, attempts):
    """The attempts with numbers that go on where the record ends.

    An attempt whose answer nobody saw goes first, under its old number: the same token finds the same instance.
    """
    if not run.attempts:
        return attempts
    last = capacity.Attempt(**{key: value for key, value in run.attempts[-1].items() if key in ATTEMPT_FIELDS})
    if not _answered(run):
        return [last, *(attempt for attempt in attempts if attempt != dataclasses.replace(last, number=0))]
    return [dataclasses.replace(attempt, number=last.number + 1) for attempt in attempts]


def _answered(run):
    """Has every attempt of the run been granted or refused, as far as this record knows?"""
    return not run.attempts or bool(run.instance_id) or "refused" in run.attempts[-1]


def _record_attempt(run, attempt, token):
    """Write down what is about to be asked for, before it is asked for."""
    run.attempts.append({"at": runs.now(), "token": token, **dataclasses.asdict(attempt)})
    runs.save(run)


def _client_public_key(run):
    return own_key.public_half(run.key).read_text().strip()
