# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Instances and lifecycle configurations as they are wanted beside those that AWS has. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..common.errors import NotebookError
from .fleet import outcome, unverified
from .instance import Current
from .lifecycle_config import ConfigPlan, config_diff
from .plan import Plan


@dataclass(frozen=True)
class Comparison:
    """The plans of a run."""

    config_plans: list[ConfigPlan]
    plans: list[Plan]
    errors: Mapping[str, NotebookError] = field(default_factory=dict)  # why one cannot be made, by instance name

    @property
    def changed(self) -> bool:
        """Whether something differs that a user asked for."""
        return any(made.changed for made in self.config_plans) or any(made.changed for made in self.plans)

    @property
    def currents(self) -> dict[str, Current | None]:
        """The instances as they were read."""
        return {made.desired.name: made.current for made in self.plans}

    def without(self, refused: Mapping[str, NotebookError]) -> Comparison:
        """The same, in which nothing is done to these instances, and why; of what waits it is only said."""
        waiting = {made.desired.name for made in self.plans if made.pending}
        errors = {name: error for name, error in refused.items() if name not in waiting}
        plans = [
            Plan(made.desired, made.current)
            if made.desired.name in errors
            else replace(made, pending_problem=str(refused[made.desired.name]))
            if made.desired.name in refused
            else made
            for made in self.plans
        ]
        return replace(self, plans=plans, errors={**self.errors, **errors})

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to change, to await, to mark or to tell."""
        busy = self.changed or self.errors or any(made.steps for made in self.plans)
        return not busy and not unverified(self.plans, self.currents)

    def told(
        self,
        currents: Mapping[str, Current | None] | None = None,
        errors: Mapping[str, NotebookError] | None = None,
    ) -> dict[str, Any]:
        """What the fleet module returns: of a run that leaves the instances as `currents`, or that changes nothing."""
        wrong = {**self.errors, **(errors or {})}
        seen = self.currents if currents is None else currents
        return {
            "changed": self.changed,
            "instances": [
                outcome(made, seen[made.desired.name], wrong.get(made.desired.name), currents is None)
                for made in self.plans
            ],
            "lifecycle_configs": [
                {"name": made.desired.name, "changed": made.changed, "created": made.before is None}
                for made in self.config_plans
            ],
            "unverified": len(unverified(self.plans, self.currents)),
            "diff": self._diffs(),
        }

    def _diffs(self) -> list[dict[str, Any]]:
        """What `--diff` shows: one entry for each configuration and instance that changes."""
        configs = [made for made in self.config_plans if made.changed]
        instances = [made for made in self.plans if made.changed]
        shown = [(made.desired.name, config_diff(made.before, made.after)) for made in configs]
        shown += [(made.desired.name, {"before": made.before, "after": made.after}) for made in instances]
        return [{"before_header": name, "after_header": name, **diff} for name, diff in shown]
