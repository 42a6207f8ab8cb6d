# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Waits for one condition, without showing progress."""

from __future__ import annotations

import time
from collections.abc import Callable

from .errors import NotebookError

FIRST_DELAY = 0.25  # seconds between two reads; grows
LONGEST_DELAY = 5.0


def wait_until(is_done: Callable[[], bool], seconds: float, what: str) -> None:
    """Waits until it is done; after `seconds` raises NotebookError, which names `what`."""
    deadline = time.monotonic() + seconds
    delay = FIRST_DELAY
    while not is_done():
        if time.monotonic() + delay > deadline:
            raise NotebookError(f"{what} has not finished after {seconds} s. The next run continues")
        time.sleep(delay)
        delay = min(delay * 1.5, LONGEST_DELAY)
