# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The setup for costs: no change if nothing differs, each drift one change; the payer's part never fails a run."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.budgets.budget import plan_budget
from ansible_collections.datalab.notebooks.plugins.plugin_utils.budgets import desired_budget, read_alert
from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks.costs import problems
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.costs import (
    PATTERN,
    plan_costs,
    plan_costs_removal,
    wanted_to_read,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.costs_draft import MARK
from ansible_collections.datalab.notebooks.plugins.plugin_utils.specs import role_options

ACCOUNT = {"account": "123456789012", "partition": "aws", "region": "eu-central-1", "arn": ""}
ACCESS = {"name": "datalab", "role_arn": ""}
DEFAULTS = {
    name.removeprefix("platform_costs_"): spec["default"] for name, spec in role_options("platform_costs").items()
}
TAGS = {MARK: "datalab", "platform": "datalab"}
RESEARCH = {"budget": 1200, "alerts": [80, 100, "forecast 100"], "emails": ["lead@example.org"]}
ACTIVE = {"statuses": dict.fromkeys(("platform", "team", "owner"), "Active"), "refused": ""}
MEMBER = {"statuses": {}, "refused": "Linked account doesn't have access to cost allocation tags."}
NOTHING: dict[str, Any] = {
    "log_group": None,
    "policy": None,
    "rule": None,
    "topic": None,
    "budgets": [],
    "actions": [],
    "rights": None,
    "billing": None,
}


def settings(**more: Any) -> dict[str, Any]:
    return {**DEFAULTS, "tags": {"platform": "datalab"}, **more}


WITH_BUDGET = settings(teams={"research": RESEARCH})


def budget(said: dict[str, Any] = RESEARCH, team: str = "research", **more: Any) -> dict[str, Any]:
    only = {"platform": "datalab", "team": team}
    desired = desired_budget(f"datalab-{team}", said, only=only, tags=TAGS)
    return {**plan_budget(desired, None).after, **more}


def there(**more: Any) -> dict[str, Any]:
    """The resources after a run."""
    made = plan_costs(settings(), NOTHING, account=ACCOUNT, access=ACCESS).steps
    (group,), (policy,), (rule,) = made["log_groups"], made["policies"], made["rules"]
    rule = {
        "name": rule["name"],
        "arn": "arn:aws:events:eu-central-1:123456789012:rule/datalab-instances",
        "description": rule["description"],
        "event_pattern": PATTERN,
        "state": "ENABLED",
        "target_arns": [rule["target_arn"]],
        "tags": rule["tags"],
    }
    return deepcopy({**NOTHING, "log_group": group, "policy": policy, "rule": rule, **more})


def texts(wanted: dict[str, Any], found: dict[str, Any]) -> list[str]:
    plan = plan_costs(wanted, found, account=ACCOUNT, access=ACCESS)
    assert not plan.refused
    return [f"{change.action} {change.text}" for change in plan.changes]


def test_without_settings_the_record_of_instances_is_made_and_no_budget() -> None:
    assert texts(settings(), NOTHING) == [
        "create log group /aws/events/datalab",
        "create resource policy datalab-instances",
        "create rule datalab-instances",
    ]
    asked = wanted_to_read(settings(), access=ACCESS)
    assert (asked["with_budgets"], asked["activate_tags"]) == (False, False)


def test_converged_gives_an_empty_plan() -> None:
    assert texts(settings(), there()) == []
    assert texts(WITH_BUDGET, there(budgets=[budget()])) == []


DRIFTS = [
    ({"log_group": {"name": "x", "retention": 30, "tags": TAGS}}, "change log group /aws/events/datalab"),
    (
        {"log_group": {"name": "x", "retention": None, "tags": {MARK: "datalab"}}},
        "change log group /aws/events/datalab",
    ),
    ({"log_group": None}, "create log group /aws/events/datalab"),
    ({"policy": {"name": "x", "policy": {"Version": "2012-10-17", "Statement": []}}}, "change resource policy"),
    ({"rule": {**there()["rule"], "state": "DISABLED"}}, "change rule datalab-instances"),
    ({"rule": {**there()["rule"], "target_arns": []}}, "change rule datalab-instances"),
    ({"rule": {**there()["rule"], "tags": {MARK: "datalab"}}}, "change rule datalab-instances"),
]


@pytest.mark.parametrize(("drift", "change"), DRIFTS)
def test_each_drift_is_one_change(drift: dict[str, Any], change: str) -> None:
    (found,) = texts(settings(), there(**drift))
    assert found.startswith(change)


def test_the_platform_has_a_budget_that_counts_all_of_it_and_goes_with_its_setting() -> None:
    wanted = settings(budget={"budget": 5000}, teams={"research": RESEARCH})
    plan = plan_costs(wanted, there(billing=ACTIVE), account=ACCOUNT, access=ACCESS)
    of_all, of_team = plan.steps["budgets"]
    assert (of_all["name"], of_all["only"]) == ("datalab-platform", {"platform": "datalab"})
    assert (of_team["name"], of_team["limit"]) == ("datalab-research", 1200)
    only = {"platform": "datalab"}
    desired = desired_budget("datalab-platform", {"budget": 5000}, only=only, tags=TAGS)
    found = there(budgets=[budget(), plan_budget(desired, None).after])
    assert texts(wanted, found) == []
    assert texts(WITH_BUDGET, found) == ["remove budget datalab-platform"]
    assert wanted_to_read(wanted, access=ACCESS)["budgets"] == ["datalab-platform", "datalab-research"]


@pytest.mark.parametrize("part", ["log_group", "rule"])
def test_resources_of_others_are_refused(part: str) -> None:
    found = there()
    found[part]["tags"] = {}
    plan = plan_costs(settings(), found, account=ACCOUNT, access=ACCESS)
    assert "must have the tag datalab:costs=datalab" in plan.refused[0]


def test_a_budget_is_made_changed_and_removed_with_its_team() -> None:
    assert texts(WITH_BUDGET, there(billing=ACTIVE)) == ["create budget datalab-research"]
    less = budget({**RESEARCH, "budget": 900})
    assert texts(WITH_BUDGET, there(budgets=[less])) == ["change budget datalab-research"]
    old = {"name": "datalab-fraud", "only": {"platform": "datalab", "team": "fraud"}, "is_plain": True}
    theirs = [
        {"name": "datalab-other", "only": {"project": "x"}, "is_plain": True},
        {"name": "datalab-2-x", "only": {"platform": "datalab-2", "team": "x"}, "is_plain": True},
    ]
    found = there(budgets=[budget(), old, *theirs])
    assert texts(WITH_BUDGET, found) == ["remove budget datalab-fraud"]


def test_a_budget_of_others_is_refused() -> None:
    plan = plan_costs(WITH_BUDGET, there(budgets=[budget(tags={})]), account=ACCOUNT, access=ACCESS)
    assert "the budget datalab-research must have the tag" in plan.refused[0]


def test_a_budget_waits_until_its_tags_are_active() -> None:
    inactive = {"statuses": {"platform": "Active", "team": "Inactive"}, "refused": ""}
    plan = plan_costs(WITH_BUDGET, there(billing=inactive), account=ACCOUNT, access=ACCESS)
    assert not plan.changed
    assert "no budget datalab-research yet: the tag team is not active in billing" in plan.notes[0]


def test_tags_are_activated_and_budgets_made_in_one_run() -> None:
    inactive = {"statuses": {"platform": "Active", "team": "Inactive"}, "refused": ""}
    wanted = settings(activate_tags=True, teams={"research": RESEARCH})
    plan = plan_costs(wanted, there(billing=inactive), account=ACCOUNT, access=ACCESS)
    assert [change.text for change in plan.changes] == ["tag team: active in billing", "budget datalab-research"]
    assert plan.steps["cost_tags"] == [{"keys": ["team"]}]
    assert "billing does not know the tag owner yet" in plan.notes[0]
    assert texts(wanted, there(billing=ACTIVE, budgets=[budget()])) == []


def test_a_member_account_is_told_and_makes_the_rest() -> None:
    wanted = settings(activate_tags=True, teams={"research": RESEARCH})
    plan = plan_costs(wanted, there(billing=MEMBER), account=ACCOUNT, access=ACCESS)
    assert not plan.refused
    assert [change.text for change in plan.changes] == ["budget datalab-research"]
    assert "were not activated in billing: the account that pays for this one has to do it" in plan.notes[0]
    as_payer = {**wanted, "payer_profile": "payer"}
    (note,) = plan_costs(as_payer, there(billing=MEMBER), account=ACCOUNT, access=ACCESS).notes
    assert f"in billing: {MEMBER['refused']}; platform_costs_payer_profile must reach the account that pays" in note


def test_a_topic_is_made_before_the_budgets_that_use_it() -> None:
    wanted = settings(topic=True, teams={"research": RESEARCH})
    plan = plan_costs(wanted, there(billing=ACTIVE), account=ACCOUNT, access=ACCESS)
    assert [change.text for change in plan.changes] == ["topic datalab-costs", "budget datalab-research"]
    (topic,) = plan.steps["topics"]
    (budget,) = plan.steps["budgets"]
    assert budget["topic_arn"] == topic["policy"]["Statement"][0]["Resource"]
    found = there(topic=deepcopy(topic))
    assert texts(settings(topic=True), found) == []
    found["topic"]["policy"]["Statement"] = []
    assert texts(settings(topic=True), found) == ["change topic datalab-costs"]
    found["topic"]["tags"] = {}
    assert (
        "the topic datalab-costs must have the tag"
        in plan_costs(wanted, found, account=ACCOUNT, access=ACCESS).refused[0]
    )
    gone = plan_costs_removal(settings(), there(topic=deepcopy(topic)), access=ACCESS)
    assert "topic datalab-costs" in [change.text for change in gone.changes]


def test_a_removal_keeps_the_events_unless_told() -> None:
    found = there(budgets=[budget(), {"name": "datalab-x", "only": {}, "is_plain": True}])
    gone = plan_costs_removal(settings(), found, access=ACCESS)
    assert [change.text for change in gone.changes] == [
        "budget datalab-research",
        "rule datalab-instances",
        "resource policy datalab-instances",
    ]
    assert gone.notes == ("log group /aws/events/datalab, with all events; -e platform_destroy=data removes it",)
    everything = plan_costs_removal(settings(destroy_events=True), found, access=ACCESS)
    assert [step["name"] for step in everything.steps["log_groups"]] == ["/aws/events/datalab"]
    assert not plan_costs_removal(settings(), NOTHING, access=ACCESS).changes


# Settings


@pytest.mark.parametrize(
    ("value", "alert"),
    [(80, (80, False)), ("80 %", (80, False)), (99.5, (99.5, False)), ("forecast 100", (100, True)),
     ("forecast  90 %", (90, True)), ("forecast", None), ("-5", None), (True, None), (None, None),
     ({"forecast": 1}, None)],
)  # fmt: skip
def test_an_alert_is_a_number_or_a_forecast(value: Any, alert: tuple[float, bool] | None) -> None:
    found = read_alert(value)
    assert (found and (found.threshold, found.forecast)) == alert


def team(**more: Any) -> dict[str, Any]:
    return {"teams": {"research": {**RESEARCH, **more}}}


WRONG = [
    ({"name": "a:b"}, "platform_costs_name is a:b; it must be letters"),
    ({"name": "a\\b"}, "platform_costs_name is"),
    ({"name": "x" * 49}, "48 at most"),
    ({"events_days": 100}, "platform_costs_events_days is 100; CloudWatch Logs takes 1, 3,"),
    ({"timezone": "Mars/Base"}, "platform_costs_timezone is Mars/Base, which this machine does not know"),
    ({"timezone": "../etc/passwd"}, "platform_costs_timezone"),
    ({"topic_arn": "costs"}, "platform_costs_topic_arn is costs; it must be the ARN of a topic"),
    (
        {"topic": True, "topic_arn": "arn:aws:sns:eu-central-1:123456789012:costs"},
        "platform_costs_topic is true and platform_costs_topic_arn names a topic",
    ),
    ({"teams": {"reserch": RESEARCH}}, "platform_costs_teams has reserch, which is not a team"),
    ({"teams": {"research": 1200}}, "platform_costs_teams: research is 1200; it must have a budget"),
    (team(budget=0), "platform_costs_teams: research: budget is 0; it must be more than 0"),
    (team(budget=-1), "budget is -1"),
    (team(budget="much"), "research: budget is much; it must be a number of USD a month"),
    (team(budget=True), "research: budget is true; it must be a number"),
    (team(budget=None), "research: budget is empty; it must be a number"),
    (team(budget=float("nan")), "budget is nan"),
    (team(alert=[80]), "research: alert is not known"),
    (team(alerts=80), "research: alerts is 80; it must be a list"),
    (team(alerts=["soon"]), "research: alerts has soon; it must be a number of per cent, or such as forecast 100"),
    (team(alerts=[10, 20, 30, 40, 50, 60]), "there are 6 alerts; AWS takes 5"),
    (team(alerts=[80, "80 %"]), "the alert at 80 % is listed twice"),
    (team(alerts=[0]), "must be at more than 0 %"),
    (team(emails=[]), "there are alerts, but neither emails nor platform_costs_topic_arn"),
    (team(emails=["lead"]), "research: lead is not an e-mail address"),
    (team(emails=["a@b"] * 2), "the address a@b is listed twice"),
    (team(emails=[f"{number}@example.org" for number in range(11)]), "there are 11 addresses; AWS takes 10"),
    (team(budget="much", emails=["lead"]), "lead is not an e-mail address"),
    ({"budget": {"budget": 0}}, "platform_costs_budget: budget is 0; it must be more than 0"),
    ({"budget": {"budget": 10, "enforce": "manual"}}, "platform_costs_budget: enforce is not known"),
    ({"budget": {"budget": 10, "alerts": [80]}}, "platform_costs_budget: there are alerts, but neither emails"),
    (team(enforce="always"), "research: enforce is always; it must be never, automatic or manual"),
    (team(enforce=True), "research: enforce is true; it must be never, automatic or manual"),
    (team(enforce_at=0), "research: enforce_at is 0; it must be a number of per cent, more than 0"),
    (team(enforce_at="all"), "research: enforce_at is all; it must be a number"),
    ({"enforce": "manual", "teams": {"research": {"budget": 1}}}, "research has enforce"),
    ({"prices": {"ml.g5.xlarge": "cheap"}}, "platform_costs_prices: ml.g5.xlarge is cheap; it must be a number of USD"),
    ({"prices": {"ml.g5.xlarge": -1}}, "it must be a number of USD, at least 0"),
    ({"prices": {"g5.xlarge": 1}}, "platform_costs_prices has g5.xlarge, which botocore does not know"),
    ({"tags": {"platform": "x"}}, "platform_costs_tags has platform"),
]


@pytest.mark.parametrize(("wrong", "text"), WRONG)
def test_impossible_settings_are_refused_before_any_call(wrong: dict[str, Any], text: str) -> None:
    said = list(problems({**DEFAULTS, **wrong}, {"research", "fraud"}))
    assert [each for each in said if text in each], said
    assert said[0].startswith("platform_costs_")


def test_possible_settings_are_accepted() -> None:
    right = {
        "teams": {"research": {**RESEARCH, "enforce": "manual", "enforce_at": "110"}, "fraud": {"budget": "99.5"}},
        "prices": {"ml.g5.xlarge": 1.2, "volume": "0.12"},
        "timezone": "Europe/Berlin",
        "payer_profile": "payer",
        "topic_arn": "arn:aws:sns:eu-central-1:123456789012:costs",
    }
    assert list(problems({**DEFAULTS, **right}, {"research", "fraud"})) == []
    assert list(problems(DEFAULTS, set())) == []


@pytest.mark.parametrize("other", ["budgets", "over-budget-research"])
def test_the_denying_policy_has_no_name_of_a_team(other: str) -> None:
    (text,) = problems({**DEFAULTS, **team(enforce="manual")}, {"research", other})
    assert text.endswith(f"would have the name of one of the team {other}; rename that team")
    assert list(problems({**DEFAULTS, **team()}, {"research", other})) == []


def test_without_groups_nobody_can_be_denied() -> None:
    role = "arn:aws:iam::123456789012:role/given"
    (text,) = problems({**DEFAULTS, **team(enforce="manual")}, {"research"}, role)
    assert "with platform_access_role_arn there are no groups to which AWS could deny" in text
    assert list(problems({**DEFAULTS, **team(enforce="never")}, {"research"}, role)) == []
