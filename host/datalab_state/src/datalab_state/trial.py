# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load new pickles once, in a process of their own, before they count as saved.

During a load, a library may hang (threads of OpenMP do not survive a fork), or end the process. A pickle whose load
hangs counts as saved; one whose load fails or ends the process does not.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Callable

SECONDS = 5.0  # for all pickles together: they and their libraries are in memory already


def tried(loads: Sequence[Callable[[], str]], seconds: float = SECONDS) -> list[str]:
    """Return for each pickle the reason why it cannot be loaded, or an empty string."""
    end = time.monotonic() + seconds
    reasons: list[str] = []
    while len(reasons) < len(loads):
        told, hung = _some(loads[len(reasons) :], end)
        reasons += told
        if hung:
            break
        if len(reasons) < len(loads):
            reasons.append("it ends the process")
    return reasons + [""] * (len(loads) - len(reasons))


def _some(loads: Sequence[Callable[[], str]], end: float) -> tuple[list[str], bool]:
    """Load pickles in one process; return the outcomes until it ended or hung, and whether it hung."""
    hears, tells = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            signal.alarm(0)
            os.close(hears)
            for load in loads:
                os.write(tells, json.dumps(load()).encode() + b"\n")
        finally:
            os._exit(0)
    os.close(tells)
    data, hung = b"", False
    while True:
        left = end - time.monotonic()
        if left <= 0 or not select.select([hears], [], [], left)[0]:
            hung = True
            break
        more = os.read(hears, 1 << 16)
        if not more:
            break
        data += more
    os.close(hears)
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return [json.loads(line) for line in data.splitlines(keepends=True) if line.endswith(b"\n")], hung
