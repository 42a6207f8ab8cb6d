# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether threads compute beside the notebook.

Before a fork OpenBLAS waits for its threads to end. Where another thread computes with it then, it waits for ever, and
the kernel hangs: such a kernel is not forked.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

LOOKS = 4
# What a kernel itself has: these send and wait.
OWN = ("IOPub", "Heartbeat", "Control", "IPythonHistory", "Shell", "Subshell", "Parent", "datalab-")


def computing() -> bool:
    """Whether a thread runs at one of several looks, in which the others get their turn."""
    names = {str(thread.native_id): thread.name for thread in threading.enumerate()}
    own = {task for task, name in names.items() if name.startswith(OWN) or name.endswith("(_watch_pipe_fd)")}
    own.add(str(os.getpid()))
    for _ in range(LOOKS):
        time.sleep(0.001)
        with suppress(OSError):
            if any(task.name not in own and _runs(task) for task in Path("/proc/self/task").iterdir()):
                return True
    return False


def _runs(task: Path) -> bool:
    with suppress(OSError):
        name, _, rest = (task / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")
        return rest.split()[0] == "R" and "(ZMQbg" not in name
    return False
