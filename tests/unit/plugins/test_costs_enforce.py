# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Denying a team over its budget: created once, each drift one change, removed as a whole, reported while it lasts."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.costs import (
    plan_costs,
    plan_costs_removal,
    wanted_to_read,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.costs_enforce import (
    denials_to_read,
    denied_teams,
)

from .test_costs_plan import ACCESS, ACCOUNT, ACTIVE, RESEARCH, budget, settings, there

PATH = "/datalab/costs/"
IAM = "arn:aws:iam::123456789012:"
DENIAL, ROLE = "datalab-over-budget-research", "datalab-budgets"
ENFORCED = settings(enforce="automatic", teams={"research": RESEARCH})
NO_RIGHTS: dict[str, Any] = {"policies": [], "roles": [], "groups": []}


def made(wanted: dict[str, Any] = ENFORCED, attached: bool = False, **more: Any) -> dict[str, Any]:
    """The resources after a run."""
    steps = plan_costs(wanted, there(budgets=[budget()], rights=NO_RIGHTS), account=ACCOUNT, access=ACCESS).steps
    policies = [
        {"policy_name": each["name"], "path": PATH, "policy_version_list": [version(json.loads(each["policy"]))]}
        for each in steps["denials"]
    ]
    roles = [
        {
            "role_name": each["name"],
            "path": PATH,
            "assume_role_policy_document": json.loads(each["assume_role_policy_document"]),
            "permissions_boundary": {"permissions_boundary_arn": each["policy"]},
            "attached_managed_policies": [{"policy_arn": each["policy"]}],
            "tags": each["tags"],
        }
        for each in steps["denying_roles"]
    ]
    group = {
        "group_name": "datalab-people-research",
        "path": "/datalab/",
        "attached_managed_policies": [{"policy_arn": f"{IAM}policy{PATH}{DENIAL}"}] if attached else [],
    }
    actions = [
        {
            "id": "1",
            "status": "STANDBY",
            "roles": [],
            "users": [],
            "forecast": False,
            "subscribers": [["EMAIL", "lead@example.org"]],
            **{key: each[key] for key in ("budget", "policy_arn", "role_arn", "groups", "threshold", "approval")},
        }
        for each in steps["actions"]
    ]
    rights = {"policies": policies, "roles": roles, "groups": [group]}
    return deepcopy({**there(budgets=[budget()]), "rights": rights, "actions": actions, **more})


def version(document: dict[str, Any]) -> dict[str, Any]:
    return {"document": document, "is_default_version": True}


def texts(wanted: dict[str, Any], found: dict[str, Any]) -> list[str]:
    plan = plan_costs(wanted, found, account=ACCOUNT, access=ACCESS)
    assert not plan.refused
    return [f"{change.action} {change.text}" for change in plan.changes]


def test_it_is_made_for_the_people_of_the_team_and_read_only_where_it_is_wanted() -> None:
    assert texts(ENFORCED, there(budgets=[budget()], rights=NO_RIGHTS)) == [
        f"create policy {DENIAL}",
        f"create policy {ROLE}",
        f"create role {ROLE}",
        "create action of budget datalab-research",
    ]
    assert made()["actions"][0]["groups"] == ["datalab-people-research"]
    assert wanted_to_read(ENFORCED, access=ACCESS)["with_rights"]
    assert not wanted_to_read(settings(teams={"research": RESEARCH}), access=ACCESS)["with_rights"]
    assert not wanted_to_read(settings(), access={**ACCESS, "role_arn": "arn"}, removal=True)["with_rights"]


def test_converged_gives_an_empty_plan() -> None:
    assert texts(ENFORCED, made()) == []


def test_a_budget_that_waits_for_its_tags_is_not_enforced_yet() -> None:
    waiting = {"statuses": {}, "refused": ""}
    assert texts(ENFORCED, there(rights=NO_RIGHTS, billing=waiting)) == []
    assert "create action of budget datalab-research" in texts(ENFORCED, there(rights=NO_RIGHTS, billing=ACTIVE))


SETTINGS = [{"enforce": "manual"}, {"enforce_at": 110}]


@pytest.mark.parametrize("change", SETTINGS)
def test_a_changed_setting_is_a_change_of_the_action_alone(change: dict[str, Any]) -> None:
    wanted = settings(enforce="automatic", teams={"research": {**RESEARCH, **change}})
    assert texts(wanted, made()) == ["change action of budget datalab-research"]


def drifted(part: str, **change: Any) -> dict[str, Any]:
    found = made()
    found["rights"][part][0].update(change)
    return found


