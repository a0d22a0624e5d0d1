"""The holes that the matrix has found so far, each with the cases that showed it and its mend in the design."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hole:
    """cases: a shell pattern of their names. found: what was wrong. mend: what is otherwise now."""

    cases: str
    found: str
    mend: str


HOLES = (
    Hole(
        "*-steps.ensure_mounted/killed-*/elsewhere",
        "`fab follow` of a run whose job had never started connected again and again, until its machine's end",
        "`follow.sh` says that there is no job; `fab follow` exits 3, and `fab resume` starts the job",
    ),
    Hole(
        "*-transfer.*/killed-*/elsewhere",
        "another checkout took it for granted that a job had started: `fab follow` said that it was lost, and the"
        " volume, with nothing on it, was kept for ever",
        "a tag `gpu-job:started` on instance and volume, set just before the job starts; without it there are no"
        " results, `fab pull` says so at once, and `fab reap` deletes the volume",
    ),
    Hole(
        "*-DescribeVolumes-*/killed-*/deadline",
        "`fab pull` rented a machine for a volume on which nothing had ever been written, failed there, and kept the"
        " volume; so did every repetition",
        "nothing is rented where no job has started; a run folder without results is brought home as such",
    ),
    Hole(
        "*-steps.ensure_started/frozen-*/*",
        "(found by reading) the connection lost while the job was being started: the job ran, and the client undid the"
        " run, its results included",
        "that the job was started is written down before it is; only what certainly never started is undone",
    ),
    Hole(
        "*-RevokeSecurityGroupIngress/killed-after/resume",
        "`fab resume` of a run that had been pulled and ended, but for its record, rented another machine, found no"
        " volume, and left the machine running",
        "results that are home are final: `resume` only ends what is left",
    ),
    Hole(
        "*-DeleteSchedule/killed-*/resume",
        "a machine that was rented to go on with a lost run, and could not, stayed until `start_minutes` were over",
        "whatever stops it before the job goes on ends that machine; the volume stays",
    ),
    Hole(
        "*-steps.ensure_mounted/cut-*/resume",
        "a run that had been undone could not be resumed: its record named the deleted volume, and AWS would have"
        " answered the old token with it",
        "a run that never started gets a new volume, under a token of its own",
    ),
    Hole(
        "*-DescribeSecurityGroupRules-2/*-always/resume",
        "stopped between wiping a run off its rule and withdrawing it: the repetition no longer knew the rule as its"
        " own, and port 22 stayed open to the caller",
        "whoever ends a run withdraws every rule of the tool that no run holds",
    ),
)
