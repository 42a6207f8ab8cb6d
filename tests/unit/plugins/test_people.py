# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the people of an inventory to their instances and lifecycle configurations."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.people import Platform, wanted_by_people

TEAM = {"notebook_team": "research"}
HOST_DEFAULTS = {"notebook_host_idle": 3600, "notebook_host_steps": ["efs", "conda"]}


def fleet(owners: dict[str, Any], viewers: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """What people want, given with their variables."""
    viewers = viewers or {}
    given: dict[str, Any] = {
        "people": [*owners, *viewers],
        "owners": list(owners),
        "viewers": list(viewers),
        "prefix": "datalab",
        "owner_defaults": {},
        "viewer_defaults": {},
        "host_defaults": {},
        "role_arns": {},
        "mounts": {},
        "teams": {},
    }
    given |= more
    people = given.pop("people")
    return wanted_by_people({**owners, **viewers}, people, Platform(**given))


def instance(variables: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Alice's instance, when there is nothing to complain about."""
    result = fleet({"alice": {**TEAM, **variables}}, **more)
    assert result["problems"] == []
    return dict(result["instances"][0])


def problems(variables: dict[str, Any], **more: Any) -> list[str]:
    """What is wrong with Alice's variables."""
    return list(fleet({"alice": {**TEAM, **variables}}, **more)["problems"])


# Instances


def test_nobody() -> None:
    assert fleet({}) == {"problems": [], "instances": [], "everybody": [], "owned": [], "lifecycle_configs": []}


def test_a_person() -> None:
    assert fleet({"alice": TEAM}) == {
        "problems": [],
        "instances": [
            {
                "owner": "alice",
                "name": "datalab-alice",
                "lifecycle_config_name": "datalab",
                "tags": {"owner": "alice", "team": "research"},
                "keep_tags": ["idle"],
            }
        ],
        "everybody": [{"name": "alice", "team": "research", "instance": "datalab-alice"}],
        "owned": ["datalab-alice"],
        "lifecycle_configs": [{"name": "datalab", "people": ["alice"], "others": [], "settings": {}}],
    }


def test_everybody_is_more_than_those_who_are_asked_for() -> None:
    owners = {"alice": TEAM, "bob": {**TEAM, "notebook_name": "bobs"}, "carol": {}}
    result = fleet(owners, {"viewer": TEAM}, people=["alice"])
    assert [instance["owner"] for instance in result["instances"]] == ["alice"]
    assert [(person["name"], person["instance"]) for person in result["everybody"]] == [
        ("alice", "datalab-alice"),
        ("bob", "bobs"),
    ]


def test_a_person_has_the_role_that_is_theirs_unless_they_say_another() -> None:
    owners = {"alice": TEAM, "bob": {**TEAM, "notebook_role_arn": "own"}, "carol": TEAM}
    roles = {"alice": "hers", "bob": "his"}
    result = fleet(owners, {"viewer": {}}, role_arns=roles, owner_defaults={"notebook_role_arn": "everybody's"})
    assert [instance["role_arn"] for instance in result["instances"]] == ["hers", "own", "everybody's", "everybody's"]


MOUNT = {"notebook_host_efs_access_point": "fsap-1"}
HOST = {"notebook_host_efs_access_point": "", "notebook_host_idle_timeout": 60}


def test_who_mounts_something_else_has_a_lifecycle_configuration_of_their_own() -> None:
    owners = {"alice": TEAM, "b.ob": {**TEAM, "notebook_lifecycle_config": "long"}, "carol": TEAM}
    result = fleet(owners, host_defaults=HOST, mounts={"alice": MOUNT, "b.ob": MOUNT})
    assert result["problems"] == []
    names = ["datalab-alice", "datalab-long-b-ob", "datalab"]
    assert [instance["lifecycle_config_name"] for instance in result["instances"]] == names
    points = [config["settings"]["notebook_host_efs_access_point"] for config in result["lifecycle_configs"]]
    assert points == ["fsap-1", "fsap-1", ""]


LIMITED = {
    "research": {},
    "interns": {"limits": {"instance_types": ["ml.t3.medium", "ml.t3.large"], "volume_size_in_gb": 20}},
}
INTERN = {"notebook_team": "interns"}
WITHIN = {
    "notebook_instance_type": "ml.t3.large", "notebook_volume_size_in_gb": "20", "notebook_root_access": "no",
    "notebook_minimum_instance_metadata_service_version": 2,
}  # fmt: skip
BEYOND: list[tuple[dict[str, Any], str]] = [
    ({"notebook_instance_type": "ml.p3.2xlarge"}, "ml.t3.medium, ml.t3.large"),
    ({"notebook_volume_size_in_gb": 21}, "20 GiB"),
    ({"notebook_root_access": True}, "false"),
    ({"notebook_direct_internet_access": "yes"}, "false"),
    ({"notebook_minimum_instance_metadata_service_version": "1"}, "2"),
]


def test_a_restricted_group_has_no_root_access() -> None:
    result = fleet({"heidi": INTERN, "alice": TEAM}, teams=LIMITED)
    assert [instance.get("root_access") for instance in result["instances"]] == [False, None]


def test_what_is_within_the_limits_is_no_problem() -> None:
    assert problems({**INTERN, **WITHIN}, teams=LIMITED) == []
    everything = {name: value for variables, _allowed in BEYOND for name, value in variables.items()}
    assert problems({**TEAM, **everything}, teams=LIMITED) == []


@pytest.mark.parametrize(("variables", "allowed"), BEYOND, ids=str)
def test_what_is_beyond_the_limits_is_refused(variables: dict[str, Any], allowed: str) -> None:
    ((name, value),) = variables.items()
    assert problems({**INTERN, **WITHIN, **variables}, teams=LIMITED) == [
        f"alice: {name} is {value}, but platform_access_teams limits the team interns to {allowed}"
    ]


def test_an_unknown_team_is_refused() -> None:
    said = "alice: notebook_team is reserch, which platform_access_teams does not have; did you mean research?"
    assert problems({"notebook_team": "reserch"}, teams=LIMITED) == [said]
    assert problems({"notebook_team": "x"}, teams=LIMITED)[0].endswith("there are research, interns")
    assert problems({"notebook_team": "anything"}, teams={}) == []


def test_variables_are_options() -> None:
    options = {
        "state": "stopped",
        "instance_type": "ml.m5.xlarge",
        "role_arn": "",
        "volume_size_in_gb": 50,
        "default_code_repository": "a",
        "additional_code_repositories": ["b"],
        "root_access": False,
        "platform_identifier": "notebook-al2023-v1",
        "ip_address_type": "dualstack",
        "minimum_instance_metadata_service_version": "2",
        "subnet_id": "subnet-1",
        "security_group_ids": ["sg-1"],
        "kms_key_id": "12",
        "direct_internet_access": True,
        "update_policy": "force",
        "force": True,
        "purge_tags": False,
    }
    found = instance({f"notebook_{option}": value for option, value in options.items()})
    assert {option: found[option] for option in options} == options


def test_other_variables_are_nobodys_business() -> None:
    variables = {"ansible_host": "x", "note": "y", "notebook_fleet_prefix": "z"}
    assert instance(variables) == instance({})


def test_people_have_defaults_and_their_own() -> None:
    defaults = {"notebook_instance_type": "ml.t3.medium", "notebook_volume_size_in_gb": 20}
    found = instance({"notebook_volume_size_in_gb": 50}, owner_defaults=defaults)
    assert (found["instance_type"], found["volume_size_in_gb"]) == ("ml.t3.medium", 50)


def test_viewers_have_defaults_before_those_of_owners() -> None:
    result = fleet(
        {"alice": TEAM},
        {"viewer": {"notebook_state": "stopped"}},
        owner_defaults={"notebook_instance_type": "ml.t3.medium", "notebook_volume_size_in_gb": 20},
        viewer_defaults={"notebook_volume_size_in_gb": 5, "notebook_state": "started"},
    )
    told = ("instance_type", "volume_size_in_gb", "state")
    assert [[each.get(option) for option in told] for each in result["instances"]] == [
        ["ml.t3.medium", 20, None],
        ["ml.t3.medium", 5, "stopped"],
    ]


def test_an_owner_who_is_a_viewer_is_a_viewer() -> None:
    variables: dict[str, Any] = {"viewer": {}}
    result = fleet(variables, variables, people=["viewer"], viewer_defaults={"notebook_state": "started"})
    assert result["problems"] == []
    assert [each["state"] for each in result["instances"]] == ["started"]


def test_only_the_people_that_are_asked_for() -> None:
    result = fleet(dict.fromkeys(("alice", "bob", "carol"), TEAM), people=["carol", "alice"])
    assert [each["owner"] for each in result["instances"]] == ["carol", "alice"]


@pytest.mark.parametrize(
    ("prefix", "person", "expected"),
    [
        ("datalab", "alice", "datalab-alice"),
        ("datalab", "alice.smith@example.com", "datalab-alice-smith-example-com"),
        ("data_lab", "a__b", "data-lab-a-b"),
        ("datalab", "Alice_", "datalab-Alice"),
        ("", "alice", "alice"),
        ("datalab", "zoë", "datalab-zo"),
    ],
)
def test_names(prefix: str, person: str, expected: str) -> None:
    (found,) = fleet({person: TEAM}, prefix=prefix)["instances"]
    assert (found["name"], found["owner"], found["tags"]["owner"]) == (expected, person, person)


def test_a_name_of_their_own() -> None:
    assert instance({"notebook_name": "old-name"})["name"] == "old-name"


# Tags


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, {}),
        ({"notebook_idle": 7200}, {"idle": "7200"}),
        ({"notebook_idle": 0}, {"idle": "0"}),
        ({"notebook_idle": ""}, {}),
        ({"notebook_idle": None}, {}),
        ({"notebook_tags": {"cost": 42, "gpu": True}}, {"cost": "42", "gpu": "True"}),
        ({"notebook_tags": None}, {}),
        ({"notebook_tags": {"owner": "mallory", "team": "other", "a": "b"}}, {"a": "b"}),
        ({"notebook_tags": {"idle": "1"}}, {"idle": "1"}),
    ],
    ids=str,
)
def test_tags(variables: dict[str, Any], expected: dict[str, str]) -> None:
    assert instance(variables)["tags"] == {"owner": "alice", "team": "research", **expected}


