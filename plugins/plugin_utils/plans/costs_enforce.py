# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Denies the people of a team the right to create and start instances once their budget is spent. No call to AWS.

An action of the budget attaches a policy to the group of the team's people. It does so with a role of its own, which
may attach and detach these policies only, and is bounded by the policy that says so. What is made in IAM is on a path
of its own below the platform's, which marks it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

from ansible_collections.datalab.notebooks.plugins.module_utils.budgets.action import (
    ActionPlan,
    DesiredAction,
    find_action,
)

from ..budgets import enforced_teams, read_limit
from .costs_draft import Draft, Found, Settings, tags_of

NO_DENIALS: Found = {"policies": {}}
DENIED = ["sagemaker:CreateNotebookInstance", "sagemaker:StartNotebookInstance"]

Account = Mapping[str, str]


def rights_path(access: Settings) -> str:
    """The path in IAM of the denying policies and their role."""
    return f"/{access['name']}/costs/"


def rights_to_read(settings: Settings, access: Settings, *, removal: bool) -> dict[str, Any]:
    """The names that read_costs needs. If no team can be denied, IAM is read only if an action exists."""
    may_be_there = bool(enforced_teams(settings)) or removal
    return {
        "rights_name": access["name"],
        "rights_path": rights_path(access),
        "with_rights": may_be_there and not access["role_arn"],
    }


def denials_to_read(settings: Settings, access: Settings) -> dict[str, list[str]]:
    """The names that read_denials needs; {} if no team can be denied."""
    groups = [group_name(access, team) for team in enforced_teams(settings)]
    return {"groups": groups} if groups and not access["role_arn"] else {}


def denied_teams(settings: Settings, access: Settings, found: Found) -> list[str]:
    """A sentence for each team that is denied to create and start instances, or why that is not known.

    A team is denied by the policy that its group has, by `found["policies"]`. The state of its budget's action does not
    matter, because people attach and detach the policy as well.
    """
    if refused := found.get("refused"):
        return [f"whether a team has spent its budget, and may not start instances, is not known: {refused}"]
    has = found["policies"]
    teams = enforced_teams(settings)
    return [
        _told(settings, access, each) for each in teams if _denies(has.get(group_name(access, each), ()), access, each)
    ]


def group_name(access: Settings, team: str) -> str:
    """The group of the people of a team."""
    return f"{access['name']}-people-{team}"


def denial_name(access: Settings, team: str) -> str:
    """The name of the policy that denies a team."""
    return f"{access['name']}-over-budget-{team}"


def role_name(access: Settings) -> str:
    """The role that AWS Budgets takes on, and its policy and boundary."""
    return f"{access['name']}-budgets"


