# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders the policies of a platform, without asking AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks.access import offline_platform
from ansible_collections.datalab.notebooks.plugins.plugin_utils.flow import FlowAction
from ansible_collections.datalab.notebooks.plugins.plugin_utils.policies import render_policies, render_trust
from ansible_collections.datalab.notebooks.plugins.plugin_utils.preflight import access_context


class ActionModule(FlowAction):
    """Runs on the controller only."""

    _requires_connection = False

    def planned(self, options: Mapping[str, Any]) -> dict[str, Any]:
        wanted = self.wanted(["access"])
        platform = offline_platform(wanted.settings["access"], **access_context(wanted))
        policies = [
            {"name": policy.name, "description": policy.description, "document": policy.document}
            for policy in render_policies(platform)
        ]
        trust = {
            "name": f"{platform.name}-trust",
            "description": "Who takes the roles on",
            "document": render_trust(platform),
        }
        return {"policies": [*policies, trust]}
