# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads from the inventory what people want."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.datalab.notebooks.plugins.plugin_utils.people import Platform, wanted_by_people

NAMES = {"type": "list", "elements": "str", "required": True}
VARIABLES = {"type": "dict", "required": True}


class ActionModule(ActionBase):
    """Runs on the controller only, where the variables of all hosts are."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _unused, arguments = self.validate_argument_spec(
            {
                "people": NAMES,
                "owners": NAMES,
                "viewers": NAMES,
                "prefix": {"type": "str", "required": True},
                "owner_defaults": VARIABLES,
                "viewer_defaults": VARIABLES,
                "host_defaults": VARIABLES,
                "role_arns": {"type": "dict", "default": {}},
                "mounts": {"type": "dict", "default": {}},
                "teams": {"type": "dict", "default": {}},
            }
        )
        people = arguments.pop("people")
        wanted = wanted_by_people((task_vars or {})["hostvars"], people, Platform(**arguments))
        problems = wanted.pop("problems")
        if problems:
            raise AnsibleActionFail("\n".join(problems))
        return {**result, "changed": False, **wanted}
