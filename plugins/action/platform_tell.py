# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prints the table of what a run did, or would do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.known import known_by
from ansible_collections.datalab.notebooks.plugins.plugin_utils.tell import (
    aligned,
    applied_result,
    lines_of,
    missed_creations,
    of_interest,
    plan_of,
)

display = Display()

SMALL = 100  # people; in a run of at most so many, all are in the recap


class ActionModule(ActionBase):
    """Runs on the controller only. Reads the results of earlier tasks, which may be long, without a copy."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _unused, options = self.validate_argument_spec({"applied": {"type": "list", "elements": "str", "default": []}})
        variables = task_vars or {}
        plan = plan_of(variables)
        done = applied_result(variables)
        outcome = done or plan.get("fleet", {}).get("compared", {})
        planned = self._task.check_mode
        told = lines_of(
            plan,
            outcome,
            planned=planned,
            applied=options["applied"],
            missed=missed_creations(variables),
            known=known_by(self._templar, variables, outcome.get("instances", ()), plan.get("region", "")),
        )
        lines = aligned(told)
        for line in lines:
            display.display(line)
        hosts = set(map(str, variables["groups"]["all"]))
        failures = [
            each["msg"] for each in outcome.get("instances", ()) if each["failed"] and each["owner"] not in hosts
        ]
        return {
            **result,
            "changed": False,
            "lines": lines,
            "recap": [name for name in self._recap(outcome, variables) if name in hosts],
            # A person who has left the inventory has no host that could fail.
            **({"failed": True, "msg": "\n".join(failures)} if failures else {}),
        }

    def _recap(self, outcome: Mapping[str, Any], variables: Mapping[str, Any]) -> list[str]:
        """The hosts with a line in the recap at the end of a playbook."""
        outcomes = outcome.get("instances", [])
        said = self._templar.template(variables.get("notebook_fleet_recap", "auto"))
        everybody = said == "everybody" or (said == "auto" and len(outcomes) <= SMALL)
        return [each["owner"] for each in outcomes if everybody or of_interest(each)]
