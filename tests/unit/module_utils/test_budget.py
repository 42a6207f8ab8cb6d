# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Budgets: what has to change, and the calls that change it; UpdateBudget is called only if something differs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.budgets.budget import (
    Alert,
    Budget,
    DesiredBudget,
    apply_budget,
    budget_arn,
    budget_problems,
    filter_of,
    plan_budget,
    read_budget,
    require_active,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import InputError

if TYPE_CHECKING:
    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

ACCOUNT, NAME = "123456789012", "datalab-research"
ARN = budget_arn("aws", ACCOUNT, NAME)
OF = {"AccountId": ACCOUNT, "BudgetName": NAME}
TOPIC = f"arn:aws:sns:eu-central-1:{ACCOUNT}:costs"
WANTED = DesiredBudget(
    NAME,
    ACCOUNT,
    limit=1200,
    only={"platform": "datalab", "team": "research"},
    alerts=(Alert(80), Alert(100, forecast=True)),
    emails=("lead@example.org",),
    tags={"platform": "datalab"},
    purge_tags=False,
)
LEAD = {"SubscriptionType": "EMAIL", "Address": "lead@example.org"}


def there(desired: DesiredBudget = WANTED, **more: Any) -> dict[str, Any]:
    """The budget as read_budget returns it."""
    return {**plan_budget(desired, None).after, "arn": ARN, "spent": 512.7, "forecast": 1010.2, **more}


def script(budgets: Script, desired: DesiredBudget = WANTED) -> None:
    """Expect the calls that read the budget."""
    asked = {**OF, "ShowFilterExpression": True}
    budgets.call(
        "describe_budget", asked, {"Budget": {**desired.api, "CalculatedSpend": {"ActualSpend": spend(512.7)}}}
    )
    alerts = [each.api for each in desired.alerts]
    told = [{**each, "NotificationState": "OK"} for each in alerts]
    budgets.call("describe_notifications_for_budget", OF, {"Notifications": told})
    for alert in alerts:
        answer = {"Subscribers": [{"SubscriptionType": kind, "Address": who} for kind, who in desired.subscribers]}
        budgets.call("describe_subscribers_for_notification", {**OF, "Notification": alert}, answer)
    tags = [{"Key": key, "Value": value} for key, value in (desired.tags or {}).items()]
    budgets.call("list_tags_for_resource", {"ResourceARN": ARN}, {"ResourceTags": tags})


def spend(amount: float) -> dict[str, str]:
    return {"Amount": str(amount), "Unit": "USD"}


@pytest.mark.usefixtures("one_at_a_time")
def test_a_budget_that_does_not_differ_gets_no_call(budgets: Script) -> None:
    script(budgets)
    found = read_budget(budgets.client, ACCOUNT, ARN, NAME)
    assert found is not None
    assert found["spent"] == 512.7
    plan = plan_budget(WANTED, found)
    assert not plan.changed
    apply_budget(budgets.client, ARN, plan)


def test_a_budget_is_created_by_one_call(budgets: Script) -> None:
    alerts = [{"Notification": each.api, "Subscribers": [LEAD]} for each in WANTED.alerts]
    tags = [{"Key": "platform", "Value": "datalab"}]
    asked = {"Budget": WANTED.api, "NotificationsWithSubscribers": alerts, "ResourceTags": tags}
    budgets.call("create_budget", {"AccountId": ACCOUNT, **asked})
    apply_budget(budgets.client, ARN, plan_budget(WANTED, None))


CHANGES = [
    ("another limit", {"limit": 900}, [("update_budget", {"NewBudget": replace(WANTED, limit=900).api})]),
    (
        "one changed alert",
        {"alerts": (Alert(90), Alert(100, forecast=True))},
        [("update_notification", {"OldNotification": Alert(80).api, "NewNotification": Alert(90).api})],
    ),
    (
        "another alert",
        {"alerts": (*WANTED.alerts, Alert(100))},
        [("create_notification", {"Notification": Alert(100).api, "Subscribers": [LEAD]})],
    ),
    ("an alert less", {"alerts": (Alert(80),)}, [("delete_notification", {"Notification": Alert(100, True).api})]),
    (
        "another address, before the old one goes",
        {"emails": ("new@example.org",), "alerts": (Alert(80),)},
        [
            ("delete_notification", {"Notification": Alert(100, True).api}),
            (
                "create_subscriber",
                {"Notification": Alert(80).api, "Subscriber": {**LEAD, "Address": "new@example.org"}},
            ),
            ("delete_subscriber", {"Notification": Alert(80).api, "Subscriber": LEAD}),
        ],
    ),
    (
        "a topic",
        {"topic_arn": TOPIC},
        [
            (
                "create_subscriber",
                {"Notification": each.api, "Subscriber": {"SubscriptionType": "SNS", "Address": TOPIC}},
            )
            for each in WANTED.alerts
        ],
    ),
]


