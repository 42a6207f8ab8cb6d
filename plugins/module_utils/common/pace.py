# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The pace of requests: as fast as is allowed, and more slowly as long as AWS throttles.

botocore's own retry mode for this, adaptive, begins at the rate that it has measured so far. In a run of few requests
that is next to nothing: with five throttles of each operation, six calls took it more than a minute.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .session import Session

LONGEST_INTERVAL = 0.5  # the most seconds between two requests
SLOWER = 2.0  # times as long after a throttled request
FASTER = 0.8  # times as long after another


class Pace:
    """Lets at most so many requests a second go, those of all threads and clients together."""

    def __init__(self, requests_per_second: float) -> None:
        self._shortest = self._interval = 1 / requests_per_second
        self._next = 0.0  # when the next request may go (time.monotonic)
        self._lock = Lock()

    def wait(self, **_event: Any) -> None:
        """Returns when it is time; for botocore's event before-send, which comes before each attempt."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._interval
        time.sleep(turn - now)

    def hear(self, response: tuple[Any, dict[str, Any]] | None, **_event: Any) -> None:
        """Takes the outcome of an attempt; for botocore's event needs-retry. `response` is None without an answer."""
        code = response[1].get("Error", {}).get("Code", "") if response else ""
        with self._lock:
            interval = self._interval * (SLOWER if "Throttl" in code else FASTER)
            self._interval = max(self._shortest, min(interval, LONGEST_INTERVAL))


def paced_client(session: Session, service: str, pace: Pace, **config: Any) -> Any:
    """A client of this service that keeps the pace, with these settings of botocore's Config."""
    client = session.client(service, config=config or None)
    client.meta.events.register("before-send", pace.wait)
    client.meta.events.register("needs-retry", pace.hear)
    return client
