"""The life of a run in the order in which it was lived: how long each step took, and what it cost."""

import dataclasses

from remote import prices, runs

MEANING = {
    "launch": "finding and starting a machine",
    "boot": "until it answered SSH",
    "volume": "its disk made, attached, mounted",
    "copy": "jobs, scripts and data sent",
    "start": "environment prepared, job started",
    "job": "the job at work",
    "pull": "results brought home and verified",
    "end": "machine ended",
}
KINDS = {"job": "job", "pull": "home", "end": "home"}  # for its colour; all else prepares
WAITED_S = 5  # less between two steps is not worth a word


@dataclasses.dataclass(frozen=True)
class Step:
    """dollars: None where nothing is rented. share: percent of the whole life."""

    name: str
    meaning: str
    kind: str
    seconds: float
    dollars: float | None
    share: float


def steps(run):
    """The Steps of a run; what its machine lived between them, unused, is the last."""
    lived = [(str(name), max(0.0, float(seconds))) for name, seconds in run.timeline]
    idle = runs.seconds(run.launched, run.closed) - sum(seconds for name, seconds in lived if name != "launch")
    waited = [("waited", idle)] if run.launched and run.closed and idle >= WAITED_S else []
    whole = sum(seconds for _, seconds in lived + waited) or 1.0
    return [_step(run, name, seconds, whole) for name, seconds in lived + waited]


def _step(run, name, seconds, whole):
    meaning = MEANING.get(name, "machine unused: nobody was there to go on" if name == "waited" else "")
    kind = KINDS.get(name, "idle" if name == "waited" else "setup")
    return Step(name, meaning, kind, seconds, _dollars(run, seconds), round(100 * seconds / whole, 3))


def _dollars(run, seconds):
    if run.host or not run.dollars_per_hour:
        return None
    price = prices.Price(run.dollars_per_hour, run.price_source, "")
    return prices.run_cost(price, run.volume_gib, seconds / 3600)


def attempts(run):
    """[(time, machine, zone, market, what AWS answered)] of every launch, oldest first."""
    columns = ("at", "instance_type", "zone", "market")
    return [(*(str(one.get(key, "")) for key in columns), _answer(one)) for one in run.attempts]


def _answer(attempt):
    """The instance, or AWS's code and words."""
    if "refused" not in attempt:
        return attempt.get("instance", "no answer seen")
    times = f" ({attempt['times']} times)" if attempt.get("times", 1) > 1 else ""
    return f"{attempt['refused']}: {attempt.get('message', '')}{times}"
