"""How a run ended, or where it is, in a few words."""

import dataclasses

from remote import follow

STOPPED = 143  # the job was asked to stop, and has saved


@dataclasses.dataclass(frozen=True)
class Verdict:
    """kind: good, bad, doubtful or open, for its colour."""

    kind: str
    text: str


def of(run):
    """The Verdict on a run, in whatever state it is."""
    if run.exit_code is None:
        return _unfinished(run)
    if run.pulled == "discarded":
        return Verdict("doubtful", "ended; its results were thrown away")
    home = "results verified" if run.pulled else "results not home"
    if run.exit_code == 0 and run.stall:
        return Verdict("doubtful", f"finished, but stalled to the last ({run.stall}), {home}")
    if run.exit_code == 0:
        return Verdict("good" if run.pulled else "doubtful", f"finished, {home}")
    if run.exit_code == STOPPED:
        why = f" ({run.stall})" if run.stall else ""
        return Verdict("doubtful", f"stopped before its end{why}, saved, {home}")
    how = {follow.LOST: "was lost: its machine or its wrapper died", follow.TAKEN: "machine taken back by AWS"}
    return Verdict("bad", f"{how.get(run.exit_code, f'failed with exit code {run.exit_code}')}; {home}")


def _unfinished(run):
    if run.closed:
        return Verdict("bad", "ended before its job did" if run.started else "its job never started")
    if run.stall:
        return Verdict("bad", f"at work, but stalled: {run.stall}")
    return Verdict("open", {"planned": "not launched yet", "launched": "being prepared"}.get(run.state, "at work"))
