"""What is left over and what is kept, as people and programs read it."""

import dataclasses
import datetime

from remote import orphans, tables, volumes


def orphans_as_dicts(found):
    """Orphans for programs: age in seconds."""
    return [dataclasses.asdict(one) | {"age": one.age and round(one.age.total_seconds())} for one in found]


def orphans_as_text(found, ended, regions):
    """Orphans for people. ended: whether they have been ended by now. regions: how many were asked."""
    asked = f"{regions} region{'s' if regions > 1 else ''}"
    if not found:
        return f"Nothing is left over in {asked}."
    columns = ("what", "id", "region", "age", "$/day", "why", "what is done")
    rows = [
        (one.kind, one.id, one.region, one.age and tables.age(one.age), one.dollars_per_day, one.reason, one.action)
        for one in found
    ]
    due = sum(one.action != orphans.KEEP for one in found)
    dollars = sum(one.dollars_per_day or 0 for one in found)
    if ended:
        last = f"{due} ended in {asked}."
    else:
        last = f"${dollars:.2f} a day in {asked}. Nothing was changed." + (
            " End them: bin/fab reap --yes" if due else ""
        )
    return f"{tables.table(columns, rows)}\n\n{last}"


def volumes_as_dicts(found):
    """Volumes for programs."""
    return [
        dataclasses.asdict(one)
        | {"created": one.created.isoformat(), "dollars_per_month": volumes.monthly_dollars(one)}
        for one in found
    ]


def volumes_as_text(found):
    """Volumes for people: age, size, dollars a month, attached to what."""
    if not found:
        return "No volume. A run makes its own; one that outlives runs: bin/fab train --job NAME --volume NAME"
    now = datetime.datetime.now(datetime.UTC)
    columns = ("name", "id", "zone", "GiB", "age", "$/month", "state", "attached to")
    rows = [
        (
            one.name,
            one.id,
            one.zone,
            one.size_gib,
            tables.age(now - one.created),
            volumes.monthly_dollars(one),
            one.state,
            one.attached_to,
        )
        for one in found
    ]
    return tables.table(columns, rows)
