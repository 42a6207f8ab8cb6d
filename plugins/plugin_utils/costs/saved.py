# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""What autostop saved: each figure with its baseline. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .ledger import HOUR, Rates
from .lives import Life, Span

# The most time between autostop's line and AWS's event of the stop.
DELAY = timedelta(minutes=15)
SKEW = timedelta(minutes=2)


@dataclass(frozen=True)
class Line:
    """A line of autostop about an instance.

    `stop`: it stopped it. In observe mode: `observe`, it would have stopped it, and `back`, there is work again.
    """

    at: datetime
    instance: str
    decision: str
    reason: str = ""


@dataclass(frozen=True)
class Stop:
    """The end of a run by autostop."""

    run: Span
    line: Line
    back: datetime  # when the instance ran again or was removed, or the end of the counted time

    @property
    def spared(self) -> float:
        """The hours for which it would have run on until its person came back."""
        return (self.back - self.run.end).total_seconds() / HOUR


def stops_of(lives: Iterable[Life], lines: Iterable[Line], since: datetime, until: datetime) -> list[Stop]:
    """The runs in that time that autostop has ended."""
    by_instance = defaultdict[str, list[Line]](list)
    for line in sorted(lines, key=lambda line: line.at):
        if line.decision == "stop":
            by_instance[line.instance].append(line)
    return [stop for life in lives for stop in _stops(life, by_instance[life.name], since, until)]


def _stops(life: Life, lines: Sequence[Line], since: datetime, until: datetime) -> list[Stop]:
    runs = life.runs(since, until) if lines else []
    ends = [*(run.begin for run in runs[1:]), min(until, life.gone or until)]
    found = []
    for run, back in zip(runs, ends, strict=True) if runs else ():
        mine = [line for line in lines if run.is_over and run.end - DELAY <= line.at <= run.end + SKEW]
        if mine and mine[-1].at >= run.begin:
            found.append(Stop(run, mine[-1], max(back, run.end)))
    return found


def at_most(stops: Iterable[Stop], rates: Rates, begin: datetime, end: datetime) -> tuple[float, float]:
    """The most that was saved, in hours and USD: as if each instance had run on until its person came back."""
    hours = usd = 0.0
    for stop in stops:
        mine = (min(stop.back, end) - max(stop.run.end, begin)).total_seconds() / HOUR
        if mine > 0:
            hours += mine
            usd += mine * rates.instances.get(stop.run.kind, 0)
    return hours, usd


@dataclass(frozen=True)
class Measured:
    """What autostop would have spared while it only observed."""

    first: datetime
    last: datetime
    instances: frozenset[str]  # those that it would have stopped; whether it observed others is not known
    hours: float  # of their runs meanwhile
    after: float  # of them, those that it would have spared

    def saved(self, usd: float) -> float:
        """How much more instances would have cost without autostop, with this cost with it and the same work."""
        return usd * self.after / (self.hours - self.after) if self.hours > self.after else 0.0


def measured(lives: Iterable[Life], lines: Iterable[Line], since: datetime, until: datetime) -> Measured | None:
    """The baseline of observe mode: the runs between its first and its last line."""
    observed = [line for line in lines if line.decision in ("observe", "back")]
    if not observed:
        return None
    first, last = min(line.at for line in observed), max(line.at for line in observed)
    by_instance = defaultdict[str, list[Line]](list)
    for line in sorted(observed, key=lambda line: line.at):
        by_instance[line.instance].append(line)
    hours = after = 0.0
    for life in lives:
        for run in life.runs(since, until) if life.name in by_instance else ():
            if run.begin <= last and run.end >= first:
                hours += (run.end - run.begin).total_seconds() / HOUR
                after += _after(run, by_instance[life.name]) / HOUR
    return Measured(first, last, frozenset(by_instance), hours, after)


def _after(run: Span, lines: Sequence[Line]) -> float:
    """The seconds of a run that autostop would have saved: from each decision until the next work."""
    spared, since = 0.0, None
    for line in lines:
        if run.begin <= line.at <= run.end:
            if line.decision == "observe":
                since = since or line.at
            elif since:
                spared, since = spared + (line.at - since).total_seconds(), None
    return spared + ((run.end - since).total_seconds() if since else 0.0)
