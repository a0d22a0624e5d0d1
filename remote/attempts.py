"""What a run's record says of each request for an instance: noted before it is sent, then with AWS's answer."""

import dataclasses

from remote import capacity, runs

FIELDS = {field.name for field in dataclasses.fields(capacity.Attempt)}
TOLD = {name: name for name in ("instance_type", "zone", "market", "message", "times", "at")} | {"code": "refused"}
SAME = ("after", "instance_type", "zone", "market", "refused")  # what makes two refusals one


def numbered(run, attempts, after):
    """The attempts to replace the instance `after` ("" for a run's first), numbered on from where the record ends.

    Every checkout begins with 0 for the same `after`: those who ask for the same replacement ask with the same token.
    An attempt whose answer nobody saw goes first, under its old number: the same token finds the same instance.
    """
    attempts = [dataclasses.replace(attempt, after=after) for attempt in attempts]
    last = _last(run)
    if not answered(run):
        return [last, *(attempt for attempt in attempts if attempt != dataclasses.replace(last, number=0))]
    if last is None or last.after != after:
        return attempts
    return [dataclasses.replace(attempt, number=last.number + 1) for attempt in attempts]


def answered(run):
    """Has every attempt of the run been granted or refused, as far as this record knows?"""
    return not run.attempts or not {"instance", "refused"}.isdisjoint(run.attempts[-1])


def repeats(run, attempt):
    """Is it the attempt that was noted last, to be sent once more?"""
    return attempt == _last(run)


def note(run, attempt, token):
    """Write down what is about to be asked for, before it is asked for."""
    if not repeats(run, attempt):
        run.attempts.append({"at": runs.now(), "token": token, **dataclasses.asdict(attempt)})
    runs.save(run)


def refused(run, refusal):
    """Write down AWS's no, its code and words. The same no once more is counted: AWS may be asked for hours."""
    last = run.attempts.pop() | {"refused": refusal.code, "message": refusal.message, "times": 1}
    for earlier in run.attempts:
        if [earlier.get(name) for name in SAME] == [last[name] for name in SAME]:
            last["times"] += earlier["times"]
            run.attempts.remove(earlier)
            break
    run.attempts.append(last)
    runs.save(run)


def granted(run, instance_id):
    """Note which instance the last attempt has made; for the caller to save."""
    if not answered(run):
        run.attempts[-1]["instance"] = instance_id


def refusals(run):
    """What AWS has refused the run, oldest first: dicts with type, zone, market, code, message, times and last time."""
    return [{key: one.get(name) for key, name in TOLD.items()} for one in run.attempts if "refused" in one]


def told(refusal):
    """One of refusals() for people."""
    times = f" ({refusal['times']} times)" if (refusal["times"] or 1) > 1 else ""
    where = f"{refusal['instance_type']} in {refusal['zone']}, {refusal['market']}"
    return f"{where}: {refusal['code']}: {refusal['message']}{times}"


def _last(run):
    """The attempt that was noted last, or None."""
    if not run.attempts:
        return None
    return capacity.Attempt(**{name: value for name, value in run.attempts[-1].items() if name in FIELDS})
