# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks an inventory without asking AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible_collections.datalab.notebooks.plugins.plugin_utils.flow import SECTIONS, FlowAction
from ansible_collections.datalab.notebooks.plugins.plugin_utils.preflight import ALL
from ansible_collections.datalab.notebooks.plugins.plugin_utils.roster import STAND_INS


class ActionModule(FlowAction):
    """Runs on the controller only."""

    _requires_connection = False
    OPTIONS: ClassVar[Mapping[str, Any]] = {"sections": {**SECTIONS, "choices": [*ALL, STAND_INS]}}

    def planned(self, options: Mapping[str, Any]) -> dict[str, Any]:
        wanted = self.wanted(options["sections"])
        people = [wanted.roster.people[name] for name in wanted.people]
        return {
            "people": [{"name": each.name, "team": each.team, "instance": each.instance} for each in people],
            "stand_ins": list(wanted.stand_ins),
        }
