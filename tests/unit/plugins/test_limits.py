# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings that a person of a restricted group may not have, in the words of the inventory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.platform import misplaced
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.section import SectionPlan
from ansible_collections.datalab.notebooks.plugins.plugin_utils.preflight import preflight
from ansible_collections.datalab.notebooks.tests.unit.plugins.inventories import inventory, told

Variables = Mapping[str, Any]

LIMITS = {"instance_types": ["ml.t3.medium", "ml.t3.large"], "volume_size_in_gb": 20}
NETWORK = ("fleet", "network")
SUBNET, OTHER_SUBNET = "subnet-0123456789abcdef0", "subnet-0123456789abcdef1"
GROUP, OTHER_GROUP = "sg-0123456789abcdef0", "sg-0123456789abcdef1"
MAXIMUM = {"notebook_host_idle_timeout_maximum": 7200}
PLACES = {"platform_access_subnet_ids": [SUBNET], "platform_access_security_group_ids": [GROUP]}
ROLE = "arn:aws:iam::123456789012:role/"


def with_maximum(variables: Mapping[str, Variables]) -> dict[str, Variables]:
    """Return the variables of people whose shared configuration has a maximum."""
    return {name: {**MAXIMUM, **variables.get(name, {})} for name in (*variables, "ivy", "ida", "erin")}


def said(
    variables: Variables,
    *,
    sections: tuple[str, ...] = NETWORK,
    limits: Any = LIMITS,
    others: Mapping[str, Variables] | None = None,
    **shared: Any,
) -> list[str]:
    """Return the mistakes in the variables of Ivy, who is in a restricted group, and in those of everybody."""
    source = inventory(
        {"interns": ["ivy", "ida"], "fraud": ["erin"]},
        viewers=["viewer"],
        variables=with_maximum({"ivy": variables, **(others or {})}),
        shared={"platform_access_teams": {"interns": {"limits": limits}, "fraud": {}}, **shared},
    )
    return [line.removeprefix("ivy: ") for line in told(source, "ivy", sections=sections)]


WITHIN: list[tuple[Variables, Variables]] = [
    ({}, {}),
    ({"notebook_instance_type": "ml.t3.large", "notebook_volume_size_in_gb": "20"}, {}),
    ({"notebook_root_access": "no", "notebook_minimum_instance_metadata_service_version": 2}, {}),
    ({"notebook_direct_internet_access": False, "notebook_idle": "60"}, {}),
    ({"notebook_subnet_id": SUBNET, "notebook_security_group_ids": [GROUP]}, PLACES),
    ({}, {**PLACES, "notebook_fleet_subnet_id": SUBNET, "notebook_fleet_security_group_ids": [GROUP]}),
    ({"notebook_subnet_id": SUBNET}, {"platform_network_vpc_id": "vpc-0a", "platform_network_subnet_ids": [SUBNET]}),
    ({"notebook_role_arn": f"{ROLE}datalab/datalab-interns"}, {}),
    ({"notebook_role_arn": f"{ROLE}given"}, {"platform_access_role_arn": f"{ROLE}given"}),
    ({}, {"notebook_fleet_role_arn": f"{ROLE}datalab/datalab-interns"}),
    ({"notebook_lifecycle_config": "interns"}, {}),
    ({"notebook_host_idle_timeout": 60}, {}),
]


@pytest.mark.parametrize(("variables", "shared"), WITHIN, ids=str)
def test_settings_within_the_limits_are_accepted(variables: Variables, shared: Variables) -> None:
    same = {"ida": {key: value for key, value in variables.items() if key.startswith("notebook_host_")}}
    found = said(variables, others={**same, "erin": same["ida"]}, **shared)
    assert [text for text in found if "platform_access_teams limits" in text] == []


NEVER = "instances that stop when idle"
PLATFORMS = "those of the platform's network"
OTHER_ROLE = f"{ROLE}datalab/datalab-fraud"

