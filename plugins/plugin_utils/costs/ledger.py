# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The cost of each instance, volume and shared resource on each day: every sum of a report adds these lines. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import NamedTuple, TypeVar

from .lives import Life, Span
from .periods import month_seconds, pieces

HOUR = 3600
PLATFORM, UNMANAGED = "platform", "unmanaged"
Key = TypeVar("Key", bound=Hashable)


class Whose(NamedTuple):
    """The person, team or part of the platform that pays."""

    kind: str  # person, platform or unmanaged
    name: str  # the person; else the instance, or the shared resource
    team: str


@dataclass(frozen=True)
class Entry:
    """One line: an instance, volume or shared resource on one day."""

    day: date
    whose: Whose
    instance: str  # "" for shared resources
    what: str  # instance, volume or shared
    kind: str  # the type, "volume", or the shared resource
    seconds: float
    usd: float | None  # None: there is no price


@dataclass(frozen=True)
class Rates:
    """The known prices."""

    instances: Mapping[str, float]  # USD an hour
    volume: float | None = None  # USD a GiB-month


@dataclass(frozen=True)
class Managed:
    """The person and team of an instance, by the inventory or by its tags."""

    platform: str  # the value of the tag `platform`
    people: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # by instance: person and team; no team: viewer

    def whose(self, instance: str, tags: Mapping[str, str]) -> Whose:
        """The person and team that pay for a span of this instance; earlier costs stay with the earlier team."""
        person, team = self.people.get(instance, ("", ""))
        is_ours = instance in self.people or tags.get("platform") == self.platform
        if not is_ours:
            return Whose(UNMANAGED, instance, UNMANAGED)
        team, owner = tags.get("team") or team or PLATFORM, tags.get("owner") or person
        if team == PLATFORM or not owner:
            return Whose(PLATFORM, instance, PLATFORM)
        return Whose("person", owner, team)


def entries_of(
    lives: Iterable[Life], rates: Rates, managed: Managed, since: datetime, until: datetime, zone: tzinfo
) -> Iterator[Entry]:
    """All lines of instances and volumes in a time."""
    for life in lives:
        for run in life.runs(since, until):
            yield from _of_run(run, rates, managed.whose(run.instance, run.tags), zone)
        for span in life.volumes(since, until):
            yield from _of_volume(span, rates, managed.whose(span.instance, span.tags), zone)


def _of_run(run: Span, rates: Rates, whose: Whose, zone: tzinfo) -> Iterator[Entry]:
    price = rates.instances.get(run.kind)
    for day, seconds in pieces(run.begin, run.end, zone):
        usd = None if price is None else price * seconds / HOUR
        yield Entry(day, whose, run.instance, "instance", run.kind, seconds, usd)


def _of_volume(span: Span, rates: Rates, whose: Whose, zone: tzinfo) -> Iterator[Entry]:
    is_known = rates.volume is not None and span.size is not None
    month = (rates.volume or 0) * (span.size or 0)
    for day, seconds in pieces(span.begin, span.end, zone):
        usd = month * seconds / month_seconds(day, zone) if is_known else None
        yield Entry(day, whose, span.instance, "volume", "volume", seconds, usd)


def total(entries: Iterable[Entry]) -> float:
    """The sum of all entries that have a price."""
    return sum(entry.usd or 0 for entry in entries)


def hours(entries: Iterable[Entry]) -> float:
    """The hours of instances."""
    return sum(entry.seconds for entry in entries if entry.what == "instance") / HOUR


def grouped(entries: Iterable[Entry], key: Callable[[Entry], Key]) -> dict[Key, list[Entry]]:
    """The lines, grouped by one of their properties."""
    groups = defaultdict[Key, list[Entry]](list)
    for entry in entries:
        groups[key(entry)].append(entry)
    return groups


def by_day(entries: Iterable[Entry]) -> dict[date, float]:
    """The cost of each day."""
    return {day: total(mine) for day, mine in grouped(entries, lambda entry: entry.day).items()}


def unpriced(entries: Iterable[Entry]) -> list[str]:
    """The entries without a price."""
    return sorted({entry.kind or "an unknown type" for entry in entries if entry.usd is None})
