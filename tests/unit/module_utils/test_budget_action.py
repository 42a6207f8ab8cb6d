# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Actions of budgets: each difference leads to one call, with nothing but the difference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.budgets.action import (
    BudgetAction,
    DesiredAction,
    action_problems,
    as_api,
    shown_action,
)

if TYPE_CHECKING:
    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

ACCOUNT = "123456789012"
OF = {"AccountId": ACCOUNT, "BudgetName": "datalab-research"}
IDENTIFIER = "2f5d0e8c-4a0e-4f0e-9a55-0d6a1f2b3c4d"
WANTED = DesiredAction(
    "datalab-research",
    ACCOUNT,
    f"arn:aws:iam::{ACCOUNT}:policy/deny",
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/budgets",
    groups=("datalab-people-research",),
    emails=("lead@example.org",),
)
MADE = {
    "NotificationType": "ACTUAL",
    "ActionThreshold": {"ActionThresholdValue": 100.0, "ActionThresholdType": "PERCENTAGE"},
    "Definition": {"IamActionDefinition": {"PolicyArn": WANTED.policy_arn, "Groups": ["datalab-people-research"]}},
    "ExecutionRoleArn": WANTED.role_arn,
    "ApprovalModel": "AUTOMATIC",
    "Subscribers": [{"SubscriptionType": "EMAIL", "Address": "lead@example.org"}],
}
KIND = {"ActionType": "APPLY_IAM_POLICY"}
FOUND = {**OF, **KIND, **MADE, "ActionId": IDENTIFIER, "Status": "STANDBY"}
FOUND.pop("AccountId")
OTHER = {**FOUND, "Definition": {"ScpActionDefinition": {"PolicyId": "p-12345678", "TargetIds": ["123456789012"]}}}


def action(budgets: Script, desired: DesiredAction = WANTED) -> BudgetAction:
    return BudgetAction(budgets.client, desired)


def test_an_action_is_created_by_one_call(budgets: Script) -> None:
    budgets.call("describe_budget_actions_for_budget", OF, {"Actions": [OTHER]})
    made = action(budgets)
    plan = made.plan(made.read())
    assert plan.before is None
    budgets.call("create_budget_action", {**OF, **KIND, **MADE}, {**OF, "ActionId": IDENTIFIER})
    made.apply(plan)


def test_an_action_that_does_not_differ_gets_no_call(budgets: Script) -> None:
    budgets.call("describe_budget_actions_for_budget", OF, {"Actions": [OTHER, FOUND]})
    assert not action(budgets).plan(action(budgets).read()).changed


CHANGES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"approval": "manual"}, {"ApprovalModel": "MANUAL"}),
    ({"forecast": True}, {"NotificationType": "FORECASTED"}),
    ({"threshold": 110}, {"ActionThreshold": {"ActionThresholdValue": 110.0, "ActionThresholdType": "PERCENTAGE"}}),
    (
        {"groups": ("b", "a")},
        {"Definition": {"IamActionDefinition": {"PolicyArn": WANTED.policy_arn, "Groups": ["a", "b"]}}},
    ),
    (
        {"emails": (), "topic_arn": "arn:x"},
        {"Subscribers": [{"SubscriptionType": "SNS", "Address": "arn:x"}]},
    ),
    ({"role_arn": f"{WANTED.role_arn}2"}, {"ExecutionRoleArn": f"{WANTED.role_arn}2"}),
]


@pytest.mark.parametrize(("change", "asked"), CHANGES)
def test_a_difference_is_exactly_its_call(budgets: Script, change: dict[str, Any], asked: dict[str, Any]) -> None:
    wanted = action(budgets, replace(WANTED, **change))
    plan = wanted.plan(shown_action(FOUND))
    assert plan.changed
    budgets.call("update_budget_action", {**OF, "ActionId": IDENTIFIER, **asked}, UPDATED)
    wanted.apply(plan)
    assert not wanted.plan(plan.after).changed


UPDATED = {**OF, "OldAction": FOUND, "NewAction": FOUND}


def test_an_action_reads_as_it_was_made(budgets: Script) -> None:
    made = replace(WANTED, approval="manual", forecast=True, threshold=110, users=("bob",), topic_arn="arn:x")
    found = shown_action({**FOUND, **as_api(made.state)})
    assert not action(budgets, made).plan(found).changed
    assert action(budgets).plan(found).changed


def test_an_action_of_an_amount_of_usd_becomes_one_of_a_share() -> None:
    usd = {"ActionThresholdValue": 100.0, "ActionThresholdType": "ABSOLUTE_VALUE"}
    current = shown_action({**FOUND, "ActionThreshold": usd})
    assert as_api(current)["ActionThreshold"] != MADE["ActionThreshold"]


def test_an_action_is_deleted_and_none_is_missing_where_there_is_no_budget(budgets: Script) -> None:
    budgets.call("delete_budget_action", {**OF, "ActionId": IDENTIFIER}, {**OF, "Action": FOUND})
    action(budgets).delete(shown_action(FOUND))
    budgets.refuse("describe_budget_actions_for_budget", OF, "NotFoundException", "there is no budget")
    assert action(budgets).read() is None


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"role_arn": ""}, "role_arn is missing"),
    ({"groups": ()}, "there are neither groups, roles nor users"),
    ({"groups": tuple(map(str, range(101)))}, "there are 101 groups; AWS takes 100"),
    ({"threshold": 0}, "threshold is 0; it must be more than 0 %"),
    ({"threshold": float("nan")}, "threshold is nan"),
    ({"emails": ()}, "neither emails nor topic_arn"),
    ({"emails": ("lead",)}, "lead is not an e-mail address"),
]


@pytest.mark.parametrize(("change", "text"), WRONG)
def test_invalid_options_are_refused_before_any_call(change: dict[str, Any], text: str) -> None:
    assert any(text in each for each in action_problems(replace(WANTED, **change)))
    assert not list(action_problems(WANTED))
