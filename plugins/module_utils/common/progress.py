# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The progress of a module that waits: lines in a file that its action plugin shows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

FILE_NAME = "datalab-progress"  # in the module's temporary directory
INTERVAL = 10.0  # seconds


class Progress:
    """Writes a line when INTERVAL has passed since the last."""

    def __init__(self, directory: str) -> None:
        self._file = Path(directory) / FILE_NAME
        self._next = INTERVAL

    def __call__(self, states: Counter[str], total: int, elapsed: float) -> None:
        """Takes the states of the instances that are waited for, of how many in all, and the seconds so far."""
        if elapsed < self._next:
            return
        self._next = elapsed + INTERVAL
        there = total - sum(states.values())
        waiting = ", ".join(f"{count} {state}" for state, count in states.most_common())
        with self._file.open("a", encoding="utf-8") as file:
            file.write(f"{there} of {total} instances are there after {elapsed:.0f} s; {waiting}\n")
