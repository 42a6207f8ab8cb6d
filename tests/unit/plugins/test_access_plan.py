# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of the rights: from nothing to all, from drift to the settings, and no change if nothing differs."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.access import wanted_to_read

from .access import (
    ACCOUNT,
    CONVERGED,
    IAM,
    NETWORK,
    NOTHING,
    PEOPLE,
    SETTINGS,
    applied,
    attached,
    changed,
    group,
    plan,
    policy,
    role,
    version,
    workgroup,
)

POLICIES = [
    "datalab-boundary",
    "datalab-viewer",
    "datalab-research",
    "datalab-people-research",
    "datalab-fraud",
    "datalab-people-fraud",
    "datalab-interns",
    "datalab-people-interns",
]
ROLES = ["datalab-viewer", "datalab-research", "datalab-fraud-erin", "datalab-interns"]
GROUPS = ["datalab-people-research", "datalab-people-fraud", "datalab-people-interns"]
WORKGROUPS = ["datalab-research", "datalab-fraud", "datalab-interns"]
ALL = {"policies": POLICIES, "roles": ROLES, "groups": GROUPS, "workgroups": WORKGROUPS}
NO_STEPS: dict[str, list[str]] = {kind: [] for kind in (*ALL, "inline_policies")}
LINES = [
    f"create {word} {name}"
    for word, names in zip(("policy", "role", "group", "workgroup"), ALL.values(), strict=True)
    for name in names
]
STEPS = {kind: {step["name"]: step for step in steps} for kind, steps in plan().steps.items()}


def lines(made: Any) -> list[str]:
    return [f"{change.action} {change.text}" for change in made.changes]


def names(made: Any) -> dict[str, list[str]]:
    return {kind: [step["name"] for step in steps] for kind, steps in made.steps.items()}


def test_an_empty_account() -> None:
    made = plan()
    assert lines(made) == LINES
    assert names(made) == {**NO_STEPS, **ALL}
    assert (made.refused, made.notes) == ((), ())
    assert made.changed


def test_the_steps_are_what_the_modules_take() -> None:
    assert STEPS["roles"]["datalab-fraud-erin"] == {
        "name": "datalab-fraud-erin",
        "path": "/datalab/",
        "description": "The instance datalab-erin",
        "assume_role_policy_document": STEPS["roles"]["datalab-viewer"]["assume_role_policy_document"],
        "managed_policies": [f"{IAM}policy/datalab/datalab-fraud"],
        "boundary": f"{IAM}policy/datalab/datalab-boundary",
        "tags": {"project": "datalab", "team": "fraud", "owner": "erin", "instance": "datalab-erin"},
    }
    assert STEPS["groups"]["datalab-people-fraud"] == {
        "name": "datalab-people-fraud",
        "path": "/datalab/",
        "managed_policies": [f"{IAM}policy/datalab/datalab-people-fraud"],
    }
    assert STEPS["workgroups"]["datalab-interns"] == {
        "name": "datalab-interns",
        "description": "Queries of the team interns",
        "output_location": "s3://acme-results/interns/",
        "expected_bucket_owner": "123456789012",
        "encryption": {"encryption_option": "SSE_S3"},
        "enforce_work_group_configuration": True,
        "publish_cloudwatch_metrics_enabled": True,
        "bytes_scanned_cutoff_per_query": 10_000_000,
        "tags": {"project": "datalab", "team": "interns", "datalab:access": "datalab"},
    }
    step = dict(STEPS["policies"]["datalab-people-interns"])
    document = json.loads(step.pop("policy"))
    assert {"Action", "Condition", "Effect", "Resource", "Sid"} == set(document["Statement"][1])
    assert step == {
        "name": "datalab-people-interns",
        "path": "/datalab/",
        "description": "What the people of the team interns may do",
        "tags": {"project": "datalab"},
    }


def test_a_converged_platform_has_an_empty_plan() -> None:
    made = plan(CONVERGED)
    assert (made.changes, made.refused, made.notes) == ((), (), ())
    assert names(made) == NO_STEPS


POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
RIGHT = version(json.loads(STEPS["policies"]["datalab-research"]["policy"]))
OTHER_ORDER = copy.deepcopy(RIGHT)
for statement in OTHER_ORDER["document"]["Statement"]:
    for part in ("Action", "Resource"):
        value = statement[part]
        statement[part] = value[::-1] if isinstance(value, list) else [value]

# The kind and name of a resource, the properties that differ, and the reported difference.
DRIFT: list[tuple[str, str, dict[str, Any], str]] = [
    ("policies", "datalab-research", {"policy_version_list": [version(POLICY)]}, "document"),
    ("policies", "datalab-people-fraud", {"policy_version_list": [version(POLICY)]}, "document"),
    ("policies", "datalab-boundary", {"policy_version_list": [version(POLICY)]}, "document"),
    (
        "policies",
        "datalab-research",
        {"policy_version_list": [version(POLICY, is_default=False), {**RIGHT, "version_id": "v2"}]},
        "old versions",
    ),
    ("policies", "datalab-research", {"tags": {}}, "tags"),
    ("policies", "datalab-research", {"tags": {"project": "other"}}, "tags"),
    ("roles", "datalab-research", {"description": "x"}, "description"),
    ("roles", "datalab-viewer", {"assume_role_policy_document": POLICY}, "trust"),
    ("roles", "datalab-research", {"permissions_boundary": None}, "boundary"),
    ("roles", "datalab-research", {"permissions_boundary": {"permissions_boundary_arn": "arn:x"}}, "boundary"),
    ("roles", "datalab-research", {"attached_managed_policies": []}, "policies"),
    (
        "roles",
        "datalab-research",
        {"attached_managed_policies": attached(f"{IAM}policy/datalab/datalab-research", "arn:x")},
        "policies",
    ),
    ("roles", "datalab-fraud-erin", {"tags": {"project": "datalab", "team": "fraud", "owner": "erin"}}, "tags"),
    ("groups", "datalab-people-interns", {"attached_managed_policies": []}, "policies"),
    ("workgroups", "datalab-research", {"description": None}, "description"),
    ("workgroups", "datalab-research", {"output_location": "s3://elsewhere/"}, "output_location"),
    ("workgroups", "datalab-research", {"encryption": None}, "encryption"),
    ("workgroups", "datalab-research", {"expected_bucket_owner": None}, "expected_bucket_owner"),
    (
        "workgroups",
        "datalab-research",
        {"enforce_work_group_configuration": False},
        "enforce_work_group_configuration",
    ),
    (
        "workgroups",
        "datalab-research",
        {"publish_cloudwatch_metrics_enabled": False},
        "publish_cloudwatch_metrics_enabled",
    ),
    (
        "workgroups",
        "datalab-interns",
        {"bytes_scanned_cutoff_per_query": None},
        "bytes_scanned_cutoff_per_query",
    ),
    (
        "workgroups",
        "datalab-research",
        {"bytes_scanned_cutoff_per_query": 10_000_000},
        "bytes_scanned_cutoff_per_query",
    ),
    ("workgroups", "datalab-research", {"tags": {"datalab:access": "datalab"}}, "tags"),
]


@pytest.mark.parametrize(("kind", "name", "properties", "said"), DRIFT)
def test_drift_is_one_change(kind: str, name: str, properties: dict[str, Any], said: str) -> None:
    drifted = changed(CONVERGED, kind, name, **properties)
    made = plan(drifted)
    word = {"policies": "policy"}.get(kind, kind.removesuffix("s"))
    assert lines(made) == [f"change {word} {name}: {said}"]
    assert names(made) == {**NO_STEPS, kind: [name]}
    assert made.steps[kind] == [STEPS[kind][name]]
    assert list(yaml.safe_load(made.changes[0].before)) == list(yaml.safe_load(made.changes[0].after)) == [said]
    assert made.changes[0].before != made.changes[0].after
    assert plan(applied(made, drifted)).changes == ()


@pytest.mark.parametrize(
    ("kind", "name", "properties"),
    [
        ("policies", "datalab-research", {"description": "AWS cannot change it"}),
        ("policies", "datalab-research", {"policy_version_list": [OTHER_ORDER]}),
        ("policies", "datalab-research", {"tags": {"project": "datalab", "of": "others"}}),
        ("workgroups", "datalab-research", {"enabled": False}),
    ],
)
def test_unmanaged_properties_are_left_alone(kind: str, name: str, properties: dict[str, Any]) -> None:
    made = plan(changed(CONVERGED, kind, name, **properties))
    assert (made.changes, made.notes) == ((), ())


