# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Add two magics, and hooks before and after each cell, to a kernel."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from . import door
from .magics import Magics
from .session import Session
from .settings import Settings


class Attached:
    def __init__(self, session: Session) -> None:
        self.session = session
        self._told = False
        self._server: Any = None

    def begin(self, info: Any) -> None:
        self.session.begin()
        for line in self.session.warnings():
            print(line)
        if not self._server:
            self._serve()
        if not self._told and self.session.notebook.path:
            self._told = True
            with suppress(Exception):
                door.tell(self.session)
            code = (getattr(info, "raw_cell", "") or "").lstrip()
            line = "" if code.startswith(("%restore", "%state")) else self.session.first_line()
            if line:
                print(line)

    def _serve(self) -> None:
        """Open the socket. This is called at the first cell, since the event loop runs by then."""
        with suppress(RuntimeError):
            self._server = asyncio.get_running_loop().create_task(door.serve(self.session))
            self._server.add_done_callback(lambda task: task.exception())  # without a socket the rest works


def attach(shell: Any, settings: Settings) -> Session:
    session = Session(shell, settings)
    attached, magics = Attached(session), Magics(session)
    shell.register_magic_function(magics.restore, "line", "restore")
    shell.register_magic_function(magics.state, "line", "state")
    shell.events.register("pre_run_cell", attached.begin)
    shell.events.register("post_run_cell", session.end)
    if settings.outputs and session.notebook.connection_file:
        with suppress(ImportError):
            from .outputs import watch

            watch(session)
    return session
