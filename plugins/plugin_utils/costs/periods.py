# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The months that a report is about, in a time zone. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MOST_BACK = 13  # months that Cost Explorer keeps
MONTH_HOURS = 730  # of a month as prices are quoted
NAMES = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True, order=True)
class Month:
    """A month of the calendar."""

    year: int
    number: int

    def plus(self, months: int) -> Month:
        """The month that is so many months later or, if negative, earlier."""
        years, index = divmod(self.year * 12 + self.number - 1 + months, 12)
        return Month(years, index + 1)

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.number, 1)

    @property
    def label(self) -> str:
        """Its name for people."""
        return f"{NAMES[self.number - 1]} {self.year}"

    def __str__(self) -> str:
        return f"{self.year}-{self.number:02}"


@dataclass(frozen=True)
class Period:
    """Whole months, from midnight to midnight of a time zone."""

    first: Month
    last: Month
    zone: tzinfo

    @property
    def begin(self) -> datetime:
        """When it begins."""
        return midnight(self.first.first, self.zone)

    @property
    def end(self) -> datetime:
        """When it is over."""
        return midnight(self.last.plus(1).first, self.zone)

    @property
    def before(self) -> Period:
        """The month before it."""
        month = self.first.plus(-1)
        return Period(month, month, self.zone)

    @property
    def label(self) -> str:
        """Its name for people."""
        return self.first.label if self.first == self.last else f"{self.first.label} to {self.last.label}"

    @property
    def days(self) -> list[date]:
        """Its days."""
        first, end = self.first.first, self.last.plus(1).first
        return [first + timedelta(days=number) for number in range((end - first).days)]

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}_{self.last}"


def read_zone(name: str) -> tzinfo | None:
    """The time zone of this name, as the IANA has it; None if there is none."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def read_period(text: str, zone: tzinfo, now: datetime) -> Period | str:
    """The wanted months, 2026-11 or 2026-09..2026-11, or the mistake in them; "" is this month."""
    this = Month(now.astimezone(zone).year, now.astimezone(zone).month)
    ends = [_month(part) for part in text.split("..")] if text else [this]
    first, last = ends[0], ends[-1]
    if not first or not last or len(ends) > 2:
        return "it must be a month, such as 2026-11, or the first and the last of several, such as 2026-09..2026-11"
    if first > last:
        return f"its first month comes after its last; write {last}..{first}"
    if last > this:
        return f"{last} is in the future; this month is {this}"
    if first < (earliest := this.plus(-MOST_BACK)):
        return f"{first} is more than {MOST_BACK} months back, which AWS does not keep; the first is {earliest}"
    return Period(first, last, zone)


def earliest(period: Period, now: datetime) -> datetime:
    """The first moment to read: for a single month also the month before, as far as AWS keeps it."""
    month = period.first.plus(-1) if period.first == period.last else period.first
    return midnight(max(month, Month(now.year, now.month).plus(-MOST_BACK)).first, period.zone)


def _month(text: str) -> Month | None:
    match = re.fullmatch(r"([0-9]{4})-(0[1-9]|1[0-2])", text.strip())
    return Month(int(match[1]), int(match[2])) if match and match[1] != "0000" else None


@cache
def midnight(day: date, zone: tzinfo) -> datetime:
    """The begin of a day in that zone, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def pieces(begin: datetime, end: datetime, zone: tzinfo) -> Iterator[tuple[date, float]]:
    """A time, cut at each midnight: each day, with its seconds."""
    day = begin.astimezone(zone).date()
    while begin < end:
        until = min(midnight(day + timedelta(days=1), zone), end)
        if until > begin:
            yield day, (until - begin).total_seconds()
            begin = until
        day += timedelta(days=1)


@cache
def month_seconds(day: date, zone: tzinfo) -> float:
    """The length of the month of this day, which may have an hour more or less than 24 for each day."""
    month = Month(day.year, day.month)
    return (midnight(month.plus(1).first, zone) - midnight(month.first, zone)).total_seconds()
