# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a command in a terminal of an instance."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.datalab.notebooks.plugins.plugin_utils.terminal import Done, run

ARGUMENTS: dict[str, dict[str, Any]] = {
    "url": {"type": "str", "required": True, "no_log": True},
    "argv": {"type": "list", "elements": "str", "required": True},
    "timeout": {"type": "int", "default": 3600},
}
NOT_REACHED = 255  # as in ssh


class ActionModule(ActionBase):
    """Runs on the controller only. A failure is a result, since the task's no_log would hide a message."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _unused, arguments = self.validate_argument_spec(ARGUMENTS)
        try:
            done = run(arguments["url"], arguments["argv"], arguments["timeout"])
        except (OSError, ValueError) as error:
            done = Done(NOT_REACHED, f"Jupyter cannot be reached: {error}")
        return {**result, "changed": False, "status": done.status, "output": done.output}
