# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Save in a fork of the kernel: the fork has the variables as they are at this moment, and the kernel goes on.

The fork pickles, hashes and writes. It must not compute with BLAS, whose threads do not exist in a fork.
"""

from __future__ import annotations

import asyncio
import fcntl
import gc
import json
import os
import signal
import stat
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import live, store
from .place import Refused
from .save import Request, save
from .settings import Settings
from .watch import Watch

FIRST = 60  # seconds that a fork has until it pickles the first variable


class Child:
    """A save that runs in a fork."""

    def __init__(self, request: Request, settings: Settings) -> None:
        self.report: dict[str, Any] | None = None
        self.hung = False
        self._data = b""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done: asyncio.Future[None] | None = None
        self._fd, write = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python 3.12 warns about a fork of a process with threads
            self.pid = os.fork()
        if self.pid == 0:
            _work(write, request, settings)
        os.close(write)

    def join(self) -> dict[str, Any]:
        """Wait for the fork to end, and return its report."""
        while self.report is None:
            self._read()
        return self.report

    async def ended(self) -> dict[str, Any]:
        if self.report is None:
            if self._done is None:
                self._loop = asyncio.get_running_loop()
                self._done = self._loop.create_future()
                self._loop.add_reader(self._fd, self._read)
            await asyncio.shield(self._done)
        return self.join()

    def _read(self) -> None:
        data = os.read(self._fd, 1 << 20)
        if data:
            self._data += data
            return
        status = 0
        with suppress(ChildProcessError):
            _, status = os.waitpid(self.pid, 0)
        self.hung = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM
        try:
            self.report = json.loads(self._data)
        except ValueError:
            why = "took too long" if self.hung else "was ended"
            self.report = {"error": f"The save {why}; the state before it is still there."}
        if self._loop and self._done:
            self._loop.remove_reader(self._fd)
            if not self._done.done():
                self._done.set_result(None)
        os.close(self._fd)


def _work(write: int, request: Request, settings: Settings) -> None:
    """Save in the fork and end it: this never returns, and the kernel's exit handlers do not run."""
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
        signal.alarm(FIRST)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # SIGINT is meant for the cell that runs
        signal.set_wakeup_fd(-1)
        with suppress(OSError):
            os.setsid()  # so that the last save goes on when the kernel is shut down
        os.nice(10)
        gc.disable()  # the deletion of unused objects may send something to a server
        _own_files()
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - until the fork ends
        live.limit = Watch(write).limit
        report = attempt(request, settings)
        with os.fdopen(write, "w") as file:
            json.dump(report, file)
    finally:
        os._exit(0)


def attempt(request: Request, settings: Settings) -> dict[str, Any]:
    try:
        return save(request, settings)
    except (Refused, store.NoSpace) as error:
        return {"error": str(error)}
    except OSError as error:
        return {
            "error": f"The state could not be written: {error.strerror or error}. The one before it is still there."
        }
    except Exception as error:
        return {"error": f"The save failed: {type(error).__name__}: {error}"}


def _own_files() -> None:
    """Reopen the kernel's regular files in the fork, since otherwise both would share one position in each."""
    with suppress(OSError):
        for name in os.listdir("/proc/self/fd"):
            fd = int(name)
            with suppress(OSError):
                if fd < 3 or not stat.S_ISREG(os.fstat(fd).st_mode):
                    continue
                flags = fcntl.fcntl(fd, fcntl.F_GETFL) & (os.O_ACCMODE | os.O_APPEND)
                own = os.open(f"/proc/self/fd/{fd}", flags | os.O_CLOEXEC)
                os.lseek(own, os.lseek(fd, 0, os.SEEK_CUR), os.SEEK_SET)
                os.dup2(own, fd, inheritable=False)
                os.close(own)


def forkable() -> bool:
    """Return whether to fork: not with a GPU in use, whose memory a fork cannot read, and not if memory is short."""
    if not hasattr(os, "fork"):
        return False
    with suppress(OSError):
        for fd in Path("/proc/self/fd").iterdir():
            with suppress(OSError):
                if str(fd.readlink()).startswith("/dev/nvidia"):
                    return False
    free = memory("MemAvailable", "/proc/meminfo")
    return not free or free > max(1 << 28, memory("VmRSS") // 10)


def memory(field: str, file: str = "/proc/self/status") -> int:
    """Return the value of a memory field in bytes; 0 if it is not known."""
    with suppress(OSError):
        for line in Path(file).read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
    return 0
