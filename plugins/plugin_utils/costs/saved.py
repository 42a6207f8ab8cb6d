# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""What autostop saved: each figure with the baseline that it is against. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .ledger import HOUR, Rates
from .lives import Life, Span

# Between autostop's line and AWS's own event of the stop.
DELAY = timedelta(minutes=15)
SKEW = timedelta(minutes=2)


@dataclass(frozen=True)
class Line:
    """What autostop wrote of an instance.

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
    back: datetime  # when the instance ran again, or was gone, or the last moment that is counted

    @property
    def spared(self) -> float:
        """The hours that it would have run on until its person was back."""
        return (self.back - self.run.end).total_seconds() / HOUR


def stops_of(lives: Iterable[Life], lines: Iterable[Line], since: datetime, until: datetime) -> list[Stop]:
    """The runs of that time which autostop has ended."""
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
    """Hours and USD of the time between, had each instance run on until its person was back: no more was saved."""
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
    instances: frozenset[str]  # those that it would have stopped; of others it is not known whether it observed them
    hours: float  # of their runs meanwhile
    after: float  # of them, those that it would have spared

    def saved(self, usd: float) -> float:
        """What instances would have cost more without it, if they cost this with it, and people were as then."""
        return usd * self.after / (self.hours - self.after) if self.hours > self.after else 0.0


def measured(lives: Iterable[Life], lines: Iterable[Line], since: datetime, until: datetime) -> Measured | None:
    """The baseline that observe mode gives, from the runs in the time between its first line and its last one."""
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
    """Seconds of a run that autostop would have spared: from each decision until there was work again."""
    spared, since = 0.0, None
    for line in lines:
        if run.begin <= line.at <= run.end:
            if line.decision == "observe":
                since = since or line.at
            elif since:
                spared, since = spared + (line.at - since).total_seconds(), None
    return spared + ((run.end - since).total_seconds() if since else 0.0)
