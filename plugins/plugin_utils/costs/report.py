# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The report of some months as plain data: the input of page, table and files. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .decide import decisions, idle_volumes, pending
from .facts import Facts, day_of, time_of
from .forecast import forecast, forecast_shared
from .ledger import PLATFORM, UNMANAGED, Entry, by_day, grouped, hours, total
from .lives import ON
from .people import people_rows
from .saved import Measured, at_most, measured
from .sources import sources, warnings

Row = dict[str, Any]
BASELINE = "as if each instance that autostop stopped had run until its owner was back"


def make_report(facts: Facts) -> Row:
    """The whole report."""
    teams = list(_teams(facts))
    prices = facts.prices
    return {
        "platform": facts.managed.platform,
        "months": str(facts.period),
        "label": facts.period.label,
        "last_label": facts.period.before.label if facts.is_a_month else "",
        "now": time_of(facts.now, facts),
        "zone": str(facts.period.zone),
        "region": prices.region,
        "prices": {
            "date": prices.date,
            "source": prices.source,
            "instances": dict(prices.rates.instances),
            "volume": prices.rates.volume,
        },
        "sources": list(sources(facts)),
        "warnings": list(warnings(facts)),
        "paid_requests": facts.billed.requests,
        "is_current": facts.is_current,
        **_totals(facts, teams),
        "saved": _saved(facts),
        "running": _running(facts),
        "teams": teams,
        "days": _days(facts.entries),
        "all_days": [str(day) for day in facts.period.days],
        "decide": decisions(facts, teams) if facts.is_current else [],
        "pending": pending(facts, _hours_by_instance(facts.last)) if facts.is_current else [],
        "people": people_rows(facts),
    }


def _totals(facts: Facts, teams: Iterable[Mapping[str, Any]]) -> Row:
    with_forecast = facts.is_current and facts.is_a_month
    volumes = [entry for entry in facts.entries if entry.what == "volume"]
    before, elapsed = facts.period.before, facts.until - facts.period.begin
    same_days = facts.between(before.begin, min(before.begin + elapsed, before.end)) if facts.knows_last else []
    return {
        "total": total(facts.entries),
        "forecast": sum(team["forecast"] for team in teams) if with_forecast else None,
        "last": total(facts.last) if facts.knows_last else None,
        # Shared resources are billed by the day: they are left out of both.
        "against_last": total(_own(facts.entries)) - total(same_days) if facts.knows_last else None,
        "volumes": total(volumes),
        "volumes_idle": sum(idle_volumes(facts).values()) if facts.is_current else None,
    }


def _own(entries: Iterable[Entry]) -> Iterator[Entry]:
    return (entry for entry in entries if entry.what != "shared")


def _teams(facts: Facts) -> Iterator[Row]:
    """Each team, then the platform and unmanaged instances."""
    mine = grouped(facts.entries, lambda entry: entry.whose.team)
    last = grouped(facts.last, lambda entry: entry.whose.team)
    names = {*mine, *last, *facts.budgets, *(team for _person, team in facts.managed.people.values() if team)}
    end = (PLATFORM, UNMANAGED)
    for name in [*sorted(names - {*end}), *(each for each in end if each in names)]:
        so_far = total(mine.get(name, ()))
        more = _to_come(facts, [*last.get(name, ()), *mine.get(name, ())])
        yield {
            "name": name,
            "total": so_far,
            "forecast": None if more is None else so_far + more,
            "budget": facts.budgets.get(name),
            "last": total(last.get(name, ())) if facts.knows_last else None,
        }


def _to_come(facts: Facts, entries: list[Entry]) -> float | None:
    if not (facts.is_current and facts.is_a_month):
        return None
    end, begin = facts.period.last.plus(1).first, facts.period.before.begin
    since = max(facts.usage.since or facts.now, begin).astimezone(facts.period.zone).date()
    shared = by_day(entry for entry in entries if entry.what == "shared")
    return forecast(by_day(_own(entries)), since, facts.today, end) + forecast_shared(shared, end)


def _saved(facts: Facts) -> Row | None:
    """The exact upper bound, and the measurement of observe mode if there is one; None without a line of autostop."""
    if not facts.usage.lines:
        return None
    spared, usd = at_most(facts.stops, facts.prices.rates, facts.since, facts.until)
    base = measured(facts.lives, facts.usage.lines, facts.usage.since or facts.since, facts.now)
    found: Row = {"hours": spared, "usd": usd, "baseline": BASELINE, "measured": None}
    paid = _paid_since(facts, base) if base else 0.0
    if base and paid and base.hours > base.after:
        found["measured"] = {
            "usd": base.saved(paid),
            "instances": len(base.instances),
            "share": base.after / base.hours,
            "hours": base.hours,
            "from": day_of(base.first, facts),
            "to": day_of(base.last, facts),
        }
    return found


def _paid_since(facts: Facts, base: Measured) -> float:
    """The costs of the observed instances since autostop began to stop them."""
    last = base.last.astimezone(facts.period.zone).date()
    return total(
        entry
        for entry in facts.entries
        if entry.what == "instance" and entry.instance in base.instances and entry.day > last
    )


def _running(facts: Facts) -> Row:
    running = [each for each in facts.instances if each.status in ON]
    rates = facts.prices.rates.instances
    return {
        "count": len(running),
        "of": len(facts.instances),
        "usd_per_hour": sum(rates.get(each.instance_type, 0) for each in running),
        "unpriced": sorted({each.instance_type for each in running if each.instance_type not in rates}),
    }


def _days(entries: Iterable[Entry]) -> list[Row]:
    """The cost of each team on each day."""
    return [
        {"day": str(day), "teams": {team: total(mine) for team, mine in sorted(grouped(rest, _team).items())}}
        for day, rest in sorted(grouped(entries, lambda entry: entry.day).items())
    ]


def _team(entry: Entry) -> str:
    return entry.whose.team


def _hours_by_instance(entries: Iterable[Entry]) -> dict[str, float]:
    return {name: hours(mine) for name, mine in grouped(entries, lambda entry: entry.instance).items() if name}
