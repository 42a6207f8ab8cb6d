# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""A rule of EventBridge that sends the events of its pattern to one target."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import compare_aws_tags

from ..common.errors import NotebookError
from ..common.resource import Resource, State
from . import api

TARGET = "datalab"  # the id of the target


@dataclass(frozen=True)
class DesiredRule:
    """A rule as it is wanted; tags that are None are left as they are."""

    name: str
    event_pattern: dict[str, Any]
    target_arn: str
    description: str = ""
    tags: dict[str, str] | None = None
    purge_tags: bool = True

    @property
    def settings(self) -> State:
        """What PutRule and PutTargets set."""
        return {
            "description": self.description,
            "event_pattern": self.event_pattern,
            "state": "ENABLED",
            "target_arns": [self.target_arn],
        }


@dataclass(frozen=True)
class RulePlan:
    """The plan of one rule."""

    desired: DesiredRule
    before: State | None
    set_tags: dict[str, str] = field(default_factory=dict)
    delete_tags: list[str] = field(default_factory=list)

    @property
    def puts_rule(self) -> bool:
        """Whether PutRule has to be called."""
        return self._differs("description", "event_pattern", "state")

    @property
    def puts_target(self) -> bool:
        """Whether the target is another one."""
        return self._differs("target_arns")

    def _differs(self, *keys: str) -> bool:
        return self.before is None or any(self.before[key] != self.desired.settings[key] for key in keys)

    @property
    def changed(self) -> bool:
        """Whether a call has to be made."""
        return self.puts_rule or self.puts_target or bool(self.set_tags or self.delete_tags)

    @property
    def after(self) -> State:
        """The rule as it will be."""
        before = self.before or {"name": self.desired.name, "tags": {}}
        tags = {**before["tags"], **self.set_tags}
        kept = {key: value for key, value in tags.items() if key not in self.delete_tags}
        return {**before, **self.desired.settings, "tags": kept}


def read_rule(client: Any, name: str) -> State | None:
    """The rule with its targets and tags; None if there is none."""
    found = api.describe_rule(client, name)
    if not found:
        return None
    return {
        "name": name,
        "arn": found["Arn"],
        "description": found.get("Description", ""),
        "event_pattern": json.loads(found.get("EventPattern", "{}")),
        "state": found["State"],
        "target_arns": sorted(target["Arn"] for target in api.list_targets(client, name)),
        "tags": api.list_tags(client, found["Arn"]),
    }


def plan_rule(desired: DesiredRule, current: State | None) -> RulePlan:
    """The plan from `current`, the result of `read_rule`, to `desired`."""
    has = current["tags"] if current else {}
    to_set, to_delete = compare_aws_tags(has, desired.tags or {}, desired.purge_tags and desired.tags is not None)
    return RulePlan(desired, current, to_set, to_delete)


def apply_rule(client: Any, plan: RulePlan) -> None:
    """Makes the calls that the plan asks for."""
    desired, before = plan.desired, plan.before
    if plan.puts_rule:
        tags = {} if before else plan.set_tags
        api.put_rule(client, desired.name, json.dumps(desired.event_pattern), desired.description, tags)
    if plan.puts_target:
        _put_target(client, desired)
    if before and plan.set_tags:
        api.tag_resource(client, before["arn"], plan.set_tags)
    if before and plan.delete_tags:
        api.untag_resource(client, before["arn"], plan.delete_tags)


def _put_target(client: Any, desired: DesiredRule) -> None:
    others = [each["Id"] for each in api.list_targets(client, desired.name) if each["Id"] != TARGET]
    for failed in api.put_targets(client, desired.name, [{"Id": TARGET, "Arn": desired.target_arn}]):
        raise NotebookError(f"Failed to put the target of the rule {desired.name}: {failed['ErrorMessage']}")
    if others:
        api.remove_targets(client, desired.name, others)


@dataclass
class Rule(Resource[RulePlan]):
    """The rule of the module events_rule."""

    client: Any
    desired: DesiredRule

    key = "rule"

    def problems(self) -> list[str]:
        needed = {"event_pattern": self.desired.event_pattern, "target_arn": self.desired.target_arn}
        return [f"rule {self.desired.name}: {option} must be given" for option, value in needed.items() if not value]

    def read(self) -> State | None:
        return read_rule(self.client, self.desired.name)

    def plan(self, current: State | None) -> RulePlan:
        return plan_rule(self.desired, current)

    def apply(self, plan: RulePlan) -> None:
        apply_rule(self.client, plan)

    def delete(self, current: State) -> None:
        if targets := api.list_targets(self.client, self.desired.name):
            api.remove_targets(self.client, self.desired.name, [each["Id"] for each in targets])
        api.delete_rule(self.client, self.desired.name)
