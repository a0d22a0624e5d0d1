"""The tags that make EC2 the database of runs: their names, and AWS's own form of them.

Whatever the tool makes carries them from the call that makes it, so that any machine with the credentials can find,
pull and end a run, and `reap` can tell what is left over.
"""

import datetime

RUN = "gpu-job:run"  # run id
JOB = "gpu-job:job"
OWNER = "gpu-job:owner"
DEADLINE = "gpu-job:deadline"  # after it nothing but a kept volume may live; ISO time, UTC
MANAGED = "gpu-job:managed"  # "true" on everything the tool makes, and on nothing else
PULLED = "gpu-job:pulled"  # SHA-256 of the manifest, once the results are home and verified
# On instance and volume, just before the job starts, and when: without it there are no results. On a named volume it is
# the id of the run that was started there last.
STARTED = "gpu-job:started"
# A data volume's name; the run id, when it lives for one run only; an instance's named volume.
VOLUME = "gpu-job:volume"
MOVED_FROM = "gpu-job:moved-from"  # the volume that a copy in another zone was made of
USER = "gpu-job:user:"  # + run id, on a rule that several runs share; its value is that run's deadline
SCHEDULE_PREFIX = "gpu-job-"  # of the names of our schedules, which have no tags
NAME = "Name"  # what the AWS console shows

SHARED = (MANAGED, OWNER)  # what a thing carries that belongs to no single run


def tag_list(tags):
    """{key: value} as AWS's list of pairs, without AWS's own tags, which nobody else may set."""
    return [{"Key": key, "Value": str(value)} for key, value in tags.items() if not key.startswith("aws:")]


def tag_specifications(tags, *resource_types):
    """The TagSpecifications of a creating call: the same tags for each resource type, such as "instance"."""
    return [{"ResourceType": resource_type, "Tags": tag_list(tags)} for resource_type in resource_types]


def tags_of(resource):
    """{key: value} of an instance, volume, ... as AWS describes it; {} when it has none."""
    return {tag["Key"]: tag["Value"] for tag in resource.get("Tags", ())}


def shared(tags):
    """The part of a run's tags that a thing used by several runs may carry."""
    return {key: tags[key] for key in SHARED if key in tags}


def filters(wanted):
    """The Filters of a describe call. wanted: {filter's name: a value, or a list of which any will do}."""
    values = {name: [value] if isinstance(value, str) else list(value) for name, value in wanted.items()}
    return [{"Name": name, "Values": value} for name, value in values.items()]


def iso(moment):
    """A time as the tags hold it: 2026-11-22T01:30:00Z. moment: an aware datetime."""
    return moment.astimezone(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def moment(text):
    """The aware datetime that a tag's text means; None when it is missing or no time."""
    try:
        parsed = datetime.datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=datetime.UTC)
