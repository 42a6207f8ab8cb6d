# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The costs of ways to stop instances on a trace of activity, as expected values, without random numbers.

An instance runs from its first activity to its last one; what was before and after is counted for none. In each gap
between two activities a policy says after how many idle seconds the instance stops, and how likely that is. AWS counts
from InService, so a start costs nothing but the time of the person who waits.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

from .activity import AWAY, DAY, HOUR, MINUTE, Interval, Trace, gaps

NEVER = math.inf
TICK = 300  # seconds between two looks of autostop, which come up to 20 s later
LATE = (TICK + 10) / 2
LEAVES = 15 * MINUTE  # after the last activity, until a person who does not forget has stopped it

# For a gap: how likely it is that the instance stops after this many idle seconds.
Policy = Callable[[Interval], Mapping[float, float]]


def never(_gap: Interval) -> Mapping[float, float]:
    """The instance runs all the time."""
    return {NEVER: 1}


def autostop(limit: int, exempt: float = 0) -> Policy:
    """It stops at the first look after this limit; this share of the instances has `never` in its tag `idle`."""
    return lambda _gap: {limit + LATE: 1 - exempt, NEVER: exempt}


def owner(forgets: float, leaves: int = LEAVES) -> Policy:
    """People who stop it when they leave, and forget this share of the times."""
    return lambda gap: {NEVER: forgets, leaves: 1 - forgets} if gap[1] - gap[0] >= AWAY else {NEVER: 1}


def evening(gap: Interval) -> Mapping[float, float]:
    """Everything idle is stopped at 20:00."""
    return {(20 * HOUR - gap[0]) % DAY: 1}


def perfect(_gap: Interval) -> Mapping[float, float]:
    """It is off whenever nothing runs, and back without a wait."""
    return {0: 1}


def either(*policies: Policy) -> Policy:
    """Whichever stops it first."""

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
    breaks: float = 0.0  # of them, in a break

    def __add__(self, other: Bill) -> Bill:
        return Bill(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Bill)))


def bill(intervals: Sequence[Interval], policy: Policy) -> Bill:
    """That of one instance."""
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
    """That of each instance."""
    return [bill(intervals, policy) for intervals in trace]


def total(several: Sequence[Bill]) -> Bill:
    """That of all."""
    return sum(several, Bill())


def claim(intervals: Sequence[Interval], before: Policy, limit: int, until: Policy = never) -> float:
    """Seconds that a report can count as saved where people stop an instance as before: from each stop by autostop on.

    Until the person was back, which is the most that can be true; or until the other policy had stopped it.
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
    """Seconds in which something ran."""
    return sum(end - start for start, end in intervals)


def weeks(trace: Trace) -> int:
    """The number of weeks in which instances were used, added up over all instances."""
    return sum(len({start // (7 * DAY) for start, _end in intervals}) for intervals in trace)


@dataclass(frozen=True)
class Saved:
    """A share, and between which shares it is in 95 of 100 fleets of the same kind."""

    share: float
    low: float
    high: float

    def __str__(self) -> str:
        interval = f" ({self.low:.0%} to {self.high:.0%})" if self.low < self.high else ""
        return f"{self.share:.1%}{interval}"


def saved(mine: Sequence[Bill], baseline: Sequence[Bill], resamples: int = 200) -> Saved:
    """What a policy saves against another one. The interval is of fleets whose instances are drawn from these."""
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
