# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The forecast of a month's costs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from statistics import mean, median

LOOK_BACK = 28  # days
BILLED = 7  # days


def forecast(days: Mapping[date, float], since: date, today: date, end: date) -> float:
    """The costs still to come until `end`: for each day the median of the same kind of day in the last four weeks.

    `days` has what each day cost, `since` the first that was counted; weekdays are alike, and weekends are.
    """
    first = max(since, today - timedelta(days=LOOK_BACK))
    past = {day: days.get(day, 0.0) for day in _days(first, today)}

    def like(day: date) -> float:
        alike = [usd for each, usd in past.items() if _is_weekend(each) == _is_weekend(day)]
        return median(alike or past.values() or [days.get(today, 0.0)])

    return max(0.0, like(today) - days.get(today, 0.0)) + sum(like(day) for day in _days(today + DAY, end))


def forecast_shared(days: Mapping[date, float], end: date) -> float:
    """The shared costs not billed yet until `end`: each day costs as much as the last billed days."""
    if not days:
        return 0.0
    billed: Sequence[date] = sorted(days)
    rate = mean(days[day] for day in billed[-BILLED - 1 : -1] or billed)  # the last day may not be complete
    return max(0.0, rate - days[billed[-1]]) + rate * max(0, (end - billed[-1]).days - 1)


DAY = timedelta(days=1)


def _days(begin: date, end: date) -> Iterable[date]:
    return (begin + timedelta(days=number) for number in range(max(0, (end - begin).days)))


def _is_weekend(day: date) -> bool:
    return day.weekday() >= 5
