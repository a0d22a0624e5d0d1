"""A machine that the user has already: reached by the user's own keys and known hosts, and left as it was found."""

from remote import host, runs, story

FOLDER = "gpu-jobs"  # in the user's home there; gone at the end
CONNECT_S = 20


def parse(destination):
    """(user, name, port) of "user@name:port"."""
    user, _, rest = destination.rpartition("@")
    name, _, port = rest.rpartition(":")
    return user, name, int(port)


def connect(aws, run):
    """The Host. Its key must be among the user's known hosts. Raises TimedOut, Denied."""
    user, name, port = parse(run.host)
    return host.connect(host.Login(name, user, None, None, aws.ssh_config, port), CONNECT_S)


def leave(aws, run):
    """Remove the run's folder there, unless it holds results that are not home."""
    if run.started and not run.pulled:
        story.say(
            "end", f"{run.host} keeps ~/{FOLDER}/runs/{run.id}: its results are not home (bin/fab pull --run {run.id})"
        )
        return
    with story.step("end", f"cleaning up on {run.host}", run.timeline) as told:
        machine, folder = connect(aws, run), f"{FOLDER}/runs/{run.id}"
        # The job may live: its results are thrown away, or its wrapper was killed. Without a folder there is no job.
        host.script(machine, "stop-job.sh", folder, 0, check=False)
        host.run(machine, f"rm -rf -- {host.quote(folder)}; rmdir {FOLDER}/runs {FOLDER} 2>/dev/null; true")
        told.append(f"nothing of the run is left on {run.host}")
    run.closed = run.closed or runs.now()
    runs.save(run)
