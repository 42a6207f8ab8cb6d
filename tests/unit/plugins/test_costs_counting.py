# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hours and USD from events: exact to the second, and the same however they are added up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.ledger import (
    Entry,
    Managed,
    Rates,
    by_day,
    entries_of,
    grouped,
    hours,
    total,
    unpriced,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.lives import (
    Event,
    Instance,
    read_lives,
    read_time,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.periods import Month, Period, pieces, read_zone

RATES = Rates({"ml.t3.medium": 0.05, "ml.g5.xlarge": 1.41}, 0.14)
KINDS = sorted(RATES.instances)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo")
MANAGED = Managed("datalab", {"datalab-alice": ("alice", "research"), "datalab-viewer": ("viewer", "")})
ALICE = {"owner": "alice", "team": "research", "platform": "datalab"}
DAY = timedelta(days=1)


def at(text: str) -> datetime:
    return read_time(f"2026-11-{text}Z")


def event(time: str, status: str, **more: Any) -> Event:
    return Event(
        **{
            "at": at(time),
            "instance": "datalab-alice",
            "status": status,
            "instance_type": "ml.t3.medium",
            "tags": ALICE,
            **more,
        }
    )


def now(status: str = "Stopped", modified: str = "01T00:00:00", **more: Any) -> Instance:
    created = read_time("2026-01-01T00:00:00Z")
    return replace(Instance("datalab-alice", status, "ml.t3.medium", created, at(modified), ALICE), **more)


def counted(*events: Event, instances: Any = (), until: str = "30T00:00:00", since: str = "01T00:00:00") -> list[Entry]:
    return list(entries_of(read_lives(events, instances), RATES, MANAGED, at(since), at(until), UTC))


HOURS: dict[str, tuple[list[Event], list[Instance], float]] = {
    "nothing": ([], [], 0),
    "a run": ([event("03T08:00:00", "InService"), event("03T10:30:00", "Stopping")], [], 2.5),
    "with all that AWS says of it": (
        [
            event("03T07:55:00", "Pending"),
            event("03T08:00:00", "InService"),
            event("03T09:00:00", "Stopping"),
            event("03T09:02:00", "Stopped"),
        ],
        [now()],
        1,
    ),
    "twice InService": (
        [event("03T08:00:00", "InService"), event("03T09:00:00", "InService")],
        [now("InService")],
        640,
    ),
    "still running": ([event("29T00:00:00", "InService")], [now("InService")], 24),
    "running since before": ([event("02T00:00:00", "Stopping"), event("02T00:02:00", "Stopped")], [now()], 24),
    "never stopped, nothing said": ([], [now("InService", modified="01T00:00:00")], 29 * 24),
    "started, and its event is lost": ([], [now("InService", modified="29T00:00:00")], 24),
    "stopped, and its event is lost": ([event("03T08:00:00", "InService")], [now(modified="03T09:00:00")], 1),
    "deleted while stopped": ([event("03T08:00:00", "Deleting")], [], 0),
    "changed while stopped": ([event("03T08:00:00", "Updating")], [now()], 0),
    "failed to start": ([event("03T08:00:00", "Pending"), event("03T08:05:00", "Failed")], [now("Failed")], 0),
    "maintained": (
        [
            event("03T08:00:00", "InService"),
            event("03T09:00:00", "InMaintenance"),
            event("03T10:00:00", "InService"),
            event("03T11:00:00", "Stopping"),
        ],
        [now()],
        3,
    ),
    "another of the same name": (
        [
            event("03T08:00:00", "InService"),
            event("03T09:00:00", "Stopping"),
            event("03T09:10:00", "Deleting"),
            event("04T08:00:00", "InService"),
            event("04T09:00:00", "Stopping"),
        ],
        [now(created=at("04T07:50:00"))],
        2,
    ),
    "the stop of one that is gone was not recorded": (
        [event("03T08:00:00", "InService"), event("05T08:00:00", "InService")],
        [now("InService", modified="05T08:00:00", created=at("05T07:00:00"))],
        47 + 24 * 24 + 16,
    ),
}


@pytest.mark.parametrize("case", HOURS)
def test_hours(case):
    events, instances, expected = HOURS[case]
    assert hours(counted(*events, instances=instances)) == expected


VOLUMES: dict[str, tuple[list[Event], list[Instance], float]] = {
    "all month": ([], [now(volume=20)], 20 * 0.14),
    "nothing tells its size": ([], [now()], 0),
    "grown": (
        [event("02T00:00:00", "Stopped", volume=10), event("16T00:00:00", "Updating", volume=20)],
        [now(volume=20)],
        (10 * 15 + 20 * 15) / 30 * 0.14,
    ),
    "grown, and its event is lost": (
        [event("02T00:00:00", "Stopped", volume=10)],
        [now(volume=20, modified="16T00:00:00")],
        (10 * 15 + 20 * 15) / 30 * 0.14,
    ),
    "created": ([], [now(volume=30, created=at("21T00:00:00"))], 30 / 3 * 0.14),
    "created, and its event a moment before": (
        [event("21T00:00:00", "InService", volume=30)],
        [now("InService", volume=30, created=at("21T00:00:01"), modified="21T00:00:01")],
        30 / 3 * 0.14,
    ),
    "deleted": ([event("11T00:00:00", "Deleting", volume=30)], [], 30 / 3 * 0.14),
}


@pytest.mark.parametrize("case", VOLUMES)
def test_volumes(case):
    events, instances, expected = VOLUMES[case]
    month = [
        entry
        for entry in entries_of(
            read_lives(events, instances), RATES, MANAGED, at("01T00:00:00"), read_time("2026-12-01T00:00:00Z"), UTC
        )
        if entry.what == "volume"
    ]
    assert total(month) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("month", [Month(2024, 2), Month(2026, 2), Month(2026, 3), Month(2026, 10), Month(2026, 4)])
def test_a_volume_costs_a_month_what_its_price_says_however_long_the_month_is(zone, month):
    period = Period(month, month, read_zone(zone) or UTC)
    instance = now(volume=50, created=period.begin - DAY)
    made = entries_of(read_lives([], [instance]), RATES, MANAGED, period.begin, period.end, period.zone)
    assert total(made) == pytest.approx(50 * 0.14)


def test_a_type_without_a_price_is_named_and_not_0():
    entries = counted(event("03T08:00:00", "InService", instance_type="ml.new"), event("03T09:00:00", "Stopping"))
    assert unpriced(entries) == ["ml.new", "volume"]
    assert [entry.usd for entry in entries if entry.what == "instance"] == [None]
    assert hours(entries) == 1


WHOSE: dict[str, tuple[str, dict[str, str], tuple[str, str, str]]] = {
    "by its tags": ("datalab-alice", ALICE, ("person", "alice", "research")),
    "by the inventory": ("datalab-alice", {}, ("person", "alice", "research")),
    "of another team then": ("datalab-alice", {**ALICE, "team": "fraud"}, ("person", "alice", "fraud")),
    "of a person who has left": ("datalab-bob", {**ALICE, "owner": "bob"}, ("person", "bob", "research")),
    "a viewer": ("datalab-viewer", {}, ("platform", "datalab-viewer", "platform")),
    "a viewer of earlier": ("old", {"platform": "datalab", "team": "platform"}, ("platform", "old", "platform")),
    "another platform's": ("other", {**ALICE, "platform": "other"}, ("unmanaged", "other", "unmanaged")),
    "nothing known": ("experiment", {}, ("unmanaged", "experiment", "unmanaged")),
}


@pytest.mark.parametrize("case", WHOSE)
def test_whose(case):
    instance, tags, expected = WHOSE[case]
    assert tuple(MANAGED.whose(instance, tags)) == expected


# Any history of any instance


@dataclass
class Truth:
    """An instance on which actions are done, and the seconds that it ran in the period."""

    begin: datetime
    end: datetime
    ran: float = 0.0
    on: datetime | None = None
    there: bool = False
    created: datetime | None = None
    kind: str = KINDS[0]
    team: str = "research"
    size: int = 20
    events: list[Event] = field(default_factory=list)
    modified: datetime | None = None

    def say(self, time: datetime, status: str) -> None:
        tags = {"owner": "alice", "team": self.team, "platform": "datalab"}
        self.events.append(Event(time, "datalab-alice", status, self.kind, tags, self.size))
        self.modified = time

    def do(self, action: str, time: datetime) -> None:
        if not self.there and action in ("create", "start"):
            self.there, self.created = True, time
            self.say(time, "Pending")
        elif self.there and self.on is None and action == "start":
            self.on = time
            self.say(time, "InService")
        elif self.on and action in ("stop", "delete"):
            self.ran += max(0.0, (min(time, self.end) - max(self.on, self.begin)).total_seconds())
            self.on = None
            self.say(time, "Stopping")
        elif self.there and self.on is None and action == "delete":
            self.there = False
            self.say(time, "Deleting")
        elif self.there and self.on is None and action == "resize":
            self.kind, self.size = KINDS[KINDS.index(self.kind) - 1], self.size + 10
            self.say(time, "Updating")
        elif action == "move":
            self.team = "fraud" if self.team == "research" else "research"

    def instances(self, until: datetime) -> list[Instance]:
        if self.on:
            self.ran += max(0.0, (min(until, self.end) - max(self.on, self.begin)).total_seconds())
        if not self.there:
            return []
        status, tags = "InService" if self.on else "Stopped", {"team": self.team, "platform": "datalab"}
        assert self.created
        assert self.modified
        return [Instance("datalab-alice", status, self.kind, self.created, self.modified, tags, self.size)]


ACTIONS = st.lists(
    st.tuples(
        st.integers(1, 50 * 86400), st.sampled_from(["create", "start", "start", "stop", "delete", "resize", "move"])
    ),
    max_size=25,
)
MONTHS = st.builds(Month, st.integers(2023, 2026), st.integers(1, 12))


def lived(period: Period, actions: list[tuple[int, str]], lead: int) -> tuple[Truth, datetime]:
    """Do actions on an instance created `lead` seconds before the period; return it, and a time after all actions."""
    time = period.begin - timedelta(seconds=lead)
    truth = Truth(period.begin, period.end)
    for gap, action in [(0, "create"), (300, "start"), *actions]:
        time += timedelta(seconds=gap)
        truth.do(action, time)
    return truth, max(time, period.begin) + timedelta(seconds=1)


@given(MONTHS, st.sampled_from(ZONES), ACTIONS, st.integers(0, 60 * 86400), st.booleans())
def test_counted_seconds_are_running_seconds(month, zone, actions, lead, with_early):
    period = Period(month, month, read_zone(zone) or UTC)
    truth, until = lived(period, actions, lead)
    instances = truth.instances(until)
    events = [event for event in truth.events if with_early or event.at >= period.begin]
    entries = list(
        entries_of(read_lives(events, instances), RATES, MANAGED, period.begin, min(until, period.end), period.zone)
    )
    assert hours(entries) * 3600 == pytest.approx(truth.ran, abs=1e-6)
    assert {entry.day for entry in entries} <= set(period.days)
    sums = [
        [total(mine) for mine in grouped(entries, key).values()]
        for key in (
            lambda entry: entry.day,
            lambda entry: entry.whose.team,
            lambda entry: entry.whose.kind,
            lambda entry: entry.whose,
            lambda entry: (entry.instance, entry.what),
        )
    ]
    assert [sum(each) for each in sums] == pytest.approx([total(entries)] * len(sums))
    assert sum(by_day(entries).values()) == pytest.approx(total(entries))


@given(MONTHS, st.sampled_from(ZONES), ACTIONS, st.integers(0, 60 * 86400))
def test_two_months_cost_what_each_does(month, zone, actions, lead):
    both = Period(month, month.plus(1), read_zone(zone) or UTC)
    truth, until = lived(both, actions, lead)
    lives = read_lives(truth.events, truth.instances(until))
    ends = [both.begin, Period(month, month, both.zone).end, both.end]

    def cost(begin: datetime, end: datetime) -> float:
        return total(entries_of(lives, RATES, MANAGED, begin, max(begin, min(until, end)), both.zone))

    assert cost(ends[0], ends[1]) + cost(ends[1], ends[2]) == pytest.approx(cost(ends[0], ends[2]))


# Days


@given(
    st.datetimes(datetime(2023, 1, 1), datetime(2026, 12, 1)),  # noqa: DTZ001
    st.integers(0, 90 * 86400),
    st.sampled_from(ZONES),
)
def test_days_add_up_to_the_time_between(begin, seconds, name):
    zone, begin = read_zone(name) or UTC, begin.replace(microsecond=0, tzinfo=UTC)
    cut = list(pieces(begin, begin + timedelta(seconds=seconds), zone))
    assert sum(part for _day, part in cut) == seconds
    days = [day for day, _part in cut]
    assert days == sorted(set(days))
    assert all(0 < part <= 25 * 3600 for _day, part in cut)


def lengths(first: date, zone: str) -> Iterator[float]:
    begin = datetime(first.year, first.month, first.day, tzinfo=ZoneInfo(zone))
    yield from (seconds / 3600 for _day, seconds in pieces(begin, begin + 2 * DAY, ZoneInfo(zone)))


def test_a_day_on_which_clocks_change_is_as_long_as_it_is():
    assert list(lengths(date(2026, 3, 29), "Europe/Berlin")) == [23, 24]
    assert list(lengths(date(2026, 10, 25), "Europe/Berlin")) == [25, 24]
