"""Can a run start? Each thing that one needs is looked at, told in a line with what mends it, and nothing is changed.

A check is a function that returns what is fine, in words, or raises the Failure that a run would end with. A Doubt is
a Failure that doesn't stop a run.
"""

import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NoAnswer

from remote import account, permissions, this_machine
from remote.doubt import Doubt
from remote.errors import Denied, Failure, NoCapacity, NotFound, TimedOut, Usage
from remote.explain import aws_errors, explain

WITHIN_S = 15  # for all together; each call has shorter limits of its own
WORST_FIRST = (Denied, NoCapacity, NotFound, Usage, TimedOut)

LOCAL = {
    "python": this_machine.python,
    "ssh": this_machine.ssh,
    "rsync": this_machine.rsync,
    "disk": this_machine.disk,
    "address": this_machine.address,
}
ACCOUNT = {
    "permissions": permissions.all_allowed,
    "quota": account.quota,
    "deadline": account.deadline,
    "image": account.image,
    "zones": account.zones,
    "volume": account.volume,
}
OTHER_REGION = {"quota": account.quota, "image": account.image, "zones": account.zones}


@dataclasses.dataclass(frozen=True)
class Finding:
    """What a check has found. failure: None when all is well."""

    check: str
    says: str
    failure: Failure | None = None

    @property
    def state(self):
        """ok, doubt or wrong."""
        if self.failure is None:
            return "ok"
        return "doubt" if isinstance(self.failure, Doubt) else "wrong"


def examine(aws):
    """A Finding for each check; AWS is asked for more than its name only once it accepts the credentials."""
    asked = account.clients(aws)  # here, for boto3 makes clients in one thread only
    pool = ThreadPoolExecutor(max_workers=12)
    ends = time.monotonic() + WITHIN_S
    try:
        local = {name: pool.submit(check, aws) for name, check in LOCAL.items()}
        clock = pool.submit(account.clock, asked)
        found = [_finding("credentials", pool.submit(account.credentials, asked), ends)]
        found.append(_finding("clock", clock, ends))
        known = found[0].failure is None
        more = {name: pool.submit(check if known else _unknown, asked) for name, check in ACCOUNT.items()}
        for region in aws.settings.other_regions if known else ():
            there = account.clients(aws.in_region(region))
            more |= {f"{name} {region}": pool.submit(_aside, check, there) for name, check in OTHER_REGION.items()}
        return found + [_finding(name, future, ends) for name, future in (more | local).items()]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _unknown(_asked):
    raise Doubt("not asked: credentials come first")


def _aside(check, asked):
    """The check of a region that is only asked when the first has no machine: what is wrong there stops no run."""
    try:
        return check(asked)
    except Failure as failure:
        raise Doubt(failure.message) from None
    except aws_errors() as error:
        raise Doubt(explain(error).message) from None


def _finding(check, future, ends):
    """What a check returned or raised, on one line; that it took too long."""
    try:
        return Finding(check, _line(future.result(max(0.0, ends - time.monotonic()))))
    except NoAnswer:
        failure = TimedOut(f"no answer within {WITHIN_S} s. Check the network and any proxy, then try again.")
    except (Failure, *aws_errors()) as error:
        failure = explain(error)
    return Finding(check, _line(failure.message), failure)


def _line(text):
    return " ".join(text.split())


def verdict(found):
    """None when a run can start; else a Failure of the worst kind that was found."""
    wrong = [one for one in found if one.state == "wrong"]
    if not wrong:
        return None
    kind = next((kind for kind in WORST_FIRST if any(isinstance(one.failure, kind) for one in wrong)), None)
    words = ", ".join(one.check for one in wrong)
    return (kind or type(wrong[0].failure))(f"A run can't start: {words}. The lines above say what mends it.")


def as_text(found):
    """The Findings for people, a line each."""
    width = max(12, *(len(one.check) for one in found))
    return "\n".join(f"{one.state:<6} {one.check:<{width}} {one.says}" for one in found)


def as_dicts(found):
    """The Findings for programs. exit_code: what a run would end with; 0 where it would not end."""
    codes = [one.failure.exit_code if one.failure else 0 for one in found]
    rows = zip(found, codes, strict=True)
    return [{"check": one.check, "state": one.state, "says": one.says, "exit_code": code} for one, code in rows]
