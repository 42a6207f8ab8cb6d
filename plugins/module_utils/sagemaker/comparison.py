# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Compares wanted instances and lifecycle configurations with those of AWS. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..common.errors import NotebookError
from .fleet import outcome, unverified
from .instance import Current, Desired
from .lifecycle_config import ConfigPlan, DesiredConfig, config_diff, plan_config
from .plan import Plan, make_plans


@dataclass(frozen=True)
class Comparison:
    """The plans of a run."""

    config_plans: list[ConfigPlan]
    plans: list[Plan]
    errors: Mapping[str, NotebookError] = field(default_factory=dict)  # why one cannot be made, by instance name
    config_errors: Mapping[str, NotebookError] = field(default_factory=dict)  # by the configuration's name

    @property
    def changed(self) -> bool:
        """Whether a setting of the user differs."""
        return bool(self._changed_configs) or any(made.changed for made in self.plans)

    @property
    def _changed_configs(self) -> list[ConfigPlan]:
        return [made for made in self.config_plans if made.changed and made.desired.name not in self.config_errors]

    @property
    def currents(self) -> dict[str, Current | None]:
        """The instances as they were read."""
        return {made.desired.name: made.current for made in self.plans}

    def without(self, refused: Mapping[str, NotebookError]) -> Comparison:
        """The same without changes to these instances, each with the reason; pending changes are only reported."""
        waiting = {made.desired.name for made in self.plans if made.pending}
        errors = {name: error for name, error in refused.items() if name not in waiting}
        plans = [
            made.left_alone
            if made.desired.name in errors
            else replace(made, pending_problem=str(refused[made.desired.name]))
            if made.desired.name in refused
            else made
            for made in self.plans
        ]
        return replace(self, plans=plans, errors={**self.errors, **errors})

    def without_configs(self, failed: Mapping[str, NotebookError]) -> Comparison:
        """The same without changes to the instances of these lifecycle configurations, each with the reason."""
        uses = {made.desired.name: made.config for made in self.plans if made.config in failed}
        errors = {
            name: NotebookError(f"lifecycle configuration {config}: {failed[config]}") for name, config in uses.items()
        }
        plans = [made.left_alone if made.desired.name in uses else made for made in self.plans]
        return replace(
            self, plans=plans, errors={**errors, **self.errors}, config_errors={**self.config_errors, **failed}
        )

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to change, await, mark or report."""
        busy = self.changed or self.errors or self.config_errors or any(made.steps for made in self.plans)
        return not busy and not unverified(self.plans, self.currents)

    def told(
        self,
        currents: Mapping[str, Current | None] | None = None,
        errors: Mapping[str, NotebookError] | None = None,
    ) -> dict[str, Any]:
        """The result of the fleet module for a run that leaves the instances as `currents`, or that changes nothing."""
        wrong = {**self.errors, **(errors or {})}
        seen = self.currents if currents is None else currents
        return {
            "changed": self.changed,
            "instances": [
                outcome(made, seen[made.desired.name], wrong.get(made.desired.name), currents is None)
                for made in self.plans
            ],
            "lifecycle_configs": [self._told_config(made) for made in self.config_plans],
            "unverified": len(unverified(self.plans, self.currents)),
            "diff": self._diffs(),
        }

    def _told_config(self, made: ConfigPlan) -> dict[str, Any]:
        error = self.config_errors.get(made.desired.name)
        return {
            "name": made.desired.name,
            "changed": made in self._changed_configs,
            "created": made.before is None and not error,
            "failed": error is not None,
            **({"msg": str(error)} if error else {}),
        }

    def _diffs(self) -> list[dict[str, Any]]:
        """What `--diff` shows: one entry for each configuration and instance that changes."""
        instances = [made for made in self.plans if made.changed]
        shown = [(made.desired.name, config_diff(made.before, made.after)) for made in self._changed_configs]
        shown += [(made.desired.name, {"before": made.before, "after": made.after}) for made in instances]
        return [{"before_header": name, "after_header": name, **diff} for name, diff in shown]


def comparison(
    configs: list[tuple[DesiredConfig, dict[str, Any] | NotebookError | None]],
    instances: list[tuple[Desired, Current | NotebookError | None]],
) -> Comparison:
    """The plans from the existing to the wanted; an error instead of an instance says why AWS does not return it."""
    unread = {desired.name: current for desired, current in configs if isinstance(current, NotebookError)}
    plans = [
        ConfigPlan(desired, {}, {}) if isinstance(current, NotebookError) else plan_config(desired, current)
        for desired, current in configs
    ]
    return Comparison(plans, *make_plans(instances)).without_configs(unread)
