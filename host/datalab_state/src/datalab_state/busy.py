# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find out whether threads of the kernel compute in the background.

Before a fork OpenBLAS waits for its threads to end. If another thread computes with OpenBLAS at that moment, the wait
never ends, and the kernel hangs. So a kernel with such threads is not forked.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

LOOKS = 4
BETWEEN = 0.001  # seconds before each look, in which other threads can run
# How the names of the kernel's own threads begin; these threads only send and wait.
OWN = ("IOPub", "Heartbeat", "Control", "IPythonHistory", "Shell", "Subshell", "Parent", "datalab-")


def computing() -> bool:
    """Return whether a thread other than the kernel's own runs at one of several looks."""
    own = _own()
    for _ in range(LOOKS):
        time.sleep(BETWEEN)
        if _any_runs(own):
            return True
    return False


async def computing_meanwhile() -> bool:
    """Return the same as `computing`, without blocking the event loop."""
    own = _own()
    for _ in range(LOOKS):
        await asyncio.sleep(BETWEEN)
        if _any_runs(own):
            return True
    return False


def _own() -> set[str]:
    names = {str(thread.native_id): thread.name for thread in threading.enumerate()}
    own = {task for task, name in names.items() if name.startswith(OWN) or name.endswith("(_watch_pipe_fd)")}
    return own | {str(os.getpid())}


def _any_runs(own: set[str]) -> bool:
    with suppress(OSError):
        return any(task.name not in own and _runs(task) for task in Path("/proc/self/task").iterdir())
    return False


def _runs(task: Path) -> bool:
    with suppress(OSError):
        name, _, rest = (task / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")
        return rest.split()[0] == "R" and "(ZMQbg" not in name
    return False
