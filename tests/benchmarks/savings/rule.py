# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The costs of policies for stopping instances on a trace of activity, as expected values, without random numbers.

An instance runs from its first activity to its last one; the time before and after is counted for no policy. In each
gap between two activities a policy says after how many idle seconds the instance stops, and how likely that is. AWS
charges from InService, so a start costs nothing but the time of the person who waits.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

from .activity import AWAY, DAY, HOUR, MINUTE, Interval, Trace, gaps

NEVER = math.inf
TICK = 300  # seconds between two looks of autostop, each of which may come up to 20 s late
LATE = (TICK + 10) / 2
LEAVES = 15 * MINUTE  # seconds from the last activity until a person who does not forget has stopped the instance

# For a gap: the probability that the instance stops after this many idle seconds.
Policy = Callable[[Interval], Mapping[float, float]]


def never(_gap: Interval) -> Mapping[float, float]:
    """Never stop the instance."""
    return {NEVER: 1}


def autostop(limit: int, exempt: float = 0) -> Policy:
    """Stop the instance at the first look after this limit; the share `exempt` has `never` in the tag `idle`."""
    return lambda _gap: {limit + LATE: 1 - exempt, NEVER: exempt}


def owner(forgets: float, leaves: int = LEAVES) -> Policy:
    """Stop the instance when its person leaves, except for the share of times when the person forgets."""
    return lambda gap: {NEVER: forgets, leaves: 1 - forgets} if gap[1] - gap[0] >= AWAY else {NEVER: 1}


def evening(gap: Interval) -> Mapping[float, float]:
    """Stop the instance at 20:00 if it is idle."""
    return {(20 * HOUR - gap[0]) % DAY: 1}


def perfect(_gap: Interval) -> Mapping[float, float]:
    """Stop the instance whenever nothing runs, and start it again without a wait."""
    return {0: 1}


def either(*policies: Policy) -> Policy:
    """Combine policies: the one that stops the instance first counts."""

    def first(gap: Interval) -> Mapping[float, float]:
        chances: dict[float, float] = {NEVER: 1}
        for policy in policies:
            both: dict[float, float] = {}
            for idle, chance in chances.items():
                for other, likely in policy(gap).items():
                    both[min(idle, other)] = both.get(min(idle, other), 0) + chance * likely
            chances = both
        return chances

    return first


@dataclass(frozen=True)
class Bill:
    """The outcome of a policy for one or several instances: seconds, and numbers of stops."""

    on: float = 0.0
    stops: float = 0.0  # after which a person came back
    breaks: float = 0.0  # those in a break

    def __add__(self, other: Bill) -> Bill:
        return Bill(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Bill)))


def bill(intervals: Sequence[Interval], policy: Policy) -> Bill:
    """Return the bill of one instance."""
    on, stops, breaks = float(busy(intervals)), 0.0, 0.0
    for gap in gaps(intervals):
        length = gap[1] - gap[0]
        for idle, chance in policy(gap).items():
            on += chance * min(idle, length)
            if idle < length:
                stops += chance
                breaks += chance * (length < AWAY)
    return Bill(on, stops, breaks)


def bills(trace: Trace, policy: Policy) -> list[Bill]:
    """Return the bill of each instance."""
    return [bill(intervals, policy) for intervals in trace]


def total(several: Sequence[Bill]) -> Bill:
    """Return the bill of all instances together."""
    return sum(several, Bill())


def claim(intervals: Sequence[Interval], before: Policy, limit: int, until: Policy = never) -> float:
    """Return the seconds that a report can count as saved if people still stop instances by the policy `before`.

    They count from each stop by autostop until the person was back, which is the most that can be true, or until the
    policy `until` had stopped the instance.
    """
    seconds = 0.0
    for gap in gaps(intervals):
        length = gap[1] - gap[0]
        for idle, chance in before(gap).items():
            if limit + LATE < min(idle, length):
                off = sum(likely * min(end, length) for end, likely in until(gap).items())
                seconds += chance * max(0.0, off - limit - LATE)
    return seconds


def busy(intervals: Sequence[Interval]) -> int:
    """Return the seconds in which something ran."""
    return sum(end - start for start, end in intervals)


def weeks(trace: Trace) -> int:
    """Return the number of weeks in which instances were used, added up over all instances."""
    return sum(len({start // (7 * DAY) for start, _end in intervals}) for intervals in trace)


@dataclass(frozen=True)
class Saved:
    """A saved share, and the interval that it is in for 95 of 100 fleets of the same kind."""

    share: float
    low: float
    high: float

    def __str__(self) -> str:
        interval = f" ({self.low:.0%} to {self.high:.0%})" if self.low < self.high else ""
        return f"{self.share:.1%}{interval}"


def saved(mine: Sequence[Bill], baseline: Sequence[Bill], resamples: int = 200) -> Saved:
    """Return the share that a policy saves against another; the interval is of fleets drawn from these instances."""
    chance = random.Random(1)  # noqa: S311 - it has to be the same each time
    shares = sorted(
        _share([(mine[number].on, baseline[number].on) for number in chance.choices(range(len(mine)), k=len(mine))])
        for _ in range(resamples)
    )
    edge = round(0.025 * resamples)
    return Saved(
        _share([(one.on, other.on) for one, other in zip(mine, baseline, strict=True)]),
        shares[edge],
        shares[-1 - edge],
    )


def _share(pairs: Sequence[tuple[float, float]]) -> float:
    ours, theirs = (sum(column) for column in zip(*pairs, strict=True))
    return 1 - ours / theirs if theirs else 0.0
