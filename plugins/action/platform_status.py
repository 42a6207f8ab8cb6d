# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prints the table of instances."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.known import known_by
from ansible_collections.datalab.notebooks.plugins.plugin_utils.status import HEADINGS, status_rows, table
from ansible_collections.datalab.notebooks.plugins.plugin_utils.tell import (
    aligned,
    applied_result,
    plan_of,
    unmanaged_lines,
)

display = Display()


class ActionModule(ActionBase):
    """Runs on the controller only. Reads the results of earlier tasks without a copy."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        plan = plan_of(variables)
        fleet = plan["fleet"]
        done = applied_result(variables)
        compared = done or fleet.get("compared", {})
        rows = status_rows(
            compared["instances"],
            fleet["idle_limits"],
            planned=done is None or self._task.check_mode,
            known=known_by(self._templar, variables, compared["instances"], plan.get("region", "")),
        )
        unmanaged = compared.get("unmanaged", [])
        lines = table(HEADINGS, rows) if rows else ["None of these people has an instance."]
        lines += aligned([*unmanaged_lines(unmanaged, [each["owner"] for each in compared["instances"]])])
        lines += plan.get("denied", [])
        for line in lines:
            display.display(line)
        state = {"instances": compared["instances"], "unmanaged": unmanaged}
        return {**result, "changed": False, "lines": lines, "state": state}
