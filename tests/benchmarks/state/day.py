# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measure how much longer the cells of a working day take with saves than without.

A person is assumed to run a cell every 20 seconds, and each third cell is followed by a save, since there is at most
one a minute. The counted time is that until a cell's answer, and the pause of a save, in which no next cell begins. The
times between cells are left out.

On the platform whose trace is published (docs/savings.md), something runs for a quarter of the time. That would be five
seconds for each of these cells, which take a fifth of a second: of such a day, saves cost a smaller share.

Two kernels, one of which saves, run the same cells in turn, so a machine that is slow for a while slows both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from ansible_collections.datalab.notebooks.tests.state.kernels import Kernel

KERNELS = 3  # pairs of kernels, since processes differ in speed without a reason
ROUNDS = 4  # of each pair, after a first round that is not counted
SAVED = 3  # each third cell is followed by a save
CELLS = [
    "import numpy as np, pandas as pd",
    "rows = pd.DataFrame(np.random.default_rng(0).random((100_000, 12))).add_prefix('c')",
    "rows.to_csv('rows.csv', index=False); frame = pd.concat([pd.read_csv('rows.csv')] * 10, ignore_index=True)",
    "frame.head()",
    "frame['team'] = np.arange(len(frame)) % 40; by_team = frame.groupby('team').mean(); by_team.describe()",
    "def normed(values):\n    return (values - values.mean()) / values.std()",
    "frame['d'] = normed(frame.c1) + normed(frame.c2)",
    "import matplotlib.pyplot as plt",
    "figure, axes = plt.subplots(); axes.hist(frame.d, bins=60); figure.savefig('d.png')",
    "large = frame[frame.d > frame.d.quantile(0.9)].sort_values('d')",
    "both = large.merge(by_team, on='team', suffixes=('', '_of_team'))",
    "from sklearn.ensemble import RandomForestRegressor",
    "model = RandomForestRegressor(20, max_depth=8, random_state=0).fit(large[['c1', 'c2', 'c3']], large.d)",
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
    rounds, pauses = [], []
    for _ in range(KERNELS):
        with start(DATALAB_STATE_EVERY="60") as saving, start(DATALAB_STATE="off") as bare:
            saving.silent(TIMED)
            rounds += [_round(saving, bare, saves_first=bool(number % 2)) for number in range(ROUNDS + 1)][1:]
            pauses += [float(pause) for pause in saving.silent(f"print(*{SESSION}.pauses)").split()]
    cells = list(zip(*rounds, strict=True))
    more = [statistics.median(saving - bare for saving, bare in cell) for cell in cells]
    without = sum(statistics.median(bare for _, bare in cell) for cell in cells)
    pause = statistics.median(pauses)
    saves = len(cells) // SAVED
    return {
        "cells": len(cells),
        "times each": len(rounds),
        "saves among them": saves,
        "seconds of the cells without": round(without, 2),
        "more for a cell's answer in ms: the median": round(1000 * statistics.median(more), 1),
        "pause of a save in ms: the median": round(1000 * pause, 1),
        "overhead in percent": round(100 * (sum(more) + saves * pause) / without, 1),
    }


def _round(saving: Kernel, bare: Kernel, *, saves_first: bool) -> list[tuple[float, float]]:
    """Return the seconds of each cell with saves, and without."""
    both = []
    for number, cell in enumerate(CELLS):
        due = number % SAVED == 0
        if due:
            saving.silent(DUE)
        seconds = {kernel: _seconds(kernel, cell) for kernel in ((saving, bare) if saves_first else (bare, saving))}
        both.append((seconds[saving], seconds[bare]))
        while due and saving.silent(ENDED) != "True\n":
            time.sleep(0.05)
    return both


def _seconds(kernel: Kernel, cell: str) -> float:
    begun = time.perf_counter()
    kernel.run(cell)
    return time.perf_counter() - begun