def denial() -> dict[str, Any]:
    """The policy for the group of a team that has spent its budget. Running instances are left alone."""
    statement = {"Sid": "OverBudget", "Effect": "Deny", "Action": DENIED, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def budgets_policy(access: Settings, account: Account) -> dict[str, Any]:
    """The rights of AWS Budgets: attach the denying policies to the groups, and detach them."""
    statement = {
        "Sid": "DenyAndLift",
        "Effect": "Allow",
        "Action": ["iam:AttachGroupPolicy", "iam:DetachGroupPolicy"],
        "Resource": f"{_iam(account)}group/{access['name']}/{group_name(access, '*')}",
        "Condition": {"ArnLike": {"iam:PolicyARN": policy_arn(access, account, denial_name(access, "*"))}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def budgets_trust(account: Account) -> dict[str, Any]:
    """The trust policy: AWS Budgets takes the role on, for this account."""
    statement = {
        "Sid": "Budgets",
        "Effect": "Allow",
        "Principal": {"Service": "budgets.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account["account"]}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _iam(account: Account) -> str:
    return f"arn:{account['partition']}:iam::{account['account']}:"


def policy_arn(access: Settings, account: Account, name: str) -> str:
    """The ARN of a policy on that path."""
    return f"{_iam(account)}policy{rights_path(access)}{name}"


def plan_enforcement(
    draft: Draft, settings: Settings, found: Found, account: Account, access: Settings, topic_arn: str
) -> None:
    """The plan of budget actions. A budget that waits for its tags has no action yet."""
    wanted = enforced_teams(settings)
    budgets = {each["name"] for each in (*found["budgets"], *draft.steps["budgets"])}
    teams = [team for team in wanted if f"{settings['name']}-{team}" in budgets]
    documents = {denial_name(access, team): denial() for team in teams}
    if teams:
        documents[role_name(access)] = budgets_policy(access, account)
    for name, document in documents.items():
        _plan_policy(draft, settings, found, access, name, document)
    if teams:
        _plan_role(draft, settings, found, account, access)
    kept = set()
    for team in teams:
        desired = _desired_action(settings, account, access, team, wanted[team], topic_arn)
        current = find_action(found["actions"], desired.budget, desired.policy_arn)
        kept.add((desired.budget, desired.policy_arn))
        _plan_action(draft, desired, ActionPlan(desired, current))
    _remove(draft, found, access, kept=documents, kept_actions=kept)
    groups = {
        name: [each["policy_arn"] for each in group.get("attached_managed_policies", ())]
        for name, group in _by_name(found, "groups", "group_name").items()
    }
    draft.notes += denied_teams(settings, access, {"policies": groups})


def plan_enforcement_removal(draft: Draft, found: Found, access: Settings) -> None:
    """The plan that removes all denying policies; their teams may start instances again."""
    _remove(draft, found, access, kept={}, kept_actions=set())


def _plan_policy(
    draft: Draft, settings: Settings, found: Found, access: Settings, name: str, document: dict[str, Any]
) -> None:
    current = _by_name(found, "policies", "policy_name").get(name)
    if current and current["path"] != rights_path(access):
        draft.refused.append(_foreign("policy", current["path"], name, access))
        return
    has = _document(current) if current else None
    if has is None or compare_policies(has, document):
        step = {
            "name": name,
            "path": rights_path(access),
            "description": "What denies a team that has spent its budget, or lets AWS Budgets deny it",
            "policy": json.dumps(document),
            "tags": tags_of(settings),
        }
        draft.set("denials", f"policy {name}", has, document, step)


def _document(policy: Found) -> dict[str, Any]:
    versions = policy["policy_version_list"]
    return dict(next(version["document"] for version in versions if version["is_default_version"]))


def _plan_role(draft: Draft, settings: Settings, found: Found, account: Account, access: Settings) -> None:
    name = role_name(access)
    current = _by_name(found, "roles", "role_name").get(name)
    if current and current["path"] != rights_path(access):
        draft.refused.append(_foreign("role", current["path"], name, access))
        return
    own, trust, tags = policy_arn(access, account, name), budgets_trust(account), tags_of(settings)
    wanted = {"trust": trust, "boundary": own, "policies": [own], "tags": tags}
    has = _role(current, tags) if current else None
    same = has and not compare_policies(has["trust"], trust) and {**has, "trust": trust} == wanted
    if not same:
        step = {
            "name": name,
            "path": rights_path(access),
            "assume_role_policy_document": json.dumps(trust),
            "policy": own,
            "tags": tags,
        }
        draft.set("denying_roles", f"role {name}", has, wanted, step)


def _role(current: Found, tags: Mapping[str, str]) -> dict[str, Any]:
    return {
        "trust": current["assume_role_policy_document"],
        "boundary": (current.get("permissions_boundary") or {}).get("permissions_boundary_arn"),
        "policies": sorted(each["policy_arn"] for each in current.get("attached_managed_policies", ())),
        "tags": {key: value for key, value in current.get("tags", {}).items() if key in tags},
    }


def _desired_action(
    settings: Settings, account: Account, access: Settings, team: str, approval: str, topic_arn: str
) -> DesiredAction:
    said = settings["teams"][team]
    return DesiredAction(
        f"{settings['name']}-{team}",
        account["account"],
        policy_arn(access, account, denial_name(access, team)),
        role_arn=f"{_iam(account)}role{rights_path(access)}{role_name(access)}",
        groups=(group_name(access, team),),
        threshold=read_limit(said.get("enforce_at", 100)) or 0,
        approval=approval,
        emails=tuple(map(str, said.get("emails", []))),
        topic_arn=topic_arn,
    )


def _plan_action(draft: Draft, desired: DesiredAction, plan: ActionPlan) -> None:
    if plan.changed:
        keys = ("budget", "policy_arn", "role_arn", "threshold", "approval", "topic_arn")
        step = {key: getattr(desired, key) for key in keys}
        step |= {"groups": list(desired.groups), "emails": list(desired.emails)}
        draft.set("actions", f"action of budget {desired.budget}", plan.before, plan.after, step)


def _remove(
    draft: Draft, found: Found, access: Settings, *, kept: Mapping[str, Any], kept_actions: set[tuple[str, str]]
) -> None:
    for action in found["actions"]:
        budget, policy = action["budget"], action["policy_arn"]
        if (budget, policy) not in kept_actions:
            draft.remove("old_actions", f"action of budget {budget}", budget, policy_arn=policy)
    rights = found["rights"] or {"roles": (), "policies": ()}
    for role in _on_path(rights["roles"], access):
        if role["role_name"] not in kept:
            draft.remove("old_denying_roles", f"role {role['role_name']}", role["role_name"])
    for policy in _on_path(rights["policies"], access):
        if policy["policy_name"] not in kept:
            draft.remove("old_denials", f"policy {policy['policy_name']}", policy["policy_name"])


def _on_path(items: Any, access: Settings) -> Iterator[Found]:
    return (each for each in items if each["path"] == rights_path(access))


def _by_name(found: Found, kind: str, key: str) -> dict[str, Found]:
    return {each[key]: each for each in (found["rights"] or {kind: ()})[kind]}


def _foreign(kind: str, path: str, name: str, access: Settings) -> str:
    return (
        f"platform_costs_enforce: the {kind} {path}{name} must be {rights_path(access)}{name} to be the platform's; set"
        " another platform_access_name, or remove it"
    )


def _denies(policies: Iterable[str], access: Settings, team: str) -> bool:
    return any(arn.endswith(f":policy{rights_path(access)}{denial_name(access, team)}") for arn in policies)


def _told(settings: Settings, access: Settings, team: str) -> str:
    said = settings["teams"][team]
    budget, share = read_limit(said["budget"]) or 0, read_limit(said.get("enforce_at", 100)) or 0
    part = f"{share:g} % of " if share < 100 else ""
    return (
        f"the team {team} has spent {part}its budget of {budget:g} USD, and its people may not create or start"
        f" instances (policy {denial_name(access, team)}); to let them, set enforce: never for it in"
        " platform_costs_teams and run datalab.notebooks.site; then raise its budget and take that away"
    )
