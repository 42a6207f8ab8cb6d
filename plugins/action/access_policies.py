# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders the policies of a platform, without asking AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks.access import offline_platform
from ansible_collections.datalab.notebooks.plugins.plugin_utils.flow import FlowAction
from ansible_collections.datalab.notebooks.plugins.plugin_utils.operator import operator_problems, render_operator
from ansible_collections.datalab.notebooks.plugins.plugin_utils.policies import (
    Policy,
    render_policies,
    render_trust,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.preflight import ALL, access_context


class ActionModule(FlowAction):
    """Runs on the controller only."""

    _requires_connection = False

    def planned(self, options: Mapping[str, Any]) -> dict[str, Any]:
        wanted = self.wanted(ALL)
        platform = offline_platform(wanted.settings["access"], **access_context(wanted))
        operator = render_operator(wanted)
        if problems := list(operator_problems(operator)):
            raise AnsibleActionFail("\n".join(problems))
        trust = Policy(f"{platform.name}-trust", "Who takes the roles on", render_trust(platform))
        return {
            "policies": [_told(each) for each in (*render_policies(platform), trust)],
            "operator_policies": [_told(each) for each in operator],
        }


def _told(policy: Policy) -> dict[str, Any]:
    return {"name": policy.name, "description": policy.description, "document": policy.document}
