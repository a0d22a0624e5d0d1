"""Other checkouts that work on the same run: at most one machine, and nobody ends what another puts to work.

They have nothing in common but AWS, which knows no compare-and-set. So whoever replaces a machine looks whether one is
still wanted right before each request; those who replace the same machine ask with the same token, and get one for all
(attempts.py); and should two have been had nevertheless, ec2.find names the same one to both, and the other is ended.
"""

from remote import ec2, run_volume, tags
from remote.errors import Busy, NotFound


class Anothers(Busy):
    """The run's machine is one that another checkout puts to work: whoever finds that must not end it."""


def owns(run, instance):
    """Was the instance launched from this checkout? It is whose key it has."""
    return not run.borrowed and tags.tags_of(instance).get(ec2.HOST_KEY, run.host_key) == run.host_key


def refuse(run, instance):
    """When two checkouts ask for the same machine AWS gives it to both; one may use it. Raises Anothers.

    If the other has died meanwhile, the machine ends itself after start_minutes.
    """
    if not owns(run, instance):
        raise Anothers(f"Another checkout has launched a machine for {run.id}. Watch it: bin/fab follow --run {run.id}")


def refuse_superfluous(aws, run):
    """Look right before a machine is asked for whether the run still wants one; before its job's start nobody else can.

    Raises Anothers when another checkout has got one meanwhile, NotFound when it has even brought the results home.
    """
    if not run.started:
        return
    instance, volume = ec2.find(aws.ec2, run.id), run_volume.find(aws, run)
    if ec2.alive(instance):
        refuse(run, instance)
    elif tags.PULLED in tags.tags_of(instance or {}) or (volume and tags.PULLED in volume.tags):
        raise NotFound(f"{run.id} has ended: its results are home, here or in another checkout. See: bin/fab reap")
    elif not volume:
        raise NotFound(
            f"{run.id} has neither an instance nor a volume any more: it was ended, or somebody deleted them."
        )


def give_way(aws, run, instance):
    """End the instance that was just launched if another checkout's is the run's. Raises Anothers."""
    first = ec2.find(aws.ec2, run.id) if run.started else None
    if ec2.alive(first) and not owns(run, first):
        if owns(run, instance):
            ec2.terminate(aws.ec2, instance["InstanceId"])
        refuse(run, first)


def withdraw(aws, run):
    """End this checkout's own instances alone, if others' are alive. Returns whether there are any."""
    living = ec2.living(aws.ec2, run.id) if run.started and not run.host else []
    if all(owns(run, instance) for instance in living):
        return False
    for instance in living:
        if owns(run, instance):
            ec2.terminate(aws.ec2, instance["InstanceId"])
    return True
