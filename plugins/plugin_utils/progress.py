# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Shows the progress of a module while it runs."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Thread
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.datalab.notebooks.plugins.module_utils.common.progress import FILE_NAME

POLL = 0.5  # seconds

display = Display()


class ActionWithProgress(ActionBase):
    """Runs the module of the same name and shows the lines that it writes to its progress file meanwhile.

    The file lies in the module's temporary directory, so this works where module and controller share one: with the
    local connection. Elsewhere the module runs all the same, in silence.
    """

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        if self._connection.transport != "local":
            return self._module_result(task_vars)
        done = Event()
        thread = Thread(target=show, args=(Path(self._make_tmp_path()) / FILE_NAME, done), daemon=True)
        thread.start()
        try:
            return self._module_result(task_vars)
        finally:
            done.set()
            thread.join()

    def _module_result(self, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(task_vars=task_vars)
        return result


def show(file: Path, done: Event) -> None:
    """Displays each new line of the file until `done`."""
    shown = 0
    while not done.wait(POLL):
        if file.exists():
            lines = file.read_text(encoding="utf-8").splitlines()
            for line in lines[shown:]:
                display.display(f"  {line}", color="cyan")
            shown = len(lines)
