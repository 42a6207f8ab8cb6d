# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""A plan of the record of events and the budgets, while it is made, and the tag of the platform's resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .section import Change, SectionPlan
from .storage_settings import as_text

MARK = "datalab:costs"  # the tag of the platform's resources; its value is platform_costs_name
STEPS = (
    "log_groups",
    "policies",
    "rules",
    "topics",
    "cost_tags",
    "denials",
    "denying_roles",
    "budgets",
    "actions",
    "old_actions",
    "old_budgets",
    "old_denying_roles",
    "old_denials",
)

Settings = Mapping[str, Any]
Found = Mapping[str, Any]


@dataclass
class Draft:
    """A plan while it is made."""

    changes: list[Change] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    steps: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in STEPS})

    def plan(self, **ids: str) -> SectionPlan:
        """The plan."""
        return SectionPlan(tuple(self.changes), tuple(self.refused), tuple(self.notes), ids, self.steps)

    def set(self, steps: str, text: str, before: Any, after: Any, step: dict[str, Any]) -> None:
        """A resource is created, or changed from its state before."""
        action: Any = "change" if before else "create"
        self.changes.append(Change(action, text, as_text(before) if before else "", as_text(after)))
        self.steps[steps].append(step)

    def remove(self, steps: str, text: str, name: str, **more: str) -> None:
        """A resource is removed."""
        self.changes.append(Change("remove", text))
        self.steps[steps].append({"name": name, **more})


def tags_of(settings: Settings) -> dict[str, str]:
    """The tags of all resources."""
    return {**settings["tags"], MARK: settings["name"]}


def is_marked(settings: Settings, thing: Found) -> bool:
    """Whether the platform created it."""
    return bool(thing["tags"].get(MARK) == settings["name"])