def test_a_viewer_needs_no_team() -> None:
    result = fleet({}, {"viewer": {}})
    assert result["problems"] == []
    assert result["instances"][0]["tags"] == {"owner": "viewer"}


def test_idle_belongs_to_the_owner() -> None:
    assert instance({"notebook_idle": 1})["keep_tags"] == ["idle"]


# Lifecycle configurations


def test_everybody_shares_one_configuration() -> None:
    result = fleet({"alice": TEAM, "bob": TEAM}, host_defaults=HOST_DEFAULTS)
    assert [each["lifecycle_config_name"] for each in result["instances"]] == ["datalab", "datalab"]
    assert result["lifecycle_configs"] == [
        {"name": "datalab", "people": ["alice", "bob"], "others": [], "settings": HOST_DEFAULTS}
    ]


def test_one_configuration_for_each_label() -> None:
    result = fleet(
        {
            "alice": {**TEAM, "notebook_lifecycle_config": "quant", "notebook_host_idle": 60},
            "bob": TEAM,
            "carol": {**TEAM, "notebook_lifecycle_config": "quant", "notebook_host_idle": 60},
        },
        {"viewer": {}},
        host_defaults=HOST_DEFAULTS,
        viewer_defaults={"notebook_lifecycle_config": "viewer", "notebook_host_steps": ["efs"]},
    )
    names = [each["lifecycle_config_name"] for each in result["instances"]]
    assert names == ["datalab-quant", "datalab", "datalab-quant", "datalab-viewer"]
    assert result["problems"] == []
    assert result["lifecycle_configs"] == [
        {
            "name": "datalab-quant",
            "people": ["alice", "carol"],
            "others": [],
            "settings": HOST_DEFAULTS | {"notebook_host_idle": 60},
        },
        {"name": "datalab", "people": ["bob"], "others": [], "settings": HOST_DEFAULTS},
        {
            "name": "datalab-viewer",
            "people": ["viewer"],
            "others": [],
            "settings": HOST_DEFAULTS | {"notebook_host_steps": ["efs"]},
        },
    ]