@pytest.mark.parametrize(("change", "calls"), [each[1:] for each in CHANGES], ids=[each[0] for each in CHANGES])
def test_a_difference_is_exactly_its_calls(budgets: Script, change: dict[str, Any], calls: list[Any]) -> None:
    desired = replace(WANTED, **change)
    for operation, asked in calls:
        of = {"AccountId": ACCOUNT} if operation == "update_budget" else OF
        budgets.call(operation, {**of, **asked})
    plan = plan_budget(desired, there())
    assert plan.changed
    apply_budget(budgets.client, ARN, plan)
    assert not plan_budget(desired, plan.after).changed


def test_tags_are_changed_alone(budgets: Script) -> None:
    plan = plan_budget(replace(WANTED, tags={"cost": "1"}, purge_tags=True), there())
    budgets.call("tag_resource", {"ResourceARN": ARN, "ResourceTags": [{"Key": "cost", "Value": "1"}]})
    budgets.call("untag_resource", {"ResourceARN": ARN, "ResourceTagKeys": ["platform"]})
    apply_budget(budgets.client, ARN, plan)
    assert plan.after["tags"] == {"cost": "1"}


@pytest.mark.parametrize(
    "other",
    [
        {"FilterExpression": {"Dimensions": {"Key": "REGION", "Values": ["x"]}}},
        {"FilterExpression": {"Tags": {"Key": "team", "Values": ["a", "b"]}}},
        {"CostFilters": {"TagKeyValue": ["user:team$research"]}},
        {"TimeUnit": "DAILY"},
    ],
)
def test_a_budget_of_another_kind_is_updated(other: dict[str, Any]) -> None:
    found = {**WANTED.api, **other}
    assert plan_budget(WANTED, there(**filter_of(found))).updates


def test_missing_budget(budgets: Script) -> None:
    text = "Unable to get budget - the budget doesn't exist."
    budgets.refuse("describe_budget", {**OF, "ShowFilterExpression": True}, "NotFoundException", text)
    assert read_budget(budgets.client, ACCOUNT, ARN, NAME) is None


# Tags that are not active in billing

ASKED = {"TagKeys": ["platform", "team"], "Type": "UserDefined"}


def statuses(ce: Script, **given: str) -> None:
    tags = [{"TagKey": key, "Status": status, "Type": "UserDefined"} for key, status in given.items()]
    ce.call("list_cost_allocation_tags", ASKED, {"CostAllocationTags": tags})


def test_a_tag_that_is_not_active_is_refused(ce: Script, budgets: Script) -> None:
    statuses(ce, platform="Active", team="Inactive")
    with pytest.raises(InputError, match="the tag team is not active in billing, so the budget would stay at 0 USD"):
        Budget(budgets.client, ce.client, WANTED, "aws").plan(None)


def test_active_tags_are_asked_for_only_where_the_budget_begins_to_need_them(ce: Script, budgets: Script) -> None:
    budget = Budget(budgets.client, ce.client, replace(WANTED, limit=900), "aws")
    assert budget.plan(there()).updates
    statuses(ce, platform="Active", team="Active")
    assert budget.plan(None).changed


def test_a_member_account_does_not_know(ce: Script) -> None:
    ce.refuse("list_cost_allocation_tags", ASKED, "AccessDeniedException", "Linked account doesn't have access")
    require_active(ce.client, WANTED.only)


# Options

WRONG = [
    ({"limit": 0}, "limit is 0; it must be more than 0"),
    ({"limit": -5}, "limit is -5"),
    ({"limit": float("nan")}, "limit is nan"),
    ({"name": "a:b"}, "none of them : or"),
    ({"name": "a\\b"}, "none of them : or"),
    ({"name": "x" * 101}, "1 to 100 characters"),
    ({"alerts": tuple(map(Alert, range(10, 70, 10)))}, "there are 6 alerts; AWS takes 5"),
    ({"alerts": (Alert(80), Alert(80))}, "the alert at 80 % is listed twice"),
    ({"alerts": (Alert(0),)}, "must be at more than 0 %"),
    ({"emails": ()}, "neither emails nor topic_arn"),
    ({"emails": ("lead",)}, "lead is not an e-mail address"),
    ({"emails": ("a@b", "a@b")}, "a@b is listed twice"),
    ({"emails": tuple(f"{number}@example.org" for number in range(11))}, "there are 11 addresses; AWS takes 10"),
]


@pytest.mark.parametrize(("change", "text"), WRONG)
def test_invalid_options_are_refused_before_any_call(change: dict[str, Any], text: str) -> None:
    assert any(text in each for each in budget_problems(replace(WANTED, **change)))


def test_valid_options_are_accepted() -> None:
    assert not list(budget_problems(WANTED))
    assert not list(budget_problems(replace(WANTED, alerts=(Alert(80), Alert(80, forecast=True)))))
