# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans some settings of instances without the rest of the platform. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible_collections.datalab.notebooks.plugins.plugin_utils.flow import FlowAction, refuse
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.fleet import (
    all_idle_limits,
    leaving_people,
    misspelt_leavers,
    some_settings,
    upgrade,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.preflight import ALL


class ActionModule(FlowAction):
    """Asks AWS only where the answer decides which people take part."""

    OPTIONS: ClassVar[Mapping[str, Any]] = {
        "only": {"type": "list", "elements": "str", "default": []},
        "override": {"type": "dict", "default": {}},
        "existing": {"type": "bool", "default": False},
        "upgrade_to": {"type": "str"},
        "upgrade_batch": {"type": "int", "default": 10},
        "person": {"type": "str"},
    }

    def planned(self, options: Mapping[str, Any]) -> dict[str, Any]:
        wanted = self.wanted(ALL, options["person"])
        instances = some_settings(wanted, options["only"], options["override"])
        if not options["existing"]:
            return {"fleet": {"instances": instances, "idle_limits": all_idle_limits(wanted)}}
        leaver: dict[str, Any] = (
            {"managed": []} if options["person"] else {}
        )  # then all instances of the account are read
        compared = self.compared(wanted, instances=instances, **leaver)
        refuse(misspelt_leavers(wanted, compared["instances"], compared.pop("unmanaged", ())), wanted)
        there = {each["name"] for each in compared["instances"] if each["status"]}
        instances = [each for each in instances if each["name"] in there]
        fleet: dict[str, Any] = {
            "instances": instances,
            "absent": [each for each in compared["instances"] if each["name"] not in there],
            "people": leaving_people(wanted, compared["instances"]),
            "idle_limits": all_idle_limits(wanted),
            "compared": compared,
        }
        if options["upgrade_to"]:
            fleet["upgrade"] = upgrade(
                instances, compared["instances"], options["upgrade_to"], options["upgrade_batch"]
            )
        return {"fleet": fleet}
