# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a working day's cells cost more with saves than without.

A person runs a cell each 20 seconds, so that each third is followed by a save: at most one a minute. What is waited for
is a cell's answer, and the pause of a save, in which no next cell begins. The times between cells are left out.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from ansible_collections.datalab.notebooks.tests.state.kernels import Kernel

ROUNDS = 5
TIMES = 3  # that the cells are run
SAVED = 3  # each third
CELLS = [
    "import numpy as np, pandas as pd",
    "frame = pd.DataFrame(np.random.default_rng(0).random((1_000_000, 12))).add_prefix('c')",
    "frame['team'] = np.arange(len(frame)) % 40",
    "frame.head()",
    "by_team = frame.groupby('team').mean(); by_team.describe()",
    "def normed(values):\n    return (values - values.mean()) / values.std()",
    "frame['d'] = normed(frame.c1) + normed(frame.c2)",
    "import matplotlib.pyplot as plt",
    "figure, axes = plt.subplots(); axes.hist(frame.d, bins=60); figure.savefig('d.png')",
    "large = frame[frame.d > frame.d.quantile(0.9)].sort_values('d')",
    "both = large.merge(by_team, on='team', suffixes=('', '_of_team'))",
    "from sklearn.linear_model import LinearRegression",
    "model = LinearRegression().fit(frame[['c1', 'c2', 'c3']], frame.d)",
    "model.score(frame[['c1', 'c2', 'c3']], frame.d)",
    "total = sum(i * i for i in range(1_000_000))",
]
TIMED = """
def _timed():
    import datalab_state, time
    session = datalab_state.session; begin, session.pauses = session._start, []
    def start():
        begun = time.perf_counter(); child = begin(); session.pauses.append(time.perf_counter() - begun); return child
    session._start = start
_timed(); del _timed
"""
SESSION = "__import__('datalab_state').session"
DUE = f"{SESSION}._next = 0"
ENDED = f"print(not {SESSION}._changed and not {SESSION}._running())"


def measure(start: Callable[..., Kernel]) -> dict[str, object]:
    with_saves, without, pauses = [], [], []
    for _ in range(ROUNDS):
        seconds, paused = _day(start, saves=True)
        with_saves.append(seconds)
        pauses += paused
        without.append(_day(start, saves=False)[0])
    cells, bare = ([statistics.median(each) for each in zip(*days, strict=True)] for days in (with_saves, without))
    pause = statistics.median(pauses)
    waited = sum(cells) + pause * len(pauses) / ROUNDS
    return {
        "cells": len(cells),
        "saves": len(pauses) // ROUNDS,
        "seconds of the cells without": round(sum(bare), 2),
        "more for a cell's answer in ms: the median": round(
            1000 * statistics.median(a - b for a, b in zip(cells, bare, strict=True)), 1
        ),
        "pause of a save in ms: the median": round(1000 * pause, 1),
        "overhead in percent": round(100 * (waited / sum(bare) - 1), 1),
    }


def _day(start: Callable[..., Kernel], *, saves: bool) -> tuple[list[float], list[float]]:
    """Seconds of each cell, and of the pauses."""
    seconds: list[float] = []
    env = {"DATALAB_STATE_EVERY": "60"} if saves else {"DATALAB_STATE": "off"}
    with start(**env) as kernel:
        if saves:
            kernel.silent(TIMED)
        for number, cell in enumerate(CELLS * TIMES):
            due = saves and number % SAVED == 0
            if due:
                kernel.silent(DUE)
            begun = time.perf_counter()
            kernel.run(cell)
            seconds.append(time.perf_counter() - begun)
            while due and kernel.silent(ENDED) != "True\n":
                time.sleep(0.05)
        pauses = kernel.silent(f"print(*{SESSION}.pauses)").split() if saves else []
    return seconds, [float(pause) for pause in pauses]
