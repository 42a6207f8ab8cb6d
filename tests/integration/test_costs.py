# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role platform_costs, from an empty account to an empty account. tests/unit tests its decisions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox

from .conftest import ROOT, PlaybookRunner, Played, changing, client, connection, furnish

GROUP, BUDGET = "/aws/events/datalab", "datalab-research"
RESEARCH = {"budget": 1200, "alerts": [80, "forecast 100"], "emails": ["lead@example.org"]}
WITH_BUDGET = {
    "platform_costs_activate_tags": True,
    "platform_costs_topic": True,
    "platform_costs_teams": {"research": RESEARCH},
}
CALLS_OF_A_CONVERGED_RUN = 7

Costs = Callable[..., Played]


@pytest.fixture
def costs(playbook: PlaybookRunner, sandbox: Sandbox, tmp_path: Path) -> Costs:
    """Provide a function that runs the role with variables and the demo's people; `keys` belong to another account."""

    def run(door: str = "main", *arguments: str, keys: dict[str, str] | None = None, **variables: Any) -> Played:
        role = {"name": "datalab.notebooks.platform_costs", "tasks_from": door}
        notes = {"msg": "{{ _platform_costs_plan.costs.notes }}"}
        tasks = [{"ansible.builtin.import_role": role}, {"ansible.builtin.debug": notes}]
        defaults = {"group/datalab.notebooks.aws": {**connection(sandbox.endpoint), **(keys or {})}}
        play = {"hosts": "localhost", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}
        (tmp_path / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
        given = {"sandbox_endpoint": sandbox.endpoint, **variables}
        people = ROOT / "inventory" / "demo"
        profiles = {"AWS_CONFIG_FILE": str(tmp_path / "profiles")}
        return playbook(
            tmp_path / "play.yml", "-i", people, "-e", json.dumps(given), *arguments, check=True, environment=profiles
        )

    return run


def changed(played: Played) -> int:
    return played.recap["localhost"]["changed"]


def test_the_record_of_instances_from_nothing_to_nothing(costs: Costs, sandbox: Sandbox) -> None:
    costs("main", "--check")
    assert changing(sandbox) == {}
    costs()
    (group,) = client(sandbox, "logs").describe_log_groups()["logGroups"]
    assert (group["logGroupName"], group["retentionInDays"]) == (GROUP, 400)
    run_an_instance(sandbox)
    told = client(sandbox, "logs").filter_log_events(logGroupName=GROUP)["events"]
    assert [json.loads(each["message"])["detail"]["NotebookInstanceName"] for each in told] == ["x", "x"]
    sandbox.reset_calls()
    assert changed(costs()) == 0
    assert changing(sandbox) == {}
    assert sum(sandbox.calls().values()) == CALLS_OF_A_CONVERGED_RUN
    assert "with all events; -e platform_destroy=data removes it" in costs("absent").stdout
    assert client(sandbox, "events").list_rules()["Rules"] == []
    costs("absent", platform_costs_destroy_events=True)
    assert client(sandbox, "logs").describe_log_groups()["logGroups"] == []
    assert client(sandbox, "logs").describe_resource_policies()["resourcePolicies"] == []


def run_an_instance(sandbox: Sandbox) -> None:
    """Run an instance with the tags by which costs are counted."""
    furnish(sandbox, "given")
    sandbox.set_transition_seconds(0)
    role = "arn:aws:iam::123456789012:role/given"
    tags = [{"Key": key, "Value": "datalab"} for key in ("platform", "team", "owner")]
    client(sandbox).create_notebook_instance(
        NotebookInstanceName="x", InstanceType="ml.t3.medium", RoleArn=role, Tags=tags
    )


def test_tags_that_were_taken_away_come_back(costs: Costs, sandbox: Sandbox) -> None:
    topic = {"platform_costs_topic": True}
    costs(**topic)
    logs, sns = client(sandbox, "logs"), client(sandbox, "sns")
    (found,) = sns.list_topics()["Topics"]
    logs.untag_log_group(logGroupName=GROUP, tags=["platform"])
    sns.untag_resource(ResourceArn=found["TopicArn"], TagKeys=["platform"])
    sandbox.reset_calls()
    costs(**topic)
    assert changing(sandbox) == {"logs:TagLogGroup": 1, "sns:TagResource": 1}
    assert changed(costs(**topic)) == 0


def test_a_budget_comes_when_its_tags_are_known_and_changes_alone(costs: Costs, sandbox: Sandbox) -> None:
    early = costs(**WITH_BUDGET).stdout
    assert "billing does not know the tag platform and team and owner yet" in early
    assert "no budget datalab-research yet" in early
    run_an_instance(sandbox)
    sandbox.reset_calls()
    costs(**WITH_BUDGET)
    assert changing(sandbox) == {"budgets:CreateBudget": 1, "ce:UpdateCostAllocationTagsStatus": 1}
    sandbox.reset_calls()
    assert changed(costs(**WITH_BUDGET)) == 0
    assert changing(sandbox) == {}
    alert = {**RESEARCH, "alerts": [90, "forecast 100"]}
    costs(**{**WITH_BUDGET, "platform_costs_teams": {"research": alert}})
    assert changing(sandbox) == {"budgets:UpdateNotification": 1}
    sandbox.reset_calls()
    costs("absent")
    assert changing(sandbox)["budgets:DeleteBudget"] == changing(sandbox)["sns:DeleteTopic"] == 1


def spend(sandbox: Sandbox, usd: str) -> None:
    """Set what the team has spent of its budget, as AWS does."""
    budgets = client(sandbox, "budgets")
    of = {"AccountId": "123456789012"}
    budget = budgets.describe_budget(**of, BudgetName=BUDGET, ShowFilterExpression=True)["Budget"]
    budget["CalculatedSpend"] = {"ActualSpend": {"Amount": usd, "Unit": "USD"}}
    budgets.update_budget(**of, NewBudget=budget)


def test_a_team_over_its_budget_is_denied_to_start_instances(
    costs: Costs, sandbox: Sandbox, playbook: PlaybookRunner, tmp_path: Path
) -> None:
    run_an_instance(sandbox)
    iam = client(sandbox, "iam")
    iam.create_group(GroupName="datalab-people-research", Path="/datalab/")
    of_all = {"platform_costs_budget": {"budget": 5000}}
    enforced = {**WITH_BUDGET, **of_all, "platform_costs_enforce": "automatic"}
    sandbox.reset_calls()
    costs(**enforced)
    made = {"budgets:CreateBudgetAction": 1, "iam:CreatePolicy": 2, "iam:CreateRole": 1, "iam:AttachRolePolicy": 1}
    assert {**made, "budgets:CreateBudget": 2}.items() <= changing(sandbox).items()
    sandbox.reset_calls()
    assert changed(costs(**enforced)) == 0
    assert changing(sandbox) == {}
    spend(sandbox, "1201")
    given = {**enforced, "sandbox_endpoint": sandbox.endpoint, "costs_directory": str(tmp_path / "costs")}
    for name in ("status", "costs"):
        sandbox.reset_calls()
        people = ROOT / "inventory" / "demo"
        shown = playbook(f"datalab.notebooks.{name}", "-i", people, "-e", json.dumps(given), check=True)
        assert "the team research has spent its budget of 1200 USD, and its people may not" in shown.stdout
        assert sandbox.calls()["iam:ListAttachedGroupPolicies"] == 1
        assert not changing(sandbox)
    sandbox.reset_calls()
    told = costs(**{**enforced, "platform_costs_enforce": "manual"})
    assert changing(sandbox) == {"budgets:UpdateBudgetAction": 1}
    assert "the team research has spent its budget of 1200 USD" in told.stdout
    costs("absent")
    assert iam.list_roles(PathPrefix="/datalab/")["Roles"] == []
    assert iam.list_policies(PathPrefix="/datalab/")["Policies"] == []
    assert iam.list_attached_group_policies(GroupName="datalab-people-research")["AttachedPolicies"] == []


def test_a_member_account_is_told_what_its_payer_has_to_do(costs: Costs, sandbox: Sandbox, tmp_path: Path) -> None:
    organizations = client(sandbox, "organizations")
    organizations.create_organization()
    made = organizations.create_account(AccountName="team", Email="team@example.org")["CreateAccountStatus"]
    role = f"arn:aws:iam::{made['AccountId']}:role/OrganizationAccountAccessRole"
    keys = client(sandbox, "sts").assume_role(RoleArn=role, RoleSessionName="costs")["Credentials"]
    given = {
        "access_key": keys["AccessKeyId"],
        "secret_key": keys["SecretAccessKey"],
        "session_token": keys["SessionToken"],
    }
    told = costs(keys=given, **WITH_BUDGET)
    assert "were not activated in billing: the account that pays for this one has to do it" in told.stdout
    assert {"budgets:CreateBudget", "events:PutRule"} < set(changing(sandbox))
    run_an_instance(sandbox)
    (tmp_path / "profiles").write_text("[profile payer]\naws_access_key_id = payer\naws_secret_access_key = x\n")
    sandbox.reset_calls()
    costs(keys=given, **WITH_BUDGET, platform_costs_payer_profile="payer")
    assert changing(sandbox) == {"ce:UpdateCostAllocationTagsStatus": 1}
    statuses = client(sandbox, "ce").list_cost_allocation_tags()["CostAllocationTags"]
    assert {each["TagKey"] for each in statuses if each["Status"] == "Active"} == {"owner", "platform", "team"}