DRIFTS = [
    (drifted("policies", policy_version_list=[version({"Version": "2012-10-17", "Statement": []})]), DENIAL),
    (drifted("roles", attached_managed_policies=[]), ROLE),
    (drifted("roles", permissions_boundary=None), ROLE),
    (drifted("roles", assume_role_policy_document={"Version": "2012-10-17", "Statement": []}), ROLE),
    (drifted("roles", tags={"platform": "datalab"}), ROLE),
]


@pytest.mark.parametrize(("found", "text"), DRIFTS)
def test_each_drift_is_one_change(found: dict[str, Any], text: str) -> None:
    (change,) = texts(ENFORCED, found)
    assert change.startswith("change ")
    assert change.endswith(text)


@pytest.mark.parametrize("part", ["policies", "roles"])
def test_resources_of_others_are_refused(part: str) -> None:
    plan = plan_costs(ENFORCED, drifted(part, path="/"), account=ACCOUNT, access=ACCESS)
    assert "to be the platform's; set another platform_access_name, or remove it" in plan.refused[0]


ALL = [
    "remove action of budget datalab-research",
    f"remove role {ROLE}",
    f"remove policy {DENIAL}",
    f"remove policy {ROLE}",
]


def test_it_is_removed_as_a_whole_and_with_the_platform() -> None:
    assert texts(settings(teams={"research": {**RESEARCH, "enforce": "never"}}), made()) == ALL
    gone = plan_costs_removal(settings(), made(), access=ACCESS)
    assert [f"{change.action} {change.text}" for change in gone.changes][:4] == ALL


def test_denied_teams_are_named_with_the_way_to_lift_it() -> None:
    (note,) = plan_costs(ENFORCED, made(attached=True), account=ACCOUNT, access=ACCESS).notes
    assert note.startswith("the team research has spent its budget of 1200 USD, and its people may not")
    assert "set enforce: never for it in platform_costs_teams" in note
    assert plan_costs(ENFORCED, made(), account=ACCOUNT, access=ACCESS).notes == ()


def denials(attached: bool = True) -> dict[str, Any]:
    """Return a result of read_denials: another group has the policy, and the group of research if `attached`."""
    policy = f"{IAM}policy{PATH}{DENIAL}"
    return {"policies": {"datalab-people-fraud": [policy], "datalab-people-research": [policy] if attached else []}}


STATES = {
    "executed and attached": ("EXECUTION_SUCCESS", True),
    "executed and detached by hand": ("EXECUTION_SUCCESS", False),
    "reversed in vain": ("REVERSE_FAILURE", True),
    "not executed and attached by hand": ("STANDBY", True),
    "not executed": ("STANDBY", False),
    "removed and attached": (None, True),
    "removed": (None, False),
}


@pytest.mark.parametrize("case", STATES)
def test_the_policy_that_is_attached_denies_its_team_alone_whoever_tells_it(case: str) -> None:
    status, attached = STATES[case]
    teams = settings(enforce="automatic", teams={"research": RESEARCH, "fraud": RESEARCH})
    told = denied_teams(teams, ACCESS, denials(attached))
    assert [text.partition(",")[0] for text in told] == [
        "the team research has spent its budget of 1200 USD"
    ] * attached
    found = made(attached=attached)
    found["actions"] = [{**each, "status": status} for each in found["actions"] if status]
    by_site = plan_costs(teams, found, account=ACCOUNT, access=ACCESS).notes
    assert [note for note in by_site if note.startswith("the team ")] == told


def test_the_share_that_denies_is_told_where_it_is_less_than_the_budget() -> None:
    teams = settings(enforce="automatic", teams={"research": {**RESEARCH, "enforce_at": 80}})
    (told,) = denied_teams(teams, ACCESS, denials())
    assert told.startswith("the team research has spent 80 % of its budget of 1200 USD, and its people may not")


def test_missing_rights_to_read_denials_are_reported() -> None:
    (told,) = denied_teams(ENFORCED, ACCESS, {"refused": "Failed to describe: AccessDenied"})
    assert told.endswith("is not known: Failed to describe: AccessDenied")


def test_whether_a_team_is_denied_is_asked_only_where_one_can_be() -> None:
    assert denials_to_read(ENFORCED, ACCESS) == {"groups": ["datalab-people-research"]}
    assert denials_to_read(settings(teams={"research": RESEARCH}), ACCESS) == {}
    assert denials_to_read(ENFORCED, {**ACCESS, "role_arn": "arn"}) == {}
