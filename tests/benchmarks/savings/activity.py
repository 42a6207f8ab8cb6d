# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Traces of activity: for each instance, the intervals in which something ran on it, in order, in seconds of a month.

The published trace is of Adobe's notebook platform in June 2021: 337 sessions, 30,909 executions. It is the file
`driver-backend/scripts/tiresias_generator/sensei_june_60sec.csv` of github.com/ds2-lab/NotebookOS-Dashboard, whose data
have no licence of their own, so it is not shipped: DATALAB_TRACE names the file to read. The made-up trace has the same
quantiles, and nothing else of the published one.
"""

from __future__ import annotations

import csv
import random
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

Interval = tuple[int, int]
Trace = Sequence[Sequence[Interval]]

MINUTE, HOUR, DAY = 60, 3600, 86400
MONTH = 30 * DAY
AWAY = 4 * HOUR  # in a shorter gap a person takes a break, in a longer one they have left

SHARES = (
    *(number / 20 for number in range(19)),
    *(0.95, 0.96, 0.97, 0.98, 0.99, 0.995, 0.999, 1.0),
)  # fmt: skip


def read(path: Path) -> Trace:
    """Read the published trace, whose sessions come one after the other: a step back in time begins the next one."""
    sessions: list[list[Interval]] = [[]]
    last = 0
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            start, length = (round(float(row[key]) * MINUTE) for key in ("submit_time", "duration"))
            if start < last:
                sessions.append([])
            sessions[-1].append((start, start + length))
            last = start
    return [merged(session) for session in sessions if session]


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the intervals in order; those that overlap or touch are joined."""
    done: list[Interval] = []
    for start, end in sorted(intervals):
        if done and start <= done[-1][1]:
            done[-1] = (done[-1][0], max(end, done[-1][1]))
        else:
            done.append((start, end))
    return done


def gaps(intervals: Sequence[Interval]) -> Iterator[Interval]:
    """Yield the intervals in which nothing ran, between the first and the last activity."""
    for (_start, end), (start, _end) in pairwise(intervals):
        yield end, start


def kept(trace: Trace) -> Trace:
    """Return the trace as if each instance existed until the month ends, whether or not a person comes back."""
    return [merged([*intervals, (MONTH, MONTH)]) for intervals in trace]


def quantiles(trace: Trace) -> dict[str, list[int]]:
    """Return the lengths of activities, breaks, absences and whole sessions: their quantiles at SHARES, in minutes."""
    idle = [end - start for intervals in trace for start, end in gaps(intervals)]
    values = {
        "activities": [end - start for intervals in trace for start, end in intervals],
        "breaks": [gap for gap in idle if gap < AWAY],
        "absences": [gap for gap in idle if gap >= AWAY],
        "sessions": [intervals[-1][1] - intervals[0][0] for intervals in trace],
    }
    return {name: _at_shares(sorted(seconds)) for name, seconds in values.items()}


def _at_shares(seconds: Sequence[int]) -> list[int]:
    return [seconds[round(share * (len(seconds) - 1))] // MINUTE for share in SHARES]


# Of the published trace: the share of gaps that are absences, and quantiles at SHARES in minutes. A test compares both.
ABSENT = 0.0460
QUANTILES = {
    "activities": [
        1, 3, 3, 3, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 11, 14, 19, 32, 95, 133, 228, 464, 1021, 2054, 5730,
        26458,
    ],
    "breaks": [
        1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 5, 6, 8, 11, 17, 41, 51, 68, 94, 143, 186, 227, 239,
    ],
    "absences": [
        240, 276, 334, 386, 447, 512, 581, 670, 793, 931, 1077, 1233, 1393, 1682, 2253, 3131, 4271, 5827,
        8741, 19186, 21933, 25064, 30046, 33485, 35908, 39516, 39621,
    ],
    "sessions": [
        1, 3, 10, 125, 1723, 4514, 8781, 12117, 16504, 18358, 20601, 23100, 26589, 29990, 32141, 35497,
        38248, 39358, 40709, 41183, 41573, 42041, 42213, 42824, 42941, 43146, 43146,
    ],
}  # fmt: skip


def synthetic(instances: int = 337, seed: int = 1) -> Trace:
    """Return a month of people who work as in the published trace, but each activity is independent of the others."""
    chance = random.Random(seed)  # noqa: S311 - it has to be the same each time
    return [merged(_session(chance)) for _ in range(instances)]


def _session(chance: random.Random) -> Iterator[Interval]:
    """Yield the activities of a session, which begins and ends with one; one that crosses the session's end is cut."""
    length = _drawn(chance, "sessions")
    at = int(chance.random() * (MONTH - length))
    last = at + length - MINUTE
    while at < last:
        end = min(at + _drawn(chance, "activities"), last)
        yield at, end
        is_away = chance.random() < ABSENT
        at = end + _drawn(chance, "absences" if is_away else "breaks")
    yield last, last + MINUTE


def _drawn(chance: random.Random, name: str) -> int:
    """Return random seconds of the distribution that has these quantiles, linear between them."""
    share, table = chance.random(), QUANTILES[name]
    at = bisect_right(SHARES, share) - 1
    part = (share - SHARES[at]) / (SHARES[at + 1] - SHARES[at])
    return round(MINUTE * (table[at] + part * (table[at + 1] - table[at])))
