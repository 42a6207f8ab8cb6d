# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The times in which each instance ran and existed, from its events and its present state. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

# AWS bills an instance from InService until it leaves that state; it does not say more about maintenance.
ON = frozenset({"InService", "PendingMaintenance", "InMaintenance"})
GONE = frozenset({"Deleting", "Deleted"})
SKEW = timedelta(minutes=2)  # an event's time may be before that of the creation that it reports
AFTER_A_RUN = frozenset({"Stopping", "Stopped", "PendingMaintenance", "InMaintenance"})


@dataclass(frozen=True)
class Event:
    """An instance at a moment, by an event of AWS."""

    at: datetime
    instance: str
    status: str
    instance_type: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    volume: int | None = None  # GiB


@dataclass(frozen=True)
class Instance:
    """An instance as it is now."""

    name: str
    status: str
    instance_type: str
    created: datetime
    modified: datetime
    tags: Mapping[str, str] = field(default_factory=dict)
    volume: int | None = None  # GiB


@dataclass(frozen=True)
class Span:
    """A time in which an instance ran, or in which a volume had one size."""

    instance: str
    begin: datetime
    end: datetime
    kind: str  # the instance's type; "" if it is not known
    tags: Mapping[str, str]
    size: int | None = None  # of a volume, GiB
    is_over: bool = True  # whether it has ended, and not merely been counted so far


@dataclass(frozen=True)
class Life:
    """An instance from its creation to its removal. Another may have its name after it."""

    name: str
    events: Sequence[Event]
    created: datetime | None  # None: before the first recorded event
    gone: datetime | None
    now: Instance | None

    def runs(self, since: datetime, until: datetime) -> list[Span]:
        """The times in which it ran, since the first recorded event."""
        begin = max(since, self.created or since)
        earlier = [event for event in self.events if event.at < begin]
        turns = [event for event in self.events if begin <= event.at]
        runs, opened = list[Span](), self._at_first(begin, earlier, turns)
        for event in turns:
            at = event.at
            if at >= until:
                break
            is_on = event.status in ON
            if opened and (not is_on or (event.status == "InService" and event.instance_type != opened[1])):
                runs.append(self._span(opened, at, event))
                opened = None
            if not opened and is_on:
                opened = (at, event.instance_type, event.tags)
        return [*runs, *self._still_on(opened, until)]

    def volumes(self, since: datetime, until: datetime) -> list[Span]:
        """The size and the owner of its volume, by time."""
        begin, end = max(since, self.created or since), min(until, self.gone or until)
        states = self._volume_states(begin)
        ends = [*(at for at, _size, _tags in states[1:]), end]
        return [
            Span(self.name, max(at, begin), min(over, end), "", tags, size, is_over=over == self.gone)
            for (at, size, tags), over in zip(states, ends, strict=True)
            if max(at, begin) < min(over, end)
        ]

    def _volume_states(self, begin: datetime) -> list[tuple[datetime, int | None, Mapping[str, str]]]:
        """The times at which its size or tags changed; not every event has both."""
        size = next((event.volume for event in self.events if event.volume), self.now.volume if self.now else None)
        tags = next((event.tags for event in self.events if event.tags), self.now.tags if self.now else {})
        states = [(begin, size, tags)]
        for event in self.events:
            following = (event.volume or size, event.tags or tags)
            if following != (size, tags):
                size, tags = following
                states.append((event.at, size, tags))
        if self.now and self.now.volume not in (None, size):
            states.append((max(self.now.modified, states[-1][0]), self.now.volume, tags))
        return states

    def _at_first(
        self, begin: datetime, earlier: Sequence[Event], turns: Sequence[Event]
    ) -> tuple[datetime, str, Mapping[str, str]] | None:
        """Since when it runs at the begin, if it does: by its last event before, its first after, or its state now."""
        known = earlier[-1] if earlier else turns[0] if turns else None
        if known and (known.status in ON if earlier else known.status in AFTER_A_RUN):
            return begin, known.instance_type, known.tags
        if not known and self.now and self.now.status in ON:
            return max(begin, self.now.modified), self.now.instance_type, self.now.tags
        return None

    def _still_on(self, opened: tuple[datetime, str, Mapping[str, str]] | None, until: datetime) -> Iterator[Span]:
        if not opened:
            return
        end = min(until, self.gone or until)
        is_over = self.gone is not None or bool(self.now and self.now.status not in ON)
        if self.now and self.now.status not in ON and self.now.modified > opened[0]:
            end = min(end, self.now.modified)  # its last event has not come
        if opened[0] < end:
            yield Span(self.name, opened[0], end, opened[1], opened[2], is_over=is_over)

    def _span(self, opened: tuple[datetime, str, Mapping[str, str]], end: datetime, by: Event) -> Span:
        begin, kind, tags = opened
        return Span(self.name, begin, end, kind or by.instance_type, tags or by.tags)


def read_lives(events: Iterable[Event], instances: Iterable[Instance]) -> list[Life]:
    """The lives of all instances, also removed ones."""
    by_name = defaultdict[str, list[Event]](list)
    for event in sorted(events, key=lambda event: event.at):
        by_name[event.instance].append(event)
    there = {instance.name: instance for instance in instances}
    return [life for name in {**there, **by_name} for life in _lives(name, by_name[name], there.get(name))]


def _lives(name: str, events: Sequence[Event], now: Instance | None) -> Iterator[Life]:
    groups, created = list[list[Event]]([[]]), now.created - SKEW if now else None
    for event in events:
        is_next = groups[-1] and groups[-1][-1].status in GONE and event.status not in GONE
        is_now = created and groups[-1] and groups[-1][-1].at < created <= event.at
        if is_next or is_now:
            groups.append([])
        groups[-1].append(event)
    if created and groups[-1] and (groups[-1][-1].at < created or groups[-1][-1].status in GONE):
        groups.append([])
    for number, group in enumerate(groups):
        mine = now if number == len(groups) - 1 else None
        if mine or group:
            created = mine.created if mine else _born(group, is_first=number == 0)
            yield Life(name, group, created, None if mine else _end(group, now), mine)


def _born(events: Sequence[Event], *, is_first: bool) -> datetime | None:
    """When a removed instance was created, by its events; it may have existed before the first of them."""
    return events[0].at if not is_first or events[0].status == "Pending" else None


def _end(events: Sequence[Event], successor: Instance | None) -> datetime:
    deleted = next((event.at for event in events if event.status in GONE), None)
    return deleted or (successor.created if successor else events[-1].at)


def read_time(text: str) -> datetime:
    """A time as AWS writes it."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
