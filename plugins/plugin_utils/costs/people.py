# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""A row for each person, viewer, shared resource and unmanaged instance. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from .facts import Facts, time_of
from .ledger import Entry, Whose, grouped, hours, total, unpriced
from .lives import ON
from .saved import Stop, at_most

Row = dict[str, Any]


class Stops:
    """The ends of runs, by instance and owner."""

    def __init__(self, facts: Facts) -> None:
        self.auto = defaultdict[tuple[str, Whose], list[Stop]](list)
        for stop in facts.stops:
            self.auto[stop.run.instance, facts.managed.whose(stop.run.instance, stop.run.tags)].append(stop)
        self.all = Counter(
            (run.instance, facts.managed.whose(run.instance, run.tags))
            for life in facts.lives
            for run in life.runs(facts.since, facts.until)
            if run.is_over
        )


def people_rows(facts: Facts) -> list[Row]:
    """A row for each person, viewer, shared resource and unmanaged instance; their sum is the total."""
    last = grouped(facts.last, lambda entry: entry.whose)
    mine = grouped(facts.entries, lambda entry: entry.whose)
    stops = Stops(facts)
    rows = [_person(whose, mine.get(whose, []), last.get(whose, []), facts, stops) for whose in {**mine, **last}]
    return sorted(rows, key=lambda row: (-row["total"], row["name"], row["team"]))


def _person(whose: Whose, entries: list[Entry], last: list[Entry], facts: Facts, stops: Stops) -> Row:
    instances = sorted({entry.instance for entry in entries if entry.instance})
    there = [
        facts.there[name]
        for name in instances
        if name in facts.there and facts.managed.whose(name, facts.there[name].tags) == whose
    ]
    types = [each.instance_type for each in there] or [entry.kind for entry in entries if entry.what == "instance"][-1:]
    auto = [stop for name in instances for stop in stops.auto.get((name, whose), ())]
    own = sum(stop.run.end >= facts.since for stop in auto)
    usd = {what: total(each) for what, each in grouped(entries, lambda entry: entry.what).items()}
    latest = max(auto, key=lambda stop: stop.run.end, default=None)
    return {
        "name": whose.name,
        "kind": whose.kind,
        "team": whose.team,
        "instances": instances,
        "type": ", ".join(sorted(set(types))),
        "is_on": any(each.status in ON for each in there),
        "hours": hours(entries),
        "instance": usd.get("instance", 0.0),
        "volume": usd.get("volume", 0.0),
        "shared": usd.get("shared", 0.0),
        "total": total(entries),
        "unpriced": unpriced(entries),
        "last": total(last) if facts.knows_last else None,
        "last_hours": hours(last) if facts.knows_last else None,
        "stopped_by_autostop": own,
        "stopped_otherwise": sum(stops.all[name, whose] for name in instances) - own,
        "saved_at_most": at_most(auto, facts.prices.rates, facts.since, facts.until)[1],
        "last_stop": {"time": time_of(latest.run.end, facts), "reason": latest.line.reason} if latest else None,
    }