def test_several_differences_of_one_thing_are_one_change() -> None:
    (change,) = plan(changed(CONVERGED, "roles", "datalab-research", description="x", tags={})).changes
    assert change.text == "role datalab-research: description, tags"
    assert yaml.safe_load(change.before) == {"description": "x", "tags": {}}
    tags = {"project": "datalab", "team": "research"}
    assert yaml.safe_load(change.after) == {"description": "The instances of the team research", "tags": tags}


def test_another_person_is_one_role_and_another_prefix_one_policy() -> None:
    grace = {"name": "grace", "team": "fraud", "instance": "datalab-grace"}
    assert lines(plan(CONVERGED, people=[*PEOPLE, grace])) == ["create role datalab-fraud-grace"]
    teams = copy.deepcopy(SETTINGS["teams"])
    teams["research"]["prefixes"].append("s3://acme-data/new")
    made = plan(CONVERGED, teams=teams)
    assert lines(made) == ["change policy datalab-research: document"]
    assert "arn:aws:s3:::acme-data/new/*" in made.changes[0].after
    assert "arn:aws:s3:::acme-data/new/*" not in made.changes[0].before


def test_a_team_that_has_left_is_named_and_stays() -> None:
    teams = {team: settings for team, settings in SETTINGS["teams"].items() if team != "interns"}
    made = plan(CONVERGED, teams=teams, people=PEOPLE[:2])
    assert made.changes == ()
    (note,) = made.notes
    for word in ("policy datalab-interns, ", "policy datalab-people-interns", "role ", "group ", "it is kept"):
        assert word in note


def test_rights_of_a_role_that_no_one_has_any_more_are_named() -> None:
    more = attached(f"{IAM}policy/datalab/datalab-fraud", "arn:x")
    bad = {"role_policy_list": INLINE, "permissions_boundary": None, "attached_managed_policies": more}
    made = plan(changed(CONVERGED, "roles", "datalab-fraud-erin", **bad), people=[PEOPLE[0], PEOPLE[2]])
    assert made.changes == ()
    assert made.notes[:2] == (
        "role datalab-fraud-erin has policies that the platform leaves alone: mine, arn:x",
        f"role datalab-fraud-erin is not within the boundary {IAM}policy/datalab/datalab-boundary",
    )


FOREIGN = [
    ("policies", policy({**STEPS["policies"]["datalab-research"], "path": "/"}), "the policy /datalab-research"),
    ("roles", role({**STEPS["roles"]["datalab-research"], "path": "/x/"}), "the role /x/datalab-research"),
    ("roles", role({**STEPS["roles"]["datalab-viewer"], "name": "Datalab-Viewer"}), "the role /datalab/Datalab-Viewer"),
    ("groups", group({**STEPS["groups"]["datalab-people-fraud"], "path": "/"}), "the group /datalab-people-fraud"),
    ("workgroups", workgroup(STEPS["workgroups"]["datalab-fraud"], tags={}), "the workgroup datalab-fraud"),
]


@pytest.mark.parametrize(("kind", "item", "says"), FOREIGN)
def test_resources_of_others_are_refused(kind: str, item: dict[str, Any], says: str) -> None:
    (said,) = plan({**NOTHING, kind: [item]}).refused
    assert said.startswith(f"platform_access_name: {says} must ")
    assert "to be the platform's; set another platform_access_name, or " in said


INLINE = [{"policy_name": "mine", "document": POLICY}]


def test_inline_policies_of_a_role_are_removed() -> None:
    bad = {"role_policy_list": INLINE, "permissions_boundary": None}
    drifted = changed(CONVERGED, "roles", "datalab-research", **bad)
    made = plan(drifted)
    assert lines(made) == ["change role datalab-research: boundary, inline policies"]
    assert yaml.safe_load(made.changes[0].before)["inline policies"] == {"mine": POLICY}
    assert made.steps["roles"] == [STEPS["roles"]["datalab-research"]]
    assert made.steps["inline_policies"] == [{"role": "datalab-research", "name": "mine"}]
    assert plan(applied(made, drifted)).changes == ()


