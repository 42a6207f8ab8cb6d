# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The calls that read the setup for costs; billing is read only if that matters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import NotebookError
from ansible_collections.datalab.notebooks.plugins.module_utils.events.read import read_costs, read_denials
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.costs import wanted_to_read

if TYPE_CHECKING:
    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

ACCOUNT = {"account": "123456789012", "partition": "aws", "region": "eu-central-1"}
SETTINGS: dict[str, Any] = {
    "name": "datalab",
    "teams": {},
    "activate_tags": False,
    "topic": False,
    "enforce": "never",
    "budget": {},
    "payer_profile": "",
}
pytestmark = pytest.mark.usefixtures("one_at_a_time")
GROUP = {"logGroupName": "/aws/events/datalab", "arn": "arn:aws:logs:eu-central-1:123456789012:log-group:x:*"}


def wanted(**more: Any) -> dict[str, Any]:
    return {**wanted_to_read({**SETTINGS, **more}, access={"name": "datalab", "role_arn": ""}), "account": ACCOUNT}


@pytest.fixture
def clients(logs: Script, events: Script, budgets: Script, ce: Script) -> dict[str, Any]:
    """Clients that read the record of instances, of which only the log group exists."""
    logs.call("describe_log_groups", {"logGroupNamePrefix": "/aws/events/datalab"}, {"logGroups": [GROUP]})
    logs.call("list_tags_for_resource", {"resourceArn": GROUP["arn"].removesuffix(":*")}, {"tags": {"a": "1"}})
    logs.call("describe_resource_policies", {}, {"resourcePolicies": []})
    events.refuse("describe_rule", {"Name": "datalab-instances"}, "ResourceNotFoundException", "no rule")
    return {"logs": logs.client, "events": events.client, "budgets": budgets.client, "ce": ce.client}


def test_without_budgets_billing_is_not_asked(clients: dict[str, Any]) -> None:
    assert read_costs(clients, wanted()) == {
        "log_group": {"name": "/aws/events/datalab", "retention": None, "tags": {"a": "1"}},
        "policy": None,
        "rule": None,
        "topic": None,
        "budgets": [],
        "actions": [],
        "rights": None,
        "billing": None,
    }


ALL = {"AccountId": ACCOUNT["account"], "ShowFilterExpression": True}
TAGS = {"TagKeys": ["platform", "team", "owner"], "Type": "UserDefined"}


def test_a_missing_budget_has_billing_asked(clients: dict[str, Any], budgets: Script, ce: Script) -> None:
    other = {"BudgetName": "datalab-old", "BudgetType": "COST", "TimeUnit": "MONTHLY"}
    theirs = {"BudgetName": "theirs", "BudgetType": "COST", "TimeUnit": "MONTHLY"}
    budgets.call("describe_budgets", ALL, {"Budgets": [other, theirs]})
    budgets.call("describe_budget_actions_for_account", {"AccountId": ACCOUNT["account"]}, {"Actions": []})
    tags = [{"TagKey": "team", "Status": "Active", "Type": "UserDefined"}]
    ce.call("list_cost_allocation_tags", TAGS, {"CostAllocationTags": tags})
    found = read_costs(clients, wanted(teams={"research": {}}))
    assert [each["name"] for each in found["budgets"]] == ["datalab-old"]
    assert found["billing"] == {"statuses": {"team": "Active"}, "refused": ""}


def test_a_member_account_is_no_failure(clients: dict[str, Any], ce: Script) -> None:
    ce.refuse("list_cost_allocation_tags", TAGS, "AccessDeniedException", "Linked account doesn't have access")
    found = read_costs(clients, wanted(activate_tags=True))
    assert found["billing"]["statuses"] == {}
    assert "Linked account" in found["billing"]["refused"]


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException"])
def test_a_payer_that_cannot_be_reached_is_no_failure(clients: dict[str, Any], ce: Script, code: str) -> None:
    ce.refuse("list_cost_allocation_tags", TAGS, code, "sign in again")
    found = read_costs(clients, wanted(activate_tags=True, payer_profile="payer"))
    assert "sign in again" in found["billing"]["refused"]


def test_who_may_not_see_rights_sees_instances(iam: Script) -> None:
    research, asked = {"GroupName": "research"}, {"account": ACCOUNT, "groups": ["research"]}
    iam.refuse("list_attached_group_policies", research, "AccessDenied", "alice is not authorized")
    assert "alice is not authorized" in read_denials(iam.client, asked)["refused"]
    iam.refuse("list_attached_group_policies", research, "ServiceFailure", "later")
    with pytest.raises(NotebookError, match="later"):
        read_denials(iam.client, asked)


def test_each_group_is_asked_once_and_one_that_is_not_there_has_nothing(iam: Script) -> None:
    attached = {"AttachedPolicies": [{"PolicyName": "x", "PolicyArn": "arn:aws:iam::123456789012:policy/x"}]}
    iam.call("list_attached_group_policies", {"GroupName": "research"}, attached)
    iam.refuse("list_attached_group_policies", {"GroupName": "fraud"}, "NoSuchEntity", "no group")
    found = read_denials(iam.client, {"groups": ["research", "fraud"]})
    assert found == {"policies": {"research": ["arn:aws:iam::123456789012:policy/x"], "fraud": []}}
