# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How fast AWS is asked: a limit of one's own, and botocore's adaptive retries below it."""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

with suppress(ImportError):  # AnsibleAWSModule says so
    from botocore.config import Config

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule


class Pace:
    """Lets at most so many requests a second go, those of all threads and clients together."""

    def __init__(self, requests_per_second: float) -> None:
        self._interval = 1 / requests_per_second
        self._next = 0.0  # when the next request may go (time.monotonic)
        self._lock = Lock()

    def __call__(self, **_event: Any) -> None:
        """Returns when it is time; a handler of botocore's event before-send, which each attempt is one of."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._interval
        time.sleep(turn - now)


def paced_client(module: AnsibleAWSModule, service: str, pace: Pace) -> Any:
    """A client that keeps the pace, and slows down further as long as AWS throttles it.

    Of botocore's retry modes only adaptive does that; `aws_config` can name another.
    """
    client = module.client(service, config=Config(retries={"mode": "adaptive"}))
    client.meta.events.register("before-send", pace)
    return client
