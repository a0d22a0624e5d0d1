"""What a run says at its end, and when it stops half-way: where things are, what they cost, what to type next."""

from remote import cloud, follow, history, plan, runs, story


def ended(aws, run):
    """The last lines: where the results are, what they cost, what to type next."""
    if not run.host:
        _say_cost(aws, run)
    where = f"Results: {run.folder}/out/   log: {run.log}   to look at: {run.folder}/report.html"
    story.say("" if not run.host else "report", where)
    if any((run.folder / "out").glob("**/samples")):
        story.say("", f"Next: bin/sample.sh --run {run.id} --temperature 0.8")
    if any((run.folder / "out").glob("**/plots/held-out.png")):
        story.say("", f"Next: bin/segment.sh PICTURE --run {run.id}")


def _say_cost(aws, run):
    minutes = runs.seconds(run.launched, run.closed) / 60
    free = "; nothing was charged, this EC2 is on your own machine" if cloud.is_loopback(aws.endpoint_url) else ""
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
    if run.ended:
        home = "its results are home" if run.pulled else "its results are not home yet"
        return (
            f"Stopped: {run.jobs} has ended and {home}. Its machine may run on{until}.\n"
            f"  finish what is left:   bin/fab terminate --run {run.id}"
        )
    return (
        f"Detached: {run.jobs} goes on without you{until}.\n"
        f"  watch it again:        bin/fab follow --run {run.id}\n"
        f"  stop it, keep results: bin/fab terminate --run {run.id}"
    )


def followed(run):
    """What `follow` says when there is nothing more to show."""
    if run.exit_code == follow.TAKEN:
        return f"AWS has taken the machine of {run.id} back. Go on with another: bin/fab resume --run {run.id}"
    how = "was lost" if run.exit_code == follow.LOST else f"ended with {run.exit_code}"
    return f"{run.jobs} {how}. Next: bin/fab pull, then bin/fab terminate"


def _last_lines(log, lines=5, at_most=2000):
    """The last lines of a file, of its last so many bytes; [] where there is none."""
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - at_most))
        return file.read().decode(errors="replace").strip().splitlines()[-lines:]


def job_failed(run):
    """How the job ended, and the last lines of its log."""
    tail = "\n".join(f"  {story.printable(line)}" for line in _last_lines(run.log))
    how = "was lost: its machine or its wrapper died" if run.exit_code == follow.LOST else f"ended with {run.exit_code}"
    why = f" It had stalled: {run.stall}." if run.stall else ""
    return f"{run.jobs} {how}.{why} What it wrote is in {run.folder}/.\nThe last lines of its log:\n{tail}"