def test_only_the_configurations_of_those_who_are_asked_for() -> None:
    everybody = {"alice": TEAM, "bob": {**TEAM, "notebook_lifecycle_config": "quant"}}
    configs = fleet(everybody, people=["bob"], host_defaults=HOST_DEFAULTS)["lifecycle_configs"]
    assert [config["name"] for config in configs] == ["datalab-quant"]


def test_who_else_has_a_configuration() -> None:
    everybody = {"alice": TEAM, "bob": TEAM, "carol": {**TEAM, "notebook_lifecycle_config": "quant"}}
    configs = fleet(everybody, people=["bob", "carol"], host_defaults=HOST_DEFAULTS)["lifecycle_configs"]
    assert {config["name"]: config["others"] for config in configs} == {"datalab": ["alice"], "datalab-quant": []}


def conflict(person: str, has: Any, other: str, others: Any, config: str) -> str:
    return (
        f"{person}: notebook_host_idle is {has!r}, but {other}, who has the same lifecycle configuration {config}, has "
        f"{others!r}; give one of them another: notebook_lifecycle_config: <a name, such as the team's or the person's>"
    )


@pytest.mark.parametrize("people", [["alice", "bob"], ["alice"], ["bob"]])
def test_those_who_share_a_configuration_have_to_agree(people: list[str]) -> None:
    everybody = {"alice": TEAM, "bob": {**TEAM, "notebook_host_idle": 60}}
    found = fleet(everybody, people=people, host_defaults=HOST_DEFAULTS)["problems"]
    assert found == [conflict("bob", 60, "alice", 3600, "datalab")]


