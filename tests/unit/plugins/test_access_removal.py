# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan that removes the platform's rights: those of others stay, and others' use of the platform's stops it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from .access import ACCOUNT, CONVERGED, IAM, NOTHING, PEOPLE, attached, changed, removal, user

POLICY = f"{IAM}policy/datalab/"
KINDS = ("workgroups", "groups", "roles", "policies")
NAMES = {"workgroups": "name", "groups": "group_name", "roles": "role_name", "policies": "policy_name"}
ALL = {kind: sorted(item[NAMES[kind]] for item in CONVERGED[kind]) for kind in KINDS}
OF_OTHERS: dict[str, Any] = {
    "role_name": "sso",
    "arn": f"{IAM}role/sso",
    "path": "/",
    "attached_managed_policies": [],
}


def steps(made: Any) -> dict[str, list[str]]:
    return {kind: sorted(step["name"] for step in made.steps[kind]) for kind in KINDS}


def without(**names: str) -> dict[str, list[str]]:
    """Return the names of all resources, by kind, without these."""
    return {kind: [name for name in ALL[kind] if name != names.get(kind)] for kind in KINDS}


def beside(kind: str, **more: Any) -> dict[str, Any]:
    """Return a converged platform that also has this resource of others."""
    after = copy.deepcopy(CONVERGED)
    after[kind].append(more)
    return after


def test_all_goes_in_an_order_that_aws_takes() -> None:
    made = removal(CONVERGED)
    assert steps(made) == ALL
    words = [change.text.split()[0] for change in made.changes]
    assert words == ["workgroup"] * 3 + ["group"] * 3 + ["role"] * 4 + ["policy"] * 8
    assert {change.action for change in made.changes} == {"remove"}
    assert (made.refused, made.notes) == ((), ())
    assert made.steps["workgroups"][0] == {"name": "datalab-research", "force": False}


def test_nothing_is_there() -> None:
    made = removal(NOTHING)
    assert not made.changed
    assert steps(made) == {kind: [] for kind in KINDS}
    assert (made.refused, made.notes) == ((), ())


def test_resources_no_longer_in_the_inventory_are_removed_too() -> None:
    assert steps(removal(CONVERGED, teams={}, people=[])) == ALL


def test_a_removal_takes_the_same_arguments_as_a_plan() -> None:
    others = {"instance_prefix": "datalab", "network": None, "results_bucket": "", "account": ACCOUNT}
    assert steps(removal(CONVERGED, given=others)) == ALL


def test_a_role_that_is_given_leaves_iam_alone() -> None:
    made = removal({"workgroups": CONVERGED["workgroups"]}, role_arn="arn:aws:iam::123456789012:role/given")
    assert steps(made) == {**{kind: [] for kind in KINDS}, "workgroups": ALL["workgroups"]}


def test_members_of_a_group_are_counted() -> None:
    found = {**CONVERGED, "users": [user("alice", groups=("datalab-people-research",)), user("bob", groups=("x",))]}
    texts = [change.text for change in removal(found).changes if change.text.startswith("group ")]
    assert texts == ["group datalab-people-research, and its members: 1", "group datalab-people-fraud", texts[2]]


def test_a_history_of_queries_goes_only_if_that_is_said() -> None:
    contents = ["named queries", "a query history"]
    found = changed(CONVERGED, "workgroups", "datalab-research", contents=contents)
    made = removal(found)
    word = "platform_access_destroy_queries=true to remove them with it, or platform_destroy_keep_used=true to leave it"
    assert made.refused == (f"workgroup datalab-research has named queries and a query history; set -e {word}",)
    kept = removal(found, keep_used=True)
    assert (kept.refused, steps(kept)) == ((), without(workgroups="datalab-research"))
    assert kept.notes == ("workgroup datalab-research has named queries and a query history and stays",)
    gone = removal(CONVERGED, destroy_queries=True)
    assert gone.steps["workgroups"][0] == {"name": "datalab-research", "force": True}
    assert gone.changes[0].text == "workgroup datalab-research, with its saved queries and history"


ATTACHED = {"attached_managed_policies": attached(f"{POLICY}datalab-people-research")}
BOUNDED = {"permissions_boundary": {"permissions_boundary_arn": f"{POLICY}datalab-boundary"}}
USED = [
    (beside("roles", **{**OF_OTHERS, **ATTACHED}), "datalab-people-research", "the role sso"),
    (beside("roles", **{**OF_OTHERS, **BOUNDED}), "datalab-boundary", "the role sso"),
    (
        beside("groups", group_name="g", arn=f"{IAM}group/g", path="/", **ATTACHED),
        "datalab-people-research",
        "the group g",
    ),
    (beside("users", **user("carol", f"{POLICY}datalab-fraud")), "datalab-fraud", "the user carol"),
    (beside("users", **user("carol", boundary=f"{POLICY}datalab-boundary")), "datalab-boundary", "the user carol"),
]


@pytest.mark.parametrize(("found", "policy", "who"), USED)
def test_a_policy_that_others_use(found: dict[str, Any], policy: str, who: str) -> None:
    made = removal(found)
    assert made.refused == (f"policy {policy} is used by {who}; set -e platform_destroy_keep_used=true to leave it",)
    kept = removal(found, keep_used=True)
    assert (kept.refused, steps(kept)) == ((), without(policies=policy))
    assert kept.notes == (f"policy {policy} is used by {who} and stays",)


def test_a_role_that_others_use_keeps_its_policies() -> None:
    profiles = [{"instance_profile_name": "stand-in"}]
    found = changed(CONVERGED, "roles", "datalab-interns", instance_profile_list=profiles)
    made = removal(found)
    assert made.refused == (
        "role datalab-interns is in the instance profile stand-in; set -e platform_destroy_keep_used=true to leave it",
    )
    kept = removal(found, keep_used=True)
    assert kept.notes == (
        "role datalab-interns is in the instance profile stand-in and stays",
        "policy datalab-boundary is used by the role datalab-interns and stays",
        "policy datalab-interns is used by the role datalab-interns and stays",
    )
    expected = without(roles="datalab-interns", policies="datalab-interns")
    assert steps(kept) == {**expected, "policies": [each for each in expected["policies"] if "boundary" not in each]}


def test_resources_of_others_stay() -> None:
    found = changed(CONVERGED, "roles", "datalab-research", path="/")
    found = changed(found, "groups", "datalab-people-fraud", path="/x/")
    found = changed(found, "workgroups", "datalab-fraud", tags={})
    found["roles"] += [
        {**OF_OTHERS, "role_name": "other", "path": "/datalab/"},
        {**OF_OTHERS, "role_name": "datalab-x"},
    ]
    found = changed(found, "roles", "datalab-research", attached_managed_policies=[], permissions_boundary=None)
    found = changed(found, "groups", "datalab-people-fraud", attached_managed_policies=[])
    found["workgroups"].append(
        {**found["workgroups"][0], "name": "datalab-2-x", "tags": {"datalab:access": "datalab-2"}}
    )
    made = removal(found)
    names = {"roles": "datalab-research", "groups": "datalab-people-fraud", "workgroups": "datalab-fraud"}
    assert steps(made) == without(**names)
    assert made.notes == (
        "role /datalab-research is not on the path /datalab/ and stays",
        "group /x/datalab-people-fraud is not on the path /datalab/ and stays",
        "workgroup datalab-fraud does not have the tag datalab:access=datalab and stays",
    )
    assert made.refused == ()


def test_people_without_roles_of_their_own_change_nothing() -> None:
    assert removal(CONVERGED, people=PEOPLE[:1]).as_dict() == removal(CONVERGED).as_dict()