BEYOND: list[tuple[Variables, str, str, str]] = [
    ({"notebook_instance_type": "ml.p3.2xlarge"}, "ml.p3.2xlarge", "ml.t3.medium, ml.t3.large", "choose one of these"),
    ({"notebook_volume_size_in_gb": 21}, "21", "20 GiB", "choose a smaller one"),
    ({"notebook_root_access": True}, "true", "false", "set it to false for this team"),
    ({"notebook_direct_internet_access": "yes"}, "true", "false", "set it to false, since AWS's default is true"),
    ({"notebook_minimum_instance_metadata_service_version": "1"}, "1", "2", "leave it out"),
    ({"notebook_subnet_id": OTHER_SUBNET}, OTHER_SUBNET, PLATFORMS,
     "leave it out, or list it in platform_access_subnet_ids"),
    ({"notebook_security_group_ids": [GROUP, OTHER_GROUP]}, f"[{GROUP}, {OTHER_GROUP}]", PLATFORMS,
     "leave it out, or list it in platform_access_security_group_ids"),
    ({"notebook_role_arn": OTHER_ROLE}, OTHER_ROLE, "the role datalab-interns",
     "leave it out, or set platform_access_role_arn if everybody has this role"),
    ({"notebook_role_arn": f"{ROLE}datalab-interns"}, f"{ROLE}datalab-interns", "the role datalab-interns",
     "leave it out, or set platform_access_role_arn if everybody has this role"),
    ({"notebook_idle": "never"}, "never", NEVER, "set a number of seconds, or leave it out"),
    ({"notebook_idle": "0"}, "'0'", NEVER, "set a number of seconds, or leave it out"),
    ({"notebook_host_idle_timeout_maximum": 0, "notebook_lifecycle_config": "long"}, "0",
     f"{NEVER}, whatever their tag idle says",
     "set a number of seconds, for example 14400, in a notebook_lifecycle_config of this team"),
    ({"notebook_host_steps": ["efs"], "notebook_lifecycle_config": "long"}, "[efs]", NEVER, "add autostop"),
    ({"notebook_host_autostop": "observe", "notebook_lifecycle_config": "long"}, "observe", NEVER,
     "set it to stop, or leave it out"),
    ({"notebook_lifecycle_config": "theirs"}, "theirs", "configurations of its own",
     "it is also that of erin: choose another, or leave it out for the standard one"),
    ({"notebook_lifecycle_config": "viewer", "notebook_host_efs_read_only": True,
      "notebook_host_steps": ["efs", "jupyter", "autostop"]}, "viewer", "configurations of its own",
     "it is also that of viewer: choose another, or leave it out for the standard one"),
]  # fmt: skip
THEIRS: dict[str, Variables] = {
    "erin": {"notebook_lifecycle_config": "theirs"},
    "viewer": {"notebook_host_steps": ["efs", "jupyter", "autostop"]},
}


@pytest.mark.parametrize(("variables", "shown", "allowed", "remedy"), BEYOND)
def test_settings_beyond_the_limits_are_refused(variables: Variables, shown: str, allowed: str, remedy: str) -> None:
    variable = next(iter(variables))
    rule = f"platform_access_teams limits the team interns to {allowed}"
    assert said(variables, others=THEIRS) == [f"{variable} is {shown.strip(chr(39))}, but {rule}; {remedy}"]
    unlimited = said(variables, others=THEIRS, platform_access_teams={"interns": {}, "fraud": {}})
    assert unlimited == []


def test_a_default_of_never_is_refused() -> None:
    never = {"notebook_host_idle_timeout": 0, "notebook_lifecycle_config": "long"}
    rule = f"platform_access_teams limits the team interns to {NEVER}"
    assert f"notebook_host_idle_timeout is 0, but {rule}; set a number of seconds, or leave it out" in said(never)


