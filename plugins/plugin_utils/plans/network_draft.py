# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Collects the parts of a network's plan."""

from __future__ import annotations

from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import some_of

from .section import Action, Change, SectionPlan

# The lists that the tasks of the role platform_network loop over; what an item has, the task of that list says.
STEPS = (
    "vpcs", "subnets", "security_groups", "internet_gateways", "addresses", "peerings",
    "nat_gateways", "route_tables", "gateway_endpoints", "interface_endpoints",
    "endpoint_policies", "routes", "rules", "tags", "flow_logs",
    "remove_endpoints", "remove_flow_logs", "remove_nat_gateways", "remove_addresses", "remove_peerings",
    "remove_security_groups", "remove_route_tables", "remove_subnets", "remove_internet_gateways", "remove_vpcs",
    "waiting",  # what AWS is creating or removing; the rest can be planned only after it
    "later",  # changes that have to wait for other steps
)  # fmt: skip


class Draft:
    """A plan that is being written."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.notes: list[str] = []
        self._retagged: dict[tuple[str, str], list[str]] = {}
        self.steps: dict[str, list[dict[str, Any]]] = {name: [] for name in STEPS}

    def add(self, action: Action, text: str, *, before: str = "", after: str = "") -> None:
        """Adds a line for the table."""
        self.changes.append(Change(action, text, before, after))

    def step(self, name: str, item: dict[str, Any]) -> None:
        """Adds a step that a task can do now."""
        self.steps[name].append(item)

    def later(self, text: str) -> None:
        """A change that waits for the id of a resource that does not exist yet."""
        self.steps["later"].append({"text": text})

    def wait(self, text: str) -> None:
        """A change that AWS has to complete before the rest can be planned."""
        self.steps["waiting"].append({"text": text})

    def retag(self, text: str, resource_id: str, current: dict[str, str], wanted: dict[str, str]) -> None:
        """Missing and different tags; those of others stay."""
        other = {key: value for key, value in wanted.items() if current.get(key) != value}
        if other:
            before = {key: current[key] for key in other if key in current}
            self._retagged.setdefault((_lines(before), _lines(other)), []).append(text)
            self.step("tags", {"resource": resource_id, "tags": other})

    def plan(self, ids: dict[str, Any], refused: list[str]) -> SectionPlan:
        """The finished plan; a tag that is new everywhere becomes one line."""
        retagged = [
            Change("change", f"tags of {some_of(texts)}", before, after)
            for (before, after), texts in self._retagged.items()
        ]
        return SectionPlan((*self.changes, *retagged), tuple(refused), tuple(self.notes), ids, self.steps)


def _lines(tags: dict[str, str]) -> str:
    return "\n".join(f"{key}: {value}" for key, value in sorted(tags.items()))
