# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The facts for a report, from the modules and the inventory. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from .billed import Billed
from .ledger import Entry, Managed, Rates, entries_of
from .lives import Event, Instance, Life, read_lives, read_time
from .periods import Period
from .saved import Line, Stop, stops_of

Said = Mapping[str, Any]


@dataclass(frozen=True)
class Prices:
    """Rates and their source."""

    rates: Rates
    region: str = ""
    date: str = ""
    source: str = ""


@dataclass(frozen=True)
class Wish:
    """The settings of an instance in the inventory."""

    instance_type: str
    volume: int | None
    idle: int = 0  # the idle limit of its lifecycle configuration, in seconds; 0 is never


@dataclass(frozen=True)
class Usage:
    """The recorded events."""

    events: Sequence[Event] = ()
    lines: Sequence[Line] = ()
    since: datetime | None = None  # the first recorded moment; None: no event is recorded
    source: str = "events"


@dataclass(frozen=True)
class Facts:
    """The input of a report."""

    period: Period
    now: datetime
    managed: Managed
    instances: Sequence[Instance] = ()
    usage: Usage = field(default_factory=Usage)
    prices: Prices = field(default_factory=lambda: Prices(Rates({})))
    billed: Billed = field(default_factory=Billed)
    budgets: Mapping[str, float] = field(default_factory=dict)  # by team
    wishes: Mapping[str, Wish] = field(default_factory=dict)  # by instance
    denied: Sequence[str] = ()  # a sentence for each team that may not start instances now

    @cached_property
    def lives(self) -> list[Life]:
        """All instances, also removed ones."""
        return read_lives(self.usage.events, self.instances)

    @cached_property
    def _lives_by_name(self) -> dict[str, list[Life]]:
        found: dict[str, list[Life]] = {}
        for life in self.lives:
            found.setdefault(life.name, []).append(life)
        return found

    def lives_of(self, instance: str) -> list[Life]:
        """The lives of the instances with this name."""
        return self._lives_by_name.get(instance, [])

    @cached_property
    def there(self) -> dict[str, Instance]:
        """The existing instances, by name."""
        return {instance.name: instance for instance in self.instances}

    @property
    def until(self) -> datetime:
        """The end of the counted time."""
        return min(self.now, self.period.end)

    @property
    def since(self) -> datetime:
        """The begin of the counted time."""
        return min(max(self.usage.since or self.now, self.period.begin), self.until)

    @property
    def today(self) -> date:
        """The current day in the report's time zone."""
        return self.now.astimezone(self.period.zone).date()

    @property
    def is_current(self) -> bool:
        """Whether the last month is not over."""
        return self.now < self.period.end

    @property
    def is_a_month(self) -> bool:
        """Whether the report is about a single month, so that it can be compared with the month before."""
        return self.period.first == self.period.last

    @property
    def knows_last(self) -> bool:
        """Whether the month before can be counted."""
        return self.is_a_month and bool(self.usage.since and self.usage.since <= self.period.before.begin)

    @cached_property
    def entries(self) -> list[Entry]:
        """The entries of the report."""
        return [*self.between(self.since, self.until), *self.billed.shared(self.period)]

    @cached_property
    def last(self) -> list[Entry]:
        """The entries of the month before; [] if they are not known."""
        if not self.knows_last:
            return []
        before = self.period.before
        return [*self.between(before.begin, before.end), *self.billed.shared(before)]

    @cached_property
    def stops(self) -> list[Stop]:
        """The runs that autostop has ended; an earlier one may save in this time."""
        begin = min(self.usage.since or self.now, self.period.begin)
        return stops_of(self.lives, self.usage.lines, begin, self.until)

    def between(self, begin: datetime, end: datetime) -> list[Entry]:
        """The cost of instances and volumes in that time."""
        return list(entries_of(self.lives, self.prices.rates, self.managed, begin, end, self.period.zone))


def time_of(time: datetime, facts: Facts) -> str:
    """A time in the zone of the report, as text."""
    return f"{time.astimezone(facts.period.zone):%Y-%m-%d %H:%M}"


def day_of(time: datetime, facts: Facts) -> str:
    """The day in the zone of the report."""
    return f"{time.astimezone(facts.period.zone):%Y-%m-%d}"


def read_events(events: Sequence[Said]) -> list[Event]:
    """The events from the result of notebook_usage_info."""
    return [
        Event(
            read_time(each["time"]),
            each["instance"],
            each["status"],
            each.get("instance_type") or "",
            each.get("tags") or {},
            each.get("volume_size"),
        )
        for each in events
    ]


def read_usage(said: Said) -> Usage:
    """The result of notebook_usage_info; {} if there is none."""
    lines = [
        Line(read_time(each["time"]), each["instance"], each["decision"], _shown(each.get("reason", "")))
        for each in said.get("stops", ())
    ]
    since = said.get("since")
    events = read_events(said.get("events", ()))
    return Usage(events, lines, read_time(since) if since else None, said.get("source", "events"))


LONGEST_REASON = 200


def _shown(reason: Any) -> str:
    """Text from an instance, made safe for a terminal and a table: its person can write anything."""
    return "".join(letter if letter.isprintable() else " " for letter in str(reason))[:LONGEST_REASON]


def read_prices(said: Said) -> Prices:
    """The result of notebook_prices_info; {} if there is none."""
    rates = Rates(said.get("instances") or {}, said.get("volume"))
    return Prices(rates, said.get("region", ""), said.get("date", ""), said.get("source", ""))


def read_instances(found: Said, wishes: Mapping[str, Wish]) -> list[Instance]:
    """The instances that platform_read has read. Lists have no volume size, so it is taken from the inventory."""
    return [_instance(each["answer"], each["tags"], wishes) for each in found["instances"]]


def _instance(answer: Said, tags: Mapping[str, str], wishes: Mapping[str, Wish]) -> Instance:
    name = answer["NotebookInstanceName"]
    wish = wishes.get(name)
    return Instance(
        name,
        answer["NotebookInstanceStatus"],
        answer["InstanceType"],
        read_time(answer["CreationTime"]),
        read_time(answer["LastModifiedTime"]),
        tags,
        answer.get("VolumeSizeInGB") or (wish.volume if wish else None),
    )
