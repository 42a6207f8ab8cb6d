# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Reads the record of events (the log group, its resource policy and the rule) and the budgets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ..budgets.action import shown_action
from ..budgets.api import describe_all_actions, describe_budgets
from ..budgets.budget import budget_arn, complete_budget, filter_of
from ..ce.tags import read_statuses
from ..common.calls import by_name, in_parallel
from ..common.errors import NotebookError, is_refusal
from ..iam.api import list_attached_group_policies
from ..iam.read import read_details
from ..logs import api as logs
from ..logs.resource_policy import read_policy
from ..sns import api as sns
from .rule import read_rule

JUST_READ = {"removal": False, "policy_tags": False}

Clients = Mapping[str, Any]
Wanted = Mapping[str, Any]


def read_costs(clients: Clients, wanted: Wanted) -> dict[str, Any]:
    """The existing resources, and whether billing sums up by the requested tags."""
    parts: dict[str, Callable[[], Any]] = {
        "log_group": lambda: read_log_group(clients["logs"], wanted["log_group"]),
        "policy": lambda: read_policy(clients["logs"], wanted["rule"]),
        "rule": lambda: read_rule(clients["events"], wanted["rule"]),
        "topic": lambda: read_topic(clients["sns"], topic_arn(wanted)) if wanted["topic"] else None,
        "budgets": lambda: read_budgets(clients["budgets"], wanted) if wanted["with_budgets"] else [],
        "actions": lambda: read_actions(clients["budgets"], wanted) if wanted["with_budgets"] else [],
    }
    found = dict(zip(parts, in_parallel(lambda read: read(), parts.values()), strict=True))
    with_rights = wanted["with_rights"] or found["actions"]
    rights = read_rights(clients["iam"], wanted) if with_rights else None
    return {**found, "rights": rights, "billing": _billing(clients, wanted, found["budgets"])}


def read_log_group(client: Any, name: str) -> dict[str, Any] | None:
    """The log group with its tags; None if there is none."""
    for group in logs.describe_log_groups(client, name):
        if group["logGroupName"] == name:
            arn = str(group["arn"]).removesuffix(":*")
            return {"name": name, "retention": group.get("retentionInDays"), "tags": logs.list_tags(client, arn)}
    return None


def topic_arn(wanted: Wanted) -> str:
    """The ARN of the topic, derived from its name."""
    account = wanted["account"]
    return f"arn:{account['partition']}:sns:{account['region']}:{account['account']}:{wanted['topic']}"


def read_topic(client: Any, arn: str) -> dict[str, Any] | None:
    """The topic with its policy and tags; None if there is none."""
    found = sns.get_topic_attributes(client, arn)
    return {"policy": json.loads(found["Policy"]), "tags": sns.list_tags(client, arn)} if found else None


def read_budgets(client: Any, wanted: Wanted) -> list[dict[str, Any]]:
    """The wanted budgets, and those with similar names, whose alerts and tags are not read."""
    account = wanted["account"]
    found = []
    for each in describe_budgets(client, account["account"]):
        name = each["BudgetName"]
        if name in wanted["budgets"]:
            arn = budget_arn(account["partition"], account["account"], name)
            found.append(complete_budget(client, account["account"], arn, each))
        elif name.startswith(wanted["budget_prefix"]):
            found.append({"name": name, **filter_of(each)})
    return found


def read_actions(client: Any, wanted: Wanted) -> list[dict[str, Any]]:
    """The actions that attach a policy of the platform's."""
    account = wanted["account"]
    policies = f"arn:{account['partition']}:iam::{account['account']}:policy{wanted['rights_path']}"
    found = map(shown_action, describe_all_actions(client, account["account"]))
    return [each for each in found if each["policy_arn"].startswith(policies)]


def read_denials(client: Any, wanted: Wanted) -> dict[str, Any]:
    """The policies of these groups, or why they cannot be read: who only reads instances may not see rights."""
    try:
        return {"policies": by_name(lambda group: list_attached_group_policies(client, group), wanted["groups"])}
    except NotebookError as error:
        if is_refusal(error, "AccessDenied"):
            return {"refused": str(error)}
        raise


def read_rights(client: Any, wanted: Wanted) -> dict[str, Any]:
    """The denying policies and their role, by their path in IAM, and the groups that have them."""
    return read_details(client, {"name": wanted["rights_name"], "path": wanted["rights_path"], **JUST_READ})


def _billing(clients: Clients, wanted: Wanted, budgets: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The status of the tags by key, or why it is not known; None where nothing depends on it, since it may be paid.

    The rest does not need the account that pays, so that whatever keeps it from being reached fails no run.
    """
    missing = set(wanted["budgets"]) - {each["name"] for each in budgets}
    if not (wanted["activate_tags"] or missing):
        return None
    try:
        return {"statuses": read_statuses(clients["ce"], wanted["keys"]), "refused": ""}
    except NotebookError as error:
        if wanted["payer_profile"] or is_refusal(error, "AccessDeniedException"):
            return {"statuses": {}, "refused": str(error)}
        raise
