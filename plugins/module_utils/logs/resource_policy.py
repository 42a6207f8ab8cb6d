# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""A resource policy of CloudWatch Logs: which service may write to which log groups."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

from ..common.resource import Resource, State
from . import api


@dataclass(frozen=True)
class PolicyPlan:
    """The plan of one policy."""

    name: str
    before: State | None
    policy: dict[str, Any]

    @property
    def changed(self) -> bool:
        """Whether a call has to be made."""
        return self.before is None or bool(compare_policies(self.before["policy"], self.policy))

    @property
    def after(self) -> State:
        """The policy as it will be."""
        return {"name": self.name, "policy": self.policy}


def read_policy(client: Any, name: str) -> State | None:
    """The policy of this name; None if there is none."""
    for each in api.describe_resource_policies(client):
        if each["policyName"] == name:
            return {"name": name, "policy": json.loads(each["policyDocument"])}
    return None


@dataclass
class ResourcePolicy(Resource[PolicyPlan]):
    """The policy of the module logs_resource_policy."""

    client: Any
    name: str
    policy: dict[str, Any]

    key = "resource_policy"

    def problems(self) -> list[str]:
        return [] if self.policy else [f"resource policy {self.name}: policy must be given"]

    def read(self) -> State | None:
        return read_policy(self.client, self.name)

    def plan(self, current: State | None) -> PolicyPlan:
        return PolicyPlan(self.name, current, self.policy)

    def apply(self, plan: PolicyPlan) -> None:
        api.put_resource_policy(self.client, self.name, json.dumps(self.policy))

    def delete(self, current: State) -> None:
        api.delete_resource_policy(self.client, self.name)
