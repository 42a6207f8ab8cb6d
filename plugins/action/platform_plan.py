# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans a platform, or its removal: roster, preflight, read, plan. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible_collections.datalab.notebooks.plugins.plugin_utils.flow import SECTIONS, FlowAction, refuse
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.costs_enforce import (
    NO_DENIALS,
    denials_to_read,
    denied_teams,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.fleet import (
    fleet_request,
    leaving_people,
    misspelt_leavers,
    plan_config_removal,
    removal_request,
    unremovable,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.instances import (
    compare,
    doubtful,
    merged,
    needs_quotas,
    to_describe,
    wanted_to_read,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.platform import (
    Plans,
    foreign_roles,
    misplaced,
    place,
    plan_platform,
    plan_platform_removal,
    to_read,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.preflight import Wanted
from ansible_collections.datalab.notebooks.plugins.plugin_utils.problems import Problem
from ansible_collections.datalab.notebooks.plugins.plugin_utils.tell import NAMES, section_diff

Found = Mapping[str, Any]


class ActionModule(FlowAction):
    """Reads all sections by one module, and plans them here."""

    OPTIONS: ClassVar[Mapping[str, Any]] = {
        "sections": SECTIONS,
        "given_by": {**SECTIONS, "default": []},
        "removal": {"type": "bool", "default": False},
        "keep_used": {"type": "bool", "default": False},
        "compare_instances": {"type": "bool", "default": True},
        "denials": {"type": "bool", "default": False},
        "person": {"type": "str"},
        "leaving": {"type": "list", "elements": "str", "default": []},
    }

    def planned(self, options: Mapping[str, Any]) -> dict[str, Any]:
        sections = {*options["sections"], *options["given_by"]}
        wanted = self.wanted(sections, options["person"], removal=options["removal"])
        request = to_read(wanted, options["sections"], options["given_by"], options["removal"])
        if "fleet" in options["sections"] and not options["removal"]:
            request["instances"] = wanted_to_read(
                wanted,
                own_mounts="storage" in request,
                complete=options["compare_instances"],
                limited="ansible_limit" in self._variables,
            )
        costs, access = wanted.settings["costs"], wanted.settings["access"]
        if options["denials"]:
            request["denials"] = denials_to_read(costs, access)
        found = self.module("platform_read", request) if request else {}
        plans, fleet = (self._removal if options["removal"] else self._making)(wanted, found, options)
        mine = {section: each for section, each in plans.items() if section not in options["given_by"]}
        diff = [entry for section, each in mine.items() for entry in section_diff(section, each)]
        diff += fleet.get("compared", {}).pop("diff", None) or []
        would_change = any(each.changed for each in mine.values()) or fleet.get("compared", {}).get("changed", False)
        return {
            **{section: each.as_dict() for section, each in plans.items()},
            **({"fleet": fleet} if fleet else {}),
            "denied": denied_teams(costs, access, found.get("denials", NO_DENIALS)),
            "given_by": options["given_by"],
            "region": found.get("account", {}).get("region", ""),
            "removal": options["removal"],
            "would_change": would_change,
            "changed": self._task.check_mode and would_change,
            **({"diff": diff} if self._task.diff and self._task.check_mode else {}),
        }

    def _making(self, wanted: Wanted, found: Found, options: Mapping[str, Any]) -> tuple[Plans, dict[str, Any]]:
        plans = plan_platform(wanted, found)
        with_fleet = "fleet" in options["sections"]
        if not with_fleet:
            refuse(_refused(plans), wanted)
            return plans, {}
        foreign = foreign_roles(wanted, found["account"]["account"])
        refuse([*_refused(plans), *misplaced(wanted, plans), *foreign], wanted)
        fleet = fleet_request(wanted, place(wanted, plans))
        compared = self._compared(wanted, fleet, found["instances"], complete=options["compare_instances"])
        return plans, {**fleet, **({"compared": compared} if compared else {})}

    def _compared(self, wanted: Wanted, fleet: Found, found: Found, *, complete: bool) -> dict[str, Any] | None:
        """The changes to the instances; none if not all was read, unless the table has to be complete."""
        names = doubtful(fleet, found)
        if names and not complete:
            return None
        more = self.module("platform_read", {"instances": to_describe(wanted, names)})["instances"] if names else {}
        found = merged(found, more)
        compared = compare(fleet, found)
        if needs_quotas(compared) and (complete or compared["is_settled"]):  # otherwise the fleet module asks
            quotas = self.module("platform_read", {"quotas": True})["quotas"]
            self._remarks["warnings"] += filter(None, [quotas["unread"]])
            compared = compare(fleet, {**found, "quotas": quotas})
        self.foretell(compared["instances"])
        return compared

    def _removal(self, wanted: Wanted, found: Found, options: Mapping[str, Any]) -> tuple[Plans, dict[str, Any]]:
        keep_used = options["keep_used"]
        instances = removal_request(wanted) if "fleet" in options["sections"] else []
        leaving = [each["name"] for each in instances]
        gone = [*leaving, *options["leaving"]]
        plans = plan_platform_removal(wanted, found, keep_used=keep_used, leaving=gone)
        if not instances:
            refuse(_refused(plans), wanted)
            return plans, {}
        compared = self.compared(wanted, instances=instances, managed=leaving)
        others = compared.pop("unmanaged")
        refuse(misspelt_leavers(wanted, compared["instances"], others), wanted)
        plans["configs"] = plan_config_removal(
            wanted, found["lifecycle_configs"], compared["instances"], others, keep_used=keep_used
        )
        refuse([*unremovable(compared["instances"]), *_refused(plans)], wanted)
        return plans, {
            "instances": instances,
            "people": leaving_people(wanted, compared["instances"]),
            "compared": compared,
        }


def _refused(plans: Plans) -> list[Problem]:
    return [Problem(NAMES.get(section, section), text) for section, each in plans.items() for text in each.refused]
