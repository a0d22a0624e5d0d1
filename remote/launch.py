"""From settings to one instance: keys, image, network, the ladder of machines; found again instead of made twice."""

from remote import (
    attempts,
    boot,
    buckets,
    capacity,
    dead_man,
    ec2,
    images,
    network,
    own_key,
    plan,
    rivals,
    run_volume,
    runs,
    story,
)
from remote import tags as tagging
from remote.errors import NoCapacity, TimedOut
from remote.openssh import ALIAS

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
            after = instance["InstanceId"] if instance else run.instance_id
            instance, notes = _launch(aws, run, max_hours or aws.settings.max_hours, after)
            told.extend(notes)
            rivals.give_way(aws, run, instance)
        rivals.refuse(run, instance)
        attempts.granted(run, instance["InstanceId"])
        run.instance_id = instance["InstanceId"]
        run.zone = instance["Placement"]["AvailabilityZone"]
        run.launched = run.launched or runs.now()
        runs.save(run)
        told.append(
            f"{run.instance_id}, {plan.machine(run.instance_type)} in {run.zone}, ${run.dollars_per_hour:.3f}/h"
            f" {run.market}"
        )


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


def places(aws, run):
    """An Aws for each region where the run may live, in order: that of its named volume alone, when there is one.

    Raises Usage for a region that this account has not, before a machine is asked for in any.
    """
    names = list(dict.fromkeys((aws.settings.region, *aws.settings.other_regions)))
    if len(names) == 1:
        return [aws]
    capacity.refuse_unknown_regions(aws.ec2, names)
    regions = [aws.in_region(name) for name in names]
    if not run.volume_name:
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
    if ended or attempts.answered(run):
        dead_man.disarm(aws, run)


def open_way_in(aws, run):
    """Let this machine's present address reach port 22. Repeated when SSH doesn't answer: addresses change."""
    cidr = network.caller_cidr(aws.settings.ssh_cidr, aws.address_url)
    network.open_ssh(aws.ec2, run.group_id, cidr, ec2.tags_for(run, aws.owner))


def _launch(aws, run, max_hours, after):
    """(instance, notes): in the zone of the run's volume, when there is one; elsewhere if that may be moved.

    after: id of the instance that it replaces, "" for a run's first.
    """
    volume, settings = run_volume.find(aws, run), aws.settings
    if not volume:
        return _climb(aws, run, max_hours, after, settings.zones, settings.wait_capacity_s)
    may_move = settings.move_volume and run_volume.movable(volume)
    try:
        return _climb(aws, run, max_hours, after, (volume.zone,), 0 if may_move else settings.wait_capacity_s)
    except NoCapacity as refused:
        if not refused.elsewhere:
            raise
        if not may_move:
            raise NoCapacity(f"{refused.message}\n{run_volume.held_in(volume)}") from None
    story.say("launch", f"no machine in {volume.zone}, where the volume is: asking in all zones")
    return _climb(aws, run, max_hours, after, settings.zones, settings.wait_capacity_s)


def _climb(aws, run, max_hours, after, zones, wait_s):
    """(instance, notes): the first machine of the ladder that AWS has. Raises NoCapacity with the whole table."""
    ladder, notes, image = _prepare(aws, run, max_hours, zones)
    open_way_in(aws, run)
    # Before there is an instance, and for as long as any of the attempts may get; then for as long as it did get.
    armed = dead_man.arm(aws, run, plan.deadline(max_hours + wait_s / 3600))

    def request_for(attempt):
        rivals.refuse_superfluous(aws, run)
        return _request(aws, run, image, attempt, max_hours)

    instance, _attempt = capacity.launch_first(
        aws.ec2_launch,
        attempts.numbered(run, ladder, after),
        request_for,
        lambda attempt, token: attempts.note(run, attempt, token),
        lambda refusal: attempts.refused(run, refusal),
        wait_s,
    )
    if armed:
        dead_man.arm(aws, run, run.deadline)
    return instance, notes


def _prepare(aws, run, max_hours, zones):
    """(attempts, notes, image): the ladder, and the image and group that all of its machines get."""
    settings = aws.settings
    if attempts.answered(run):  # else the request is repeated to the letter, deadline and all
        run.deadline = plan.deadline(max_hours)
    ladder, notes = capacity.ladder(aws.ec2, settings.instance_types, zones, _market(settings, run))
    architecture = images.architecture_of(ladder[0].instance_type)
    image = images.find(aws.ssm, aws.ec2, settings.image, settings.region, architecture)
    run.user = settings.login_user or images.login_user(image)
    for instance_type in {attempt.instance_type for attempt in ladder}:
        images.check_architecture(image, instance_type)
    run.group_id = network.ensure_group(aws.ec2, None, ec2.tags_for(run, aws.owner))
    runs.save(run)
    return ladder, notes, image


def _market(settings, run):
    """The market to ask: after a loss whatever there is, after too many no more spot."""
    if settings.market == "on-demand" or run.losses > settings.spot_losses:
        return "on-demand"
    return "spot-then-on-demand" if run.losses else settings.market


def _request(aws, run, image, attempt, max_hours):
    """Arguments of run_instances for one attempt; its price gives the deadline that goes into the user-data."""
    limit = plan.limit(aws, attempt.instance_type, attempt.market, attempt.zone, image.root_gib)
    if not attempts.repeats(run, attempt):  # else the request must be the same to the letter, or its token is refused
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


def _client_public_key(run):
    return own_key.public_half(run.key).read_text().strip()
