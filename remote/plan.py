"""What a run will use and cost at most, worked out before anything is rented."""

import dataclasses
import datetime
from concurrent.futures import ThreadPoolExecutor

from jobs.parameters import describe
from remote import catalog, ec2, prices, tables
from remote.errors import Usage
from remote.settings import MARKETS

LEAST_HOURS = 0.05  # a machine that may not live longer has been paid for nothing
MACHINES = {  # what a person wants to know of a type; AWS is asked for all else
    "g4dn": "T4 16 GB",
    "g5": "A10G 24 GB",
    "g6": "L4 24 GB",
    "g6e": "L40S 48 GB",
    "p4d": "8 x A100 40 GB",
    "p5": "H100 80 GB",
}


@dataclasses.dataclass(frozen=True)
class Limit:
    """How long a machine may live, what that costs at most, and the hourly price behind it, all in dollars."""

    instance_type: str
    market: str
    price: prices.Price
    hours: float
    hourly: float

    @property
    def most_dollars(self):
        return self.hours * self.hourly

    @property
    def seconds(self):
        return int(self.hours * 3600)


def limit(aws, instance_type, market, zone=None, root_gib=prices.ROOT_GIB):
    """The Limit of one machine at today's price. market: "on-demand" or "spot". root_gib: of the image."""
    if market == "spot":
        price = prices.spot(aws.ec2, instance_type, zone)
    else:
        price = prices.on_demand(aws.pricing, instance_type, aws.settings.region)
    return limit_at(aws.settings, instance_type, market, price, root_gib)


def limit_at(settings, instance_type, market, price, root_gib=prices.ROOT_GIB):
    """The Limit of one machine at a Price under the settings."""
    disks_gib = (settings.volume_gib, root_gib + ec2.ROOT_GIB_MORE)
    hours = prices.deadline_hours(price, disks_gib[0], settings.max_cost, settings.max_hours, disks_gib[1])
    hourly = prices.hourly_dollars(price, *disks_gib)
    if hours < LEAST_HOURS:
        raise Usage(
            f"max_cost of ${settings.max_cost:g} pays for {hours * 60:.2g} minutes of {machine(instance_type)}, which "
            f"takes as long to start. Expected ${hourly * LEAST_HOURS:.2f} at least, or other instance_types."
        )
    return Limit(instance_type, market, price, hours, hourly)


def ladder(aws):
    """A Limit for each machine of the settings, in the order in which they will be tried."""
    rungs = _rungs(aws.settings)
    _clients = aws.ec2, aws.pricing  # made here, for boto3 makes them in one thread only
    with ThreadPoolExecutor(len(rungs)) as pool:
        return list(pool.map(lambda rung: limit(aws, *rung), rungs))


def ladder_unasked(settings):
    """The same at the prices of the dated table: nobody is asked."""
    priced = [(*rung, prices.unasked(*rung, settings.region)) for rung in _rungs(settings)]
    return [limit_at(settings, *rung) for rung in priced]


def _rungs(settings):
    """(type, market) in the order in which they will be tried."""
    types = dict.fromkeys(living(kind) for kind in settings.instance_types)
    return [(kind, market) for market in MARKETS[settings.market] for kind in types]


def living(instance_type):
    """The type itself, or what stands in for one that AWS has retired."""
    retired = prices.RETIRED.get(instance_type)
    return retired.replacement if retired else instance_type


def notes(aws):
    """A line for each type asked for that AWS has retired: what it was, what replaces it."""
    return [f"{kind}: {prices.RETIRED[kind]}" for kind in aws.settings.instance_types if kind in prices.RETIRED]


def deadline(hours):
    """The moment that is so many hours from now, ISO 8601 in UTC."""
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)
    return moment.isoformat(timespec="seconds")


def machine(instance_type):
    """ "g4dn.xlarge (T4 16 GB)"."""
    name = MACHINES.get(instance_type.partition(".")[0])
    return f"{instance_type} ({name})" if name else instance_type


def table(limits):
    """The ladder as lines of text: what each machine costs an hour and at most, and who says so."""
    columns = ("machine", "market", "$/hour", "hours", "$ at most", "price from")
    return tables.table(columns, [_row(one) for one in limits])


def _row(one):
    source = f"{one.price.source}, {one.price.as_of}"
    return machine(one.instance_type), one.market, one.hourly, f"{one.hours:.2f}", f"{one.most_dollars:.2f}", source


def sentence(run, limits):
    """The plan in one line, for the story of a run. limits: from ladder(), empty for a machine of the user's own."""
    if run.host:
        return f"{run.jobs} on {run.host}, a machine of yours: nothing is rented, nothing ends it"
    first, others = limits[0], len(limits) - 1
    more = f" (or {others} other{'s' if others > 1 else ''})" if others else ""
    return (
        f"{run.jobs} on {machine(first.instance_type)} {first.market}{more}, ${first.hourly:.3f}/h in all;"
        f" at most {max(one.hours for one in limits):.2g} h and ${max(one.most_dollars for one in limits):.2f}"
    )


def as_dict(run, limits):
    """The plan for programs."""
    fields = ("instance_type", "market", "hours", "hourly", "most_dollars")
    found = [{name: getattr(one, name) for name in fields} | {"price": dataclasses.asdict(one.price)} for one in limits]
    return {**run.turns[0], "then": run.then, "ladder": found}


def parameter_table(run):
    """The parameters of each job as lines: name, value, what it is, what is allowed."""
    tables_of = ["\n".join(_parameter_lines(turn["job"], turn["parameters"])) for turn in run.turns]
    if not run.then:
        return tables_of[0]
    return "\n\n".join(f"{turn['job']}\n{lines}" for turn, lines in zip(run.turns, tables_of, strict=True))


def _parameter_lines(job, parameters):
    for name, kind, default, text, allowed in describe(catalog.parameters_class(job)):
        given = "" if parameters[name] == default else f"   (default {default!r})"
        limits = f"{kind}, {allowed}" if allowed else kind
        yield f"{name} = {parameters[name]!r}".ljust(28) + f"{text}; {limits}{given}"