@pytest.mark.parametrize("removal", [False, True])
def test_a_removal_looks_at_no_limits(removal: bool) -> None:
    source = inventory(
        {"interns": ["ivy"]},
        variables={"ivy": {"notebook_volume_size_in_gb": 21}},
        shared={"platform_access_teams": {"interns": {"limits": LIMITS}}},
    )
    _wanted, problems = preflight(source, {"fleet"}, ["ivy"], is_limited=True, removal=removal)
    assert bool(problems) is not removal


@pytest.mark.parametrize(
    ("variable", "value", "also"),
    [
        ("notebook_fleet_role_arn", OTHER_ROLE, {}),
        ("notebook_fleet_subnet_id", OTHER_SUBNET, PLACES),
        ("notebook_fleet_security_group_ids", [OTHER_GROUP], PLACES),
        ("notebook_fleet_owner_defaults", {"notebook_idle": "never"}, {}),
        ("notebook_fleet_owner_defaults", {"notebook_instance_type": "ml.p3.2xlarge"}, {}),
    ],
)
def test_everybodys_variables_count_for_the_limits_too(variable: str, value: Any, also: Variables) -> None:
    (text,) = said({}, **{**also, variable: value})
    assert text.startswith(variable if isinstance(value, str | list) else next(iter(value)))
    assert "but platform_access_teams limits the team interns to " in text


@pytest.mark.parametrize(
    ("variables", "shared", "about"),
    [
        ({}, {}, ["notebook_direct_internet_access is empty", "notebook_subnet_id is empty"]),
        ({"notebook_direct_internet_access": False}, {}, ["notebook_subnet_id is empty"]),
        ({"notebook_subnet_id": SUBNET}, PLACES, ["notebook_direct_internet_access is empty"]),
        ({"notebook_subnet_id": SUBNET, "notebook_direct_internet_access": False}, PLACES, []),
        ({}, {**PLACES, "notebook_fleet_subnet_id": SUBNET}, []),
    ],
)
def test_without_a_network_the_internet_is_aws_default(
    variables: Variables, shared: Variables, about: list[str]
) -> None:
    found = said(variables, sections=("fleet",), **shared)
    assert [text.partition(",")[0] for text in found] == about


GIVEN_NETWORK = {"platform_network_vpc_id": "vpc-0a", "platform_network_subnet_ids": [OTHER_SUBNET, SUBNET]}


@pytest.mark.parametrize(
    ("variables", "shared", "refused"),
    [
        ({}, {}, True),
        ({}, {"platform_access_subnet_ids": [OTHER_SUBNET]}, False),
        ({}, {"platform_access_subnet_ids": []}, False),
        ({"notebook_subnet_id": SUBNET}, {}, False),
        ({}, {"notebook_fleet_subnet_id": SUBNET}, False),
    ],
)
def test_the_first_subnet_of_a_given_network(variables: Variables, shared: Variables, refused: bool) -> None:
    said_of = said(variables, **{**PLACES, **GIVEN_NETWORK, **shared})
    rule = f"platform_access_teams limits the team interns to {SUBNET}"
    remedy = (
        "leave platform_access_subnet_ids empty for what the network has, or set notebook_subnet_id to what it lists"
    )
    text = f"notebook_subnet_id, which platform_network gives, is {OTHER_SUBNET}, but {rule}; {remedy}"
    assert said_of == [text] * refused


def placed(ids: dict[str, Any], variables: Variables, **shared: Any) -> list[str]:
    """Return the problems of people in subnets or groups that the limits forbid, once the network was read."""
    teams = {"platform_access_teams": {"interns": {"limits": LIMITS}, "fraud": {}}}
    people: dict[str, list[str]] = {"interns": ["ivy"], "fraud": ["erin"]}
    source = inventory(people, variables=with_maximum({"ivy": variables}), shared={**teams, **shared})
    found, problems = preflight(source, ["network", "access", "fleet"])
    assert problems == []
    network = {"network": SectionPlan(ids=ids)}
    return [f"{problem.about}: {problem.text}" for problem in misplaced(found, network)]


MADE = {"subnet_ids": [OTHER_SUBNET, SUBNET], "instances_security_group": OTHER_GROUP}


