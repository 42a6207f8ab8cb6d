# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Play a trace of activity through the program that runs on instances, look by look.

Jupyter's answers follow the trace: a kernel is busy, or was busy until a certain time. Stops and lines of the log are
those that the program asks the instance for, as it does there; the machine has no other processes and no terminals.
"""

from __future__ import annotations

import json
import random
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.autostop_parts import OPTIONS, autostop

from .activity import AWAY, Interval
from .rule import TICK, Bill

EPOCH = 1_622_505_600  # 2021-06-01, when the published trace begins
FIRST = 60  # seconds from the start to the first look


@dataclass
class Run:
    """A run of an instance, from its start to its stop or to its last activity."""

    start: int
    end: int = 0
    lines: list[dict[str, Any]] = field(default_factory=list)  # events of the log, each with its time as `at`


def replay(
    intervals: Sequence[Interval], options: dict[str, object] | None = None, late: Callable[[], int] = lambda: 0
) -> list[Run]:
    """Return the runs of an instance that is started when there is something to do; `late` returns a look's delay."""
    settings = SimpleNamespace(**{**OPTIONS, **(options or {})})
    runs, at = list[Run](), 0
    while at < len(intervals):
        runs.append(_run(intervals, at, settings, late))
        at = bisect_right(intervals, (runs[-1].end, 0)) if runs[-1].end < intervals[-1][1] else len(intervals)
    return runs


def _run(intervals: Sequence[Interval], at: int, settings: SimpleNamespace, late: Callable[[], int]) -> Run:
    run = Run(intervals[at][0], intervals[-1][1])
    memory = autostop.Memory(0, EPOCH + run.start)
    now = run.start + FIRST + late()
    asked = list[tuple[str, ...]]()

    def call(*command: str) -> str:
        asked.append(command)
        return ""

    with (
        redirect_stdout(None),
        patch.multiple(
            autostop,
            ask_jupyter=lambda what: [_kernel(intervals, now)] if what == "kernels" else [],
            work=lambda _memory: "",
            typed=list,
            run=call,
            aws=call,
        ),
    ):
        while now < run.end:
            vars(memory).update(last=memory.now, now=now - run.start, wall=EPOCH + now)
            autostop.act(settings, memory, *autostop.look(settings, memory))
            run.lines += [{"at": now, **json.loads(each["message"])} for each in _logged(asked)]
            if ("stop_instance",) in asked:
                run.end = now
            asked.clear()
            now += TICK + late()
    return run


def _kernel(intervals: Sequence[Interval], now: int) -> dict[str, object]:
    """Return the kernel as Jupyter describes it at this moment."""
    begin, end = intervals[bisect_right(intervals, (now, now)) - 1]
    busy = begin <= now < end
    last = datetime.fromtimestamp(EPOCH + (now if busy else end), UTC).isoformat()
    return {"name": "python3", "execution_state": "busy" if busy else "idle", "last_activity": last}


def _logged(asked: Sequence[tuple[str, ...]]) -> list[dict[str, Any]]:
    return [event for command in asked if "put-log-events" in command for event in json.loads(command[-1])]


def bill_of(runs: Sequence[Run]) -> Bill:
    """Return the bill of an instance: the time that it ran, and its stops before its last activity."""
    idle = [run.lines[-1]["idle"] + later.start - run.end for run, later in pairwise(runs)]
    return Bill(sum(run.end - run.start for run in runs), len(idle), sum(gap < AWAY for gap in idle))


def spared(runs: Sequence[Run]) -> int:
    """Return the total seconds between each stop and the next start, which is all that AWS's events tell."""
    return sum(later.start - run.end for run, later in pairwise(runs))


def punctual(seed: int) -> Callable[[], int]:
    """Return a function for the delay of systemd's timer: up to 20 s, at random."""
    chance = random.Random(seed)  # noqa: S311 - it has to be the same each time
    return lambda: chance.randrange(21)
