# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The months that a report can cover, and those that are refused before any call."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks.costs import month_problems
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.periods import (
    Month,
    Period,
    earliest,
    read_period,
    read_zone,
)

NOW = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone", "label", "name"),
    [
        ("", "UTC", "November 2026", "2026-11"),
        ("", "Europe/Berlin", "December 2026", "2026-12"),
        ("2026-11", "UTC", "November 2026", "2026-11"),
        ("2025-10", "UTC", "October 2025", "2025-10"),
        ("2025-12..2026-02", "UTC", "December 2025 to February 2026", "2025-12_2026-02"),
        ("2026-11..2026-11", "UTC", "November 2026", "2026-11"),
    ],
)
def test_months(text, zone, label, name):
    period = read_period(text, read_zone(zone) or UTC, NOW)
    assert isinstance(period, Period)
    assert (period.label, str(period)) == (label, name)
    assert (period.begin.astimezone(period.zone).day, period.end.astimezone(period.zone).day) == (1, 1)


MONTHS = {
    "2026-12": "2026-12 is in the future; this month is 2026-11",
    "2026-09..2027-01": "2027-01 is in the future; this month is 2026-11",
    "2025-09": "2025-09 is more than 13 months back, which AWS does not keep; the first is 2025-10",
    "2026-10..2026-09": "its first month comes after its last; write 2026-09..2026-10",
}
NO_MONTHS = ("2026", "2026-13", "2026-00", "2026-1", "2026-11-01", "11/2026", "november", "2026-09..", "..", "²026-11")


@pytest.mark.parametrize("text", [*MONTHS, *NO_MONTHS])
def test_no_months(text):
    expected = MONTHS.get(text, "it must be a month, such as 2026-11, or the first and the last of several")
    assert str(read_period(text, UTC, NOW)).startswith(expected)


@pytest.mark.parametrize("name", ["Europe/Nowhere", "", "../etc/passwd", "/etc/passwd", "utc+1", "Europe", "\0"])
def test_no_time_zones(name):
    assert read_zone(name) is None


def test_a_month_is_refused_before_any_call():
    assert list(month_problems("2026-10", "Europe/Berlin", NOW)) == []
    assert list(month_problems("2026-12", "Europe/Berlin", NOW)) == []  # it has begun in Berlin
    (text,) = month_problems("2026-12", "UTC", NOW)
    assert text == "costs_month is 2026-12; 2026-12 is in the future; this month is 2026-11"
    assert list(month_problems(2026, "UTC", NOW)) == []  # its spec reports the number
    assert len(list(month_problems("x", "Mars", NOW))) == 1


def test_the_month_before_is_read_as_far_as_there_is_something():
    month, oldest = Month(2026, 11), Month(2026, 11).plus(-13)
    assert earliest(Period(month, month, UTC), NOW) == datetime(2026, 10, 1, tzinfo=UTC)
    assert earliest(Period(oldest, oldest, UTC), NOW) == datetime(2025, 10, 1, tzinfo=UTC)
    assert earliest(Period(oldest, month, UTC), NOW) == datetime(2025, 10, 1, tzinfo=UTC)