def test_rights_that_others_have_given_are_named() -> None:
    found = changed(CONVERGED, "groups", "datalab-people-fraud", group_policy_list=INLINE)
    more = attached(f"{IAM}policy/datalab/datalab-people-interns", "arn:x")
    found = changed(found, "groups", "datalab-people-interns", attached_managed_policies=more)
    made = plan(found)
    assert made.changes == ()
    assert made.notes == (
        "group datalab-people-fraud has policies that the platform leaves alone: mine",
        "group datalab-people-interns has policies that the platform leaves alone: arn:x",
    )


def test_ids_are_known_before_anything_is_there() -> None:
    expected = {
        "person_roles": {
            "alice": f"{IAM}role/datalab/datalab-research",
            "erin": f"{IAM}role/datalab/datalab-fraud-erin",
            "ivy": f"{IAM}role/datalab/datalab-interns",
        },
        "team_roles": {team: f"{IAM}role/datalab/datalab-{team}" for team in ("research", "interns")},
        "viewer_role": f"{IAM}role/datalab/datalab-viewer",
        "role_names_missing": {},
    }
    assert plan(CONVERGED).ids == {**expected, "waiting": []}
    assert plan({"ids_only": True, "roles": CONVERGED["roles"]}).ids == expected
    assert plan({"ids_only": True, "roles": CONVERGED["roles"]}).changes == ()
    missing = {"viewer": "viewer", "alice": "research", "erin": "fraud-erin", "ivy": "interns"}
    expected["role_names_missing"] = {who: f"datalab-{name}" for who, name in missing.items()}
    assert plan().ids == {**expected, "waiting": []}
    elsewhere = [{**each, "path": "/"} for each in CONVERGED["roles"]]
    assert plan({"ids_only": True, "roles": elsewhere}).ids == expected


def test_a_role_that_is_given_leaves_iam_alone() -> None:
    arn = "arn:aws:iam::123456789012:role/given"
    made = plan({"workgroups": []}, role_arn=arn)
    assert names(made) == {**NO_STEPS, "workgroups": WORKGROUPS}
    assert made.ids == {
        "person_roles": dict.fromkeys(("alice", "erin", "ivy"), arn),
        "team_roles": dict.fromkeys(SETTINGS["teams"], arn),
        "viewer_role": arn,
        "role_names_missing": {},
        "waiting": [],
    }
    assert {**plan({"ids_only": True, "roles": []}, role_arn=arn).ids, "waiting": []} == made.ids
    assert plan({"workgroups": []}, role_arn=arn, network=None).refused == ()


@pytest.mark.parametrize(
    "network", [{"subnet_ids": None, "instances_security_group": None}, {**NETWORK, "subnet_ids": [None]}, {}]
)
def test_policies_that_need_the_network_wait_for_it(network: dict[str, Any]) -> None:
    made = plan(network=network)
    assert lines(made) == LINES
    waiting = {"datalab-people-interns"}
    made_now = names(made)
    assert {kind: set(each) - set(made_now[kind]) for kind, each in ALL.items()} == {
        "policies": waiting,
        "roles": set(),
        "groups": waiting,
        "workgroups": set(),
    }
    assert made.refused == ()
    assert made.ids["waiting"] == ["policy datalab-people-interns", "group datalab-people-interns"]
    rest = plan(applied(made))
    people = [f"datalab-people-{team}" for team in SETTINGS["teams"]]  # people of all teams start instances there
    assert names(rest) == {**NO_STEPS, "policies": people, "groups": [*waiting]}
    assert plan(applied(rest, applied(made))).changes == ()


def test_restricted_groups_without_any_network_are_refused() -> None:
    (said,) = plan(network=None).refused
    assert said.startswith("platform_access_subnet_ids and platform_access_security_group_ids must ")
    assert "interns in platform_access_teams" in said
    ids = {"subnet_ids": ["subnet-0a", "subnet-0b"], "security_group_ids": ["sg-0a"]}
    assert plan(CONVERGED, network=None, **ids).as_dict() == plan(CONVERGED).as_dict()
    assert plan(network=None, teams={"research": {}}, people=PEOPLE[:1]).refused == ()


