# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gives a person's host the result of the person's instance."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.datalab.notebooks.plugins.plugin_utils.tell import applied_result, plan_of

RESULTS = ("name", "status", "before", "after", "pending")


class ActionModule(ActionBase):
    """Runs on the controller only."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        where = variables if plan_of(variables) else variables["hostvars"].raw_get("localhost")
        compared = plan_of(where).get("fleet", {}).get("compared", {})
        outcomes = (applied_result(where) or compared).get("instances", [])
        mine = next((each for each in outcomes if each["owner"] == variables["inventory_hostname"]), None)
        if mine is None:
            return {**result, "changed": False}
        about = {key: mine[key] for key in RESULTS}
        failure = {"failed": True, "msg": mine["msg"]} if mine["failed"] else {}
        return {**result, "changed": mine["changed"], **about, **failure}
