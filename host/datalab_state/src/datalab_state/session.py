# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The session of a kernel: it saves after a cell and on request, and it restores."""

from __future__ import annotations

import asyncio
import io
import random
import re
import shutil
import threading
import time
import uuid
from contextlib import suppress
from typing import Any

from . import background, busy, journal, listing, live, place
from .cells import made
from .groups import group
from .notebook import Notebook
from .recipes import Table
from .restore import Report, damaged, restore
from .save import Request
from .settings import Settings

# Names in the namespace that IPython keeps for itself.
OWN = re.compile(r"_+|_i+|_i?\d+|_[dio]h|__\w+__|_exit_code|In|Out|exit|quit|open|get_ipython")
PAUSE = 20  # times the duration of a save: the shortest time until the next one


class Session:
    def __init__(self, shell: Any, settings: Settings) -> None:
        self.shell, self.settings = shell, settings
        self.id = uuid.uuid4().hex
        self.notebook = Notebook(shell, settings, self.id)
        self.busy = False
        self.forks = True
        self._here = False  # whether the kernel itself pickles, and a fork only writes
        self.cells: dict[str, str] = {}
        self.shown: journal.State | None = None  # the state that was restored last
        self.last: dict[str, Any] = {}
        self._restored: set[str] = set()  # sessions whose states were restored
        self._seen: set[float] = set()  # the times of the states that were restored
        self._groups: list[list[str]] = []
        self._child: background.Child | None = None
        self._changed = self._forgotten = False
        self._next = 0.0
        self._postponed = False
        self._timer: asyncio.TimerHandle | None = None
        self._saving: asyncio.Task[None] | None = None
        live.namespace = shell.user_ns

    def variables(self) -> dict[str, Any]:
        """Return the variables that the notebook has made."""
        space, hidden, none = self.shell.user_ns, self.shell.user_ns_hidden, object()
        return {
            name: value
            for name, value in list(space.items())
            if not OWN.fullmatch(name) and hidden.get(name, none) is not value
        }

    # After a cell

    def begin(self) -> None:
        self.busy = True
        if not self.notebook.path:
            self.notebook.look()

    def end(self, result: Any) -> None:
        self.busy = False
        code = getattr(getattr(result, "info", None), "raw_cell", "") or ""
        self.cells.update(dict.fromkeys(made(self.shell, code), code))
        self._changed, self._forgotten = not self._forgotten, False
        if threading.current_thread() is threading.main_thread():
            self._due()

    def _due(self) -> None:
        """Start a save if one is wanted, or set a timer if it is not due yet."""
        with suppress(Exception):
            if self._timer:
                self._timer.cancel()
                self._timer = None
            if self.busy or not self._wanted():
                return
            wait = self._next - time.monotonic()
            if wait > 0 or self._running():
                self._timer = asyncio.get_running_loop().call_later(max(wait, 1), self._due)
            elif self._saving is None or self._saving.done():
                self._saving = asyncio.get_running_loop().create_task(self._by_itself())

    async def _by_itself(self) -> None:
        """Save after the cell's reply was sent, unless another cell has begun, whose end starts this again."""
        await asyncio.to_thread(self.notebook.see)
        computing = await busy.computing_meanwhile()
        if self.busy or self._running() or not self._wanted():
            return
        if background.forkable() and not computing:
            await self._finish(self._start())
        else:
            # Threads of BLAS still run for a moment after a cell; threads that go on are checked less often.
            wait, self._postponed = self.settings.every if self._postponed else 1, True
            self._timer = asyncio.get_running_loop().call_later(wait, self._due)

    def _wanted(self) -> bool:
        """Return whether there is something to save without a request."""
        by_itself = self.notebook.path and self.settings.every and self.forks and self._changed
        return bool(by_itself and (self.last or self.variables()))

    def _forkable(self) -> bool:
        return self.forks and background.forkable() and not busy.computing()

    def _running(self) -> bool:
        return self._child is not None and self._child.report is None

    def _start(self) -> background.Child:
        self._changed = self._postponed = False
        request = self._request(test=True)
        if self._here:
            request.grouped = group(request.values, Table(self.settings.recipes), request.groups)
        self._child = background.Child(request, self.settings)
        return self._child

    async def _finish(self, child: background.Child) -> dict[str, Any]:
        begun = time.monotonic()
        report = await child.ended()
        self._note(child, report, time.monotonic() - begun)
        self._due()  # cells may have run meanwhile
        return report

    def _note(self, child: background.Child | None, report: dict[str, Any], seconds: float) -> None:
        if child is not None and (child.hung or "hung" in report):
            self.forks = not self._here
            self._here = self._changed = True
        self._groups = report.get("groups", self._groups)
        self.last = report
        self._next = time.monotonic() + max(self.settings.every, PAUSE * seconds)

    def _request(self, *, test: bool) -> Request:
        self.notebook.follow()
        values = self.variables()
        for value in values.values():
            if isinstance(value, io.IOBase):
                with suppress(Exception):
                    if not value.closed and value.writable():
                        value.flush()
        return Request(
            self.shell,
            self.id,
            self.notebook.name,
            values,
            groups=self._groups,
            cells=dict(self.cells),
            restored=frozenset(self._restored),
            random=random.getstate(),
            test=test,
        )

    # On request

    async def asked(self) -> dict[str, Any]:
        """Save the present state on request through the socket; while a fork saves, the kernel's event loop goes on."""
        await asyncio.to_thread(self.notebook.see)
        if self.busy:
            return {"busy": True, "error": "it computes", "notebook": self.notebook.name}
        if not self.variables():
            return {"saved": 0, "partly": [], "lost": [], "seconds": 0.0, "notebook": self.notebook.name}
        if self._child is not None and self._running():
            await self._child.ended()
        report: dict[str, Any] = {"hung": ""}
        while "hung" in report:
            if self._forkable():
                report = await self._finish(self._start())
            else:
                report = self._inline()
        return {"notebook": self.notebook.name, **report}

    def save(self) -> dict[str, Any]:
        """Save on request from a cell."""
        self.notebook.see()
        if self._child is not None:
            self._child.join()
        report: dict[str, Any] = {"hung": ""}
        while "hung" in report:
            if not self._forkable():
                return self._inline()
            begun = time.monotonic()
            child = self._start()
            report = child.join()
            self._note(child, report, time.monotonic() - begun)
        return report

    def _inline(self) -> dict[str, Any]:
        """Save without a fork, and so without a test load, which needs one."""
        begun = time.monotonic()
        self._changed = False
        report = background.attempt(self._request(test=False), self.settings)
        self._note(None, report, time.monotonic() - begun)
        return report

    # Restore

    def found(self, notebook: str = "") -> list[journal.State]:
        """Return the states of other kernels that were not restored yet, the newest first; then all other states."""
        self.notebook.see()
        if not self._running():
            self.notebook.follow()
        directory = place.of_notebook(self.settings.root, notebook) if notebook else self.notebook.directory
        states = journal.states(directory)
        fresh = [state for state in states if self._fresh(state)]
        return fresh + [state for state in states if state not in fresh]

    def _fresh(self, state: journal.State) -> bool:
        """Return whether a state is of another kernel and was not restored yet."""
        return state.session != self.id and state.time not in self._seen

    def restore(self, notebook: str = "", *, force: bool = False) -> tuple[Report, int]:
        """Restore the newest state; return the report, and how many older states were not restored yet."""
        if self._child is not None:
            self._child.join()
        states = self.found(notebook)
        if not states:
            renamed = "" if notebook else self.notebook.renamed()
            raise place.Refused(
                f"Nothing is saved of {notebook or self.notebook.name}; {renamed or '`%state list` shows what is.'}"
            )
        directory = place.of_notebook(self.settings.root, notebook) if notebook else self.notebook.directory
        report = restore(directory, states[0], self.shell, self.variables(), force=force)
        if set(report.lost) == set(states[0].lost):
            self._restored.add(states[0].session)
            self._seen.add(states[0].time)
        self.shown = states[0]
        return report, sum(map(self._fresh, states[1:]))

    def forget(self, name: str) -> bool:
        """Remove what is saved of a notebook; return whether anything was. The next save comes after the next cell."""
        directory = place.of_notebook(self.settings.root, name)
        if self._child is not None:
            self._child.join()
        place.check(directory)
        self._forgotten = name == self.notebook.name
        if not directory.is_dir():
            return False
        shutil.rmtree(directory)
        return True

    def first_line(self) -> str:
        with suppress(Exception):
            states = self.found()
            if states and self._fresh(states[0]):
                count = len(states[0].names())
                what = "1 variable" if count == 1 else f"{count} variables"
                return f"State: {what} of {listing.stamp(states[0].time)} are saved; %restore brings them back."
            renamed = "" if states else self.notebook.renamed()
            return f"State: {renamed}" if renamed else ""
        return ""

    def warnings(self) -> list[str]:
        """Return a line on the variables that the check after a restore has found damaged since the last call."""
        names = sorted(set(damaged))
        damaged.clear()
        return (
            [f"State: {', '.join(names)} came back damaged, do not use them: the disk has other data."] if names else []
        )
