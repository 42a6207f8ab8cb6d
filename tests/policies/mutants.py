# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Break each statement of a policy in every way, to see whether the table of decisions notices it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import Any

from .simulator import Policies, Request

Statement = dict[str, Any]

# Mutants that the table cannot notice, by statement and change in any policy, and why they grant nothing.
HARMLESS = {
    ("PassRole", "Action iam:*"): "no other action of IAM has the key iam:PassedToService",
    ("SharedFolder", "Resource *"): "no other resource has these actions",
    ("FileSystems", "Resource *"): "what has the mark is the platform's, access points too",
    ("AccessPoints", "Resource *"): "what has the mark is the platform's, file systems too",
    ("CreateAccessPoint", "Resource *"): "no other resource has this action",
    ("CreateAccessPoint", "Action elasticfilesystem:*"): "only TagResource has these keys too, which is allowed",
    ("SetIdle", "Action sagemaker:*"): "no other action has aws:TagKeys on what is there already",
    ("CreateSmall", "Action sagemaker:*"): "no other action has the keys that are asked for",
    ("Instances", "Action sagemaker:*"): "all actions on instances are allowed",
    ("Create", "Resource *"): "AWS tells a request's tags of what it creates, and of nothing else",
    ("TagNew", "Action ec2:*"): "no other action has the key ec2:CreateAction",
    ("Keys2", "Resource *"): "all keys are meant, and no other resource has these actions",
    ("GrantKeys2", "Resource *"): "all keys are meant, and no other resource has this action",
    ("ServiceRoleOfNatGateways", "Action iam:*"): "no other action has the key iam:AWSServiceName",
    ("ServiceRoleOfEfs", "Action iam:*"): "no other action has the key iam:AWSServiceName",
    ("TagNewFileSystem", "Action elasticfilesystem:*"): "no other action has the key elasticfilesystem:CreateAction",
    ("TagNewAccessPoint", "Action elasticfilesystem:*"): "no other action has the key elasticfilesystem:CreateAction",
    ("CloseDefaultGroup", "Resource *"): "both actions are about security groups and their rules only",
    ("PoliciesOfRoles", "Action iam:*"): "the other action that has both keys, DetachRolePolicy, is allowed",
    ("PoliciesOfGroups", "Action iam:*"): "no other action on groups has the key iam:PolicyARN",
    ("TagNew", "Action sagemaker:*"): "no other action has the key sagemaker:TaggingAction",
    ("PassBudgetsRole", "Action iam:*"): "no other action has the key iam:PassedToService",
    ("DenyAndLift", "Action iam:*"): "no other action on groups has the key iam:PolicyARN",
    ("ReadBudgets", "Resource *"): "all budgets are meant, and no other resource has these actions",
}


@dataclass(frozen=True, eq=False)
class Mutant:
    """A policy with one thing broken."""

    policy: str
    sid: str
    broken: str
    document: dict[str, Any]
    actions: frozenset[str]  # the actions that the statement concerns, before or after the change

    def __str__(self) -> str:
        return f"{self.policy}: {self.sid}: {self.broken}"

    def concerns(self, request: Request) -> bool:
        """Return whether the decision about this request can change."""
        return self.policy in request.policies and any(fnmatch(request.action, action) for action in self.actions)

    def instead(self, request: Request) -> Request:
        """Return the request, with this policy instead of the original."""
        identity = [str(self) if name == self.policy else name for name in request.identity]
        single: dict[str, Any] = {
            part: str(self) for part in ("boundary", "trust", "on", "endpoint") if getattr(request, part) == self.policy
        }
        return replace(request, identity=identity, **single)


def mutants(policies: Policies) -> Iterator[Mutant]:
    """Yield each policy without one statement, without one limit or permission in it, and with a wider one."""
    for policy, document in policies.items():
        statements = document["Statement"]
        for number, statement in enumerate(statements):
            before, after = statements[:number], statements[number + 1 :]
            for broken, instead in [("removed", None), *_broken(statement)]:
                changed = {**document, "Statement": [*before, *([instead] if instead else []), *after]}
                actions = frozenset([*_as_list(statement["Action"]), *_as_list((instead or statement)["Action"])])
                yield Mutant(policy, statement["Sid"], broken, changed, actions)


def _broken(statement: Statement) -> Iterator[tuple[str, Statement]]:
    for part in ("Action", "Resource"):
        for value, rest in _without_each(statement.get(part)):
            yield f"{part} without {value}", {**statement, part: rest}
    if statement.get("Resource", "*") != "*":
        yield "Resource *", {**statement, "Resource": "*"}
    for service in sorted({action.split(":")[0] for action in _as_list(statement["Action"])}):
        if service != "*" and f"{service}:*" not in _as_list(statement["Action"]):
            yield f"Action {service}:*", {**statement, "Action": [*_as_list(statement["Action"]), f"{service}:*"]}
    if statement.get("Principal", "*") not in ("*", {"AWS": "*"}):
        yield "Principal *", {**statement, "Principal": "*"}
    yield from _broken_conditions(statement)


def _broken_conditions(statement: Statement) -> Iterator[tuple[str, Statement]]:
    condition = statement.get("Condition", {})
    if condition:
        yield "no Condition", {key: value for key, value in statement.items() if key != "Condition"}
    for operator, tests in condition.items():
        for key, values in tests.items():
            without = copy.deepcopy(condition)
            del without[operator][key]
            yield f"no {operator} {key}", {**statement, "Condition": {k: v for k, v in without.items() if v}}
            for value, rest in _without_each(values):
                shorter = copy.deepcopy(condition)
                shorter[operator][key] = rest
                yield f"{operator} {key} without {value}", {**statement, "Condition": shorter}


def _without_each(values: Any) -> Iterator[tuple[Any, list[Any]]]:
    if isinstance(values, list) and len(values) > 1:
        for number, value in enumerate(values):
            yield value, [*values[:number], *values[number + 1 :]]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
