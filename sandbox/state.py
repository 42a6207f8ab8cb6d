# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The directory of a sandbox: its endpoint, process id and log, and the account of the last one.

The server holds a lock on a file there until it ends. So the lock shows whether it runs, without the process table, and
a process id that was reused after a crash or a reboot is never mistaken for the server's.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


TOLD = "account:"  # the prefix of log lines about loading and keeping the account


class StateDir:
    """The files by which other processes find a sandbox."""

    def __init__(self, path: Path):
        self.path = path.absolute()
        self.log = self.path / "log"
        self.account = self.path / "account"  # saved by the last server with machines for the next one
        self._endpoint = self.path / "endpoint"
        self._pid = self.path / "pid"

    @property
    def endpoint(self) -> str:
        """The URL of the running server."""
        return self._endpoint.read_text().strip()

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        return int(self._pid.read_text())

    def announce(self, endpoint: str) -> None:
        """Write the endpoint and the id of this process; call it only with the lock."""
        for file, text in ((self._pid, str(os.getpid())), (self._endpoint, endpoint)):
            unfinished = file.with_suffix(".new")
            unfinished.write_text(text + "\n")
            unfinished.replace(file)

    def forget(self) -> None:
        """Remove the files of `announce`; call it only with the lock."""
        self._endpoint.unlink(missing_ok=True)
        self._pid.unlink(missing_ok=True)

    @contextmanager
    def locked(self, wait: float = 0) -> Iterator[bool]:
        """Hold the lock for the block; yield False if a server still holds it after `wait` seconds."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("a") as file:
            yield _lock(file.fileno(), time.monotonic() + wait)

    def is_running(self) -> bool:
        """Return whether a server runs; remove the files of one that has died."""
        if not self.path.is_dir():
            return False
        with self.locked() as free:
            if free:
                self.forget()
            return not free


def _lock(descriptor: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
        else:
            return True