def test_without_a_bucket_there_is_no_athena() -> None:
    made = plan(results_bucket="")
    assert names(made) == {**NO_STEPS, **ALL, "workgroups": []}
    assert "athena:StartQueryExecution" not in str(made.steps["policies"][2])


def test_without_teams_those_of_the_roster_read_nothing() -> None:
    made = plan(teams={})
    assert names(made)["workgroups"] == ["datalab-research", "datalab-fraud", "datalab-interns"]
    assert plan(teams=dict.fromkeys(("research", "fraud", "interns"))).as_dict() == made.as_dict()


def test_without_viewers_there_is_nothing_of_them() -> None:
    made = plan(viewers={})
    assert "datalab-viewer" not in [*names(made)["policies"], *names(made)["roles"]]
    assert "OpenViewer" not in str(made.steps)
    assert "viewer" not in made.ids["role_names_missing"]


def test_a_boundary_that_is_given_is_not_made() -> None:
    made = plan(boundary="arn:aws:iam::aws:policy/x")
    assert names(made)["policies"] == POLICIES[1:]
    assert {step["boundary"] for step in made.steps["roles"]} == {"arn:aws:iam::aws:policy/x"}


def test_another_partition() -> None:
    made = plan(account={**ACCOUNT, "partition": "aws-us-gov"})
    assert "arn:aws:" not in str(made.steps)
    assert made.ids["viewer_role"].startswith("arn:aws-us-gov:iam::123456789012:role/")


def test_what_is_read() -> None:
    names = [f"datalab-{team}" for team in SETTINGS["teams"]]
    wanted = wanted_to_read(SETTINGS, people=PEOPLE)
    assert wanted == {
        "name": "datalab",
        "path": "/datalab/",
        "iam": True,
        "ids_only": False,
        "removal": False,
        "policy_tags": True,
        "workgroups": names,
        "queries": False,
    }
    cases: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
        ({}, {"ids_only": True}, {"ids_only": True}),
        ({}, {"removal": True}, {"removal": True, "policy_tags": False, "queries": True}),
        ({"destroy_queries": True}, {"removal": True}, {"removal": True, "policy_tags": False}),
        ({"role_arn": "arn:x"}, {}, {"iam": False}),
        ({"results_bucket": ""}, {}, {}),
        ({"teams": {}}, {}, {}),
    ]
    for others, arguments, different in cases:
        assert wanted_to_read({**SETTINGS, **others}, people=PEOPLE, **arguments) == {**wanted, **different}


TEAM = st.fixed_dictionaries(
    {},
    optional={
        "prefixes": st.lists(st.sampled_from(["s3://acme-data", "s3://acme-data/a", "s3://acme-data/b c/"])),
        "databases": st.lists(st.sampled_from(["research", 'a"b', "ü"])),
        "role_per_person": st.booleans(),
        "limits": st.just({"instance_types": ["ml.t3.medium"]}),
    },
)
NAMES = ["research", "fraud", "interns"]


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(
    teams=st.dictionaries(st.sampled_from(NAMES), st.none() | TEAM),
    people=st.lists(st.sampled_from(PEOPLE), unique_by=lambda person: person["name"]),
    tags=st.dictionaries(st.sampled_from(["a", "b"]), st.text(max_size=5)),
    viewers=st.sampled_from([{}, {"viewer": "datalab-viewer"}, {"lobby": "datalab-l", "viewer": "v"}]),
    network=st.sampled_from([NETWORK, {}, {"subnet_ids": None}]),
)
def test_two_plans_are_enough(teams: Any, people: Any, tags: Any, viewers: Any, network: Any) -> None:
    given_by_all = {"teams": teams, "people": people, "tags": tags, "viewers": viewers}
    first = plan(network=network, **given_by_all)
    json.dumps(first.as_dict())
    second = plan(there := applied(first), **given_by_all)
    last = plan(applied(second, there), **given_by_all)
    assert last.changes == ()
    assert last.ids["role_names_missing"] == {}
    assert last.notes == last.refused == ()
