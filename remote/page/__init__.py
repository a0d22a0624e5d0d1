"""The page of a run, runs/<id>/report.html, and the page that compares runs: one file each, without network needs."""

from remote import story


def leave(run):
    """Write the page of a run that has ended. A page that can't be written is told of, and fails nothing."""
    try:
        from remote.page import write  # here, for most commands end no run and need not wait for it

        write.report(run)
    except Exception as failed:  # whatever came home: results are safe, and a page can be made again
        why = f"{type(failed).__name__}: {failed}"
        story.say("report", f"report.html could not be written ({why}); again: bin/fab report --run {run.id}")
