"""What a run says at its end, and when it stops half-way: where things are, what they cost, what to type next."""

from remote import follow, history, host, plan, runs, story


def ended(aws, run):
    """The last lines: where the results are, what they cost, what to type next."""
    if not run.host:
        _say_cost(aws, run)
    story.say("" if not run.host else "report", f"Results: {run.folder}/out/   log: {run.log}")
    if (run.folder / "out/samples").exists():
        story.say("", f"Next: bin/sample.sh --run {run.id} --temperature 0.8")


def _say_cost(aws, run):
    minutes = runs.seconds(run.launched, run.closed) / 60
    free = "; nothing was charged, this EC2 is on your own machine" if host.is_loopback(aws.endpoint_url) else ""
    story.say(
        "report",
        f"{minutes:.1f} min of {plan.machine(run.instance_type)}: ${history.cost(run):.3f} ({run.price_source}){free}",
    )


def whats_left(run):
    """What to type when the instance of a run is gone."""
    if run.pulled:
        return f"Its results are home: {run.folder}/out/."
    if run.started:
        return f"Its results are on the volume; bring them home: bin/fab pull --run {run.id}"
    return f"Its job never started. Start another: bin/fab train --job {run.job}"


def detached(run):
    """What to type after a Ctrl-C."""
    until = f", until {story.clock(run.deadline)} at most" if run.deadline else ""
    return (
        f"Detached: {run.job} goes on without you{until}.\n"
        f"  watch it again:        bin/fab follow --run {run.id}\n"
        f"  stop it, keep results: bin/fab terminate --run {run.id}"
    )


def followed(run):
    """What `follow` says when there is nothing more to show."""
    if run.exit_code == follow.TAKEN:
        return f"AWS has taken the machine of {run.id} back. Go on with another: bin/fab resume --run {run.id}"
    how = "was lost" if run.exit_code == follow.LOST else f"ended with {run.exit_code}"
    return f"{run.job} {how}. Next: bin/fab pull, then bin/fab terminate"


def job_failed(run):
    """How the job ended, and the last lines of its log."""
    lines = run.log.read_bytes().decode(errors="replace").strip().splitlines() if run.log.exists() else []
    tail = "\n".join(f"  {story.printable(line)}" for line in lines[-5:])
    how = "was lost: its machine or its wrapper died" if run.exit_code == follow.LOST else f"ended with {run.exit_code}"
    return f"{run.job} {how}. What it wrote is in {run.folder}/. The last lines of its log:\n{tail}"