@pytest.mark.parametrize(
    ("ids", "variables", "shared", "about"),
    [
        (MADE, {}, {}, []),
        (MADE, {}, {"platform_access_subnet_ids": [SUBNET]}, [("subnet_id", OTHER_SUBNET)]),
        (MADE, {}, {"platform_access_subnet_ids": [SUBNET, OTHER_SUBNET]}, []),
        (MADE, {}, {"platform_access_security_group_ids": [GROUP]}, [("security_group_ids", OTHER_GROUP)]),
        (MADE, {}, PLACES, [("subnet_id", OTHER_SUBNET), ("security_group_ids", OTHER_GROUP)]),
        (MADE, {"notebook_subnet_id": SUBNET, "notebook_security_group_ids": [GROUP]}, PLACES, []),
        (MADE, {}, {**PLACES, "notebook_fleet_subnet_id": SUBNET, "notebook_fleet_security_group_ids": [GROUP]}, []),
        (MADE, {"notebook_subnet_id": SUBNET}, PLACES, [("security_group_ids", OTHER_GROUP)]),
        ({"subnet_ids": [None, SUBNET], "instances_security_group": None}, {"notebook_subnet_id": SUBNET},
         {"platform_network_vpc_id": "vpc-0a", "platform_network_subnet_ids": [OTHER_SUBNET, SUBNET]}, []),
        ({"subnet_ids": [None, None], "instances_security_group": None}, {}, {}, []),
        ({"subnet_ids": [None, None], "instances_security_group": None}, {}, PLACES,
         [("subnet_id", "not there yet"), ("security_group_ids", "not there yet")]),
    ],
)  # fmt: skip
def test_a_network_that_was_made(
    ids: dict[str, Any], variables: Variables, shared: Variables, about: list[tuple[str, str]]
) -> None:
    found = placed(ids, variables, **shared)
    allowed = {"subnet_id": SUBNET, "security_group_ids": GROUP}
    assert [text.partition(";")[0] for text in found] == [
        f"ivy: notebook_{name}, which platform_network gives, is {value}, but platform_access_teams limits the team"
        f" interns to {allowed[name]}"
        for name, value in about
    ]


def test_without_a_network_no_one_is_placed() -> None:
    source = inventory(
        {"interns": ["ivy"]}, shared={"platform_access_teams": {"interns": {"limits": LIMITS}}, **PLACES}
    )
    found, _problems = preflight(source, ["network", "access", "fleet"])
    assert misplaced(found, {}) == []


def test_a_person_with_a_role_of_their_own() -> None:
    teams = {"interns": {"limits": LIMITS, "role_per_person": "yes"}, "fraud": {}}
    own = {"notebook_role_arn": f"{ROLE}datalab/datalab-interns-ivy"}
    assert said(own, platform_access_teams=teams) == []
    (text,) = said({"notebook_role_arn": f"{ROLE}datalab/datalab-interns-ida"}, platform_access_teams=teams)
    assert "limits the team interns to the role datalab-interns-ivy; " in text


def test_with_mounts_of_their_own_no_one_has_anothers_configuration() -> None:
    label = {"notebook_lifecycle_config": "theirs"}
    assert said(label, others={"erin": label}, platform_storage_isolation="access_point") == []


@pytest.mark.parametrize(
    "limits",
    [
        {"instance_types": ["ml.p3.2xlarge"]},
        {"instance_types": ["ml.p3.2xlarge"], "volume_size_in_gb": "much"},
        {"instance_types": "ml.t3.medium", "volume_size_in_gb": 1000},
        {"instance_types": None, "volume_size_in_gb": "1000"},
        {"volume_size_in_gb": 1000},
        {},
        None,
        "small ones",
    ],
    ids=str,
)
def test_limits_that_are_none_limit_no_one(limits: Any) -> None:
    much = {"notebook_instance_type": "ml.p3.2xlarge", "notebook_volume_size_in_gb": 1000}
    assert said(much, limits=limits) == []