def test_those_who_share_a_label_have_to_agree() -> None:
    label = {**TEAM, "notebook_lifecycle_config": "quant"}
    everybody = {"alice": label, "bob": {**label, "notebook_host_idle": 60}}
    found = fleet(everybody, host_defaults=HOST_DEFAULTS)["problems"]
    assert found == [conflict("bob", 60, "alice", 3600, "datalab-quant")]


def test_owners_and_viewers_have_to_agree() -> None:
    viewer_defaults = {"notebook_host_idle": 0}
    found = fleet({"alice": TEAM}, {"viewer": {}}, host_defaults=HOST_DEFAULTS, viewer_defaults=viewer_defaults)
    assert found["problems"] == [conflict("viewer", 0, "alice", 3600, "datalab")]


def test_others_need_not_agree() -> None:
    label = {**TEAM, "notebook_lifecycle_config": "quant"}
    everybody = {"alice": TEAM, "bob": label, "carol": {**label, "notebook_host_idle": 60}}
    assert fleet(everybody, people=["alice"], host_defaults=HOST_DEFAULTS)["problems"] == []


# Mistakes


@pytest.mark.parametrize("variables", [{}, {"notebook_team": ""}, {"notebook_team": None}], ids=str)
def test_an_owner_needs_a_team(variables: dict[str, Any]) -> None:
    text = "notebook_team is not set; put the host into the group of a team whose group_vars set it"
    assert fleet({"alice": variables})["problems"] == [f"alice: {text}"]


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("notebook_volume_size", "did you mean notebook_volume_size_in_gb?"),
        ("notebook_host_idel", "did you mean notebook_host_idle?"),
        ("notebook_something_else_altogether", "the README lists them"),
        ("notebook_lifecycle_config_name", "did you mean notebook_lifecycle_config?"),
        ("notebook_keep_tags", "did you mean notebook_tags?"),
    ],
)
def test_unknown_variables(variable: str, hint: str) -> None:
    text = f"alice: {variable} is no variable of datalab.notebooks; {hint}"
    assert problems({variable: 1}, host_defaults=HOST_DEFAULTS) == [text]


def test_unknown_defaults() -> None:
    (found,) = problems({}, owner_defaults={"notebook_volume_size": 20})
    assert "notebook_volume_size is no variable" in found


@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        ("notebook_volume_size_in_gb", "big", "is of type str and we were unable to convert to int"),
        ("notebook_root_access", "maybe", "is of type str and we were unable to convert to bool"),
        ("notebook_security_group_ids", {"a": 1}, "is of type dict and we were unable to convert to list"),
        ("notebook_state", "running", "must be one of: present, absent, started, stopped, restarted, got: running"),
        ("notebook_update_policy", "never", "must be one of: when_stopped, force, got: never"),
    ],
)
def test_wrong_values(variable: str, value: Any, text: str) -> None:
    (found,) = problems({variable: value})
    assert found.startswith("alice: ")
    assert variable in found
    assert text in found


@pytest.mark.parametrize(("variable", "value"), [("notebook_volume_size_in_gb", "50"), ("notebook_root_access", "no")])
def test_text_that_can_be_converted(variable: str, value: str) -> None:
    assert problems({variable: value}) == []


def test_tells_every_problem_of_everybody() -> None:
    result = fleet(
        {
            "alice": {"notebook_sate": "started"},
            "bob": {**TEAM, "notebook_volume_size_in_gb": "big", "notebook_state": "on"},
            "carol": {**TEAM, "notebook_host_idle": 60, "notebook_host_steps": []},
            "dave": {"notebook_sate": "not asked for"},
        },
        people=["alice", "bob", "carol"],
        host_defaults=HOST_DEFAULTS,
    )
    told = [
        "notebook_sate",
        "notebook_team",
        "notebook_host_idle",
        "notebook_host_steps",
        "_state",
        "_volume_size_in_gb",
    ]
    people = ["alice", "alice", "carol", "carol", "bob", "bob"]
    found = result["problems"]
    assert [problem.split(":")[0] for problem in found] == people
    in_order = [*found[:4], *sorted(found[4:], key=lambda problem: "_volume" in problem)]
    assert all(part in problem for part, problem in zip(told, in_order, strict=True))


@pytest.mark.parametrize("tags", ["cost=42", ["cost"]], ids=str)
def test_tags_that_are_no_dictionary(tags: Any) -> None:
    (found,) = problems({"notebook_tags": tags})
    assert found.startswith("alice: ")
    assert "notebook_tags" in found


def test_somebody_who_is_neither_owner_nor_viewer() -> None:
    found = fleet({"alice": TEAM}, people=["alice", "mallory"])["problems"]
    assert any(problem.startswith("mallory: ") for problem in found)
