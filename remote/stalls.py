"""Stalls, as scripts/watch-stalls.sh finds them on the instance: recorded in the run, and told on."""

from remote import notify, runs, story


def heeding(aws, run, show):
    """show, which takes the frames of follow.watch, as a function that also records stalls and tells them on."""

    def heed(kind, value):
        if kind == "stall":
            record(aws, run, story.printable(value))
        show(kind, value)

    return heed


def record(aws, run, reason):
    """Write down why the run stalls; "" when it does no more. The log has said so already."""
    known, run.stall = run.stall, reason
    if reason == known:
        return
    runs.save(run)
    news = [one for one in reason.split("; ") if one not in known.split("; ")]
    if reason and news:
        notify.tell(aws.settings, run, "stall", f"has stalled: {'; '.join(news)}")
