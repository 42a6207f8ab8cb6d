# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Watch a fork while it pickles: a library that computes there waits for threads that the fork does not have.

LightGBM does so in its pickle. Such a fork is ended after IDLE seconds, and from then on the kernel itself pickles.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

IDLE = 3.0  # seconds that a fork may sleep while it pickles a variable


class Watch:
    def __init__(self, write: int) -> None:
        self._write, self._what = write, ""
        threading.Thread(target=self._look, daemon=True).start()

    def limit(self, seconds: int, what: str = "") -> None:
        """Limit the time of the next step; `what` is the variable that is pickled."""
        self._what = what
        signal.alarm(seconds)

    def _look(self) -> None:
        last, since = "", time.monotonic()
        with suppress(OSError):
            while True:
                time.sleep(IDLE / 6)
                now = self._what + _spent()
                if not self._what or now != last or not now.endswith(" S"):
                    last, since = now, time.monotonic()
                elif time.monotonic() - since > IDLE:
                    self._end()

    def _end(self) -> None:
        error = f"The save hung at {self._what}; the state before it is still there."
        os.write(self._write, json.dumps({"error": error, "hung": self._what}).encode())
        os._exit(0)


def _spent() -> str:
    """Return the CPU time of the main thread, and its state."""
    pid = os.getpid()
    fields = (
        Path(f"/proc/self/task/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    )
    return f" {fields[11]} {fields[12]} {fields[0]}"
