# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The wishes of each person, the limits of restricted groups, and who shares which lifecycle configuration."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.people import (
    Config,
    Wishes,
    configs,
    host_defaults,
    own_config_problems,
    read_wishes,
    sharing_problems,
    teams_of,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.problems import Problem
from ansible_collections.datalab.notebooks.plugins.plugin_utils.roster import read_roster
from ansible_collections.datalab.notebooks.plugins.plugin_utils.specs import role_options
from ansible_collections.datalab.notebooks.plugins.plugin_utils.variables import section_settings
from ansible_collections.datalab.notebooks.tests.unit.plugins.inventories import inventory

Variables = Mapping[str, Any]

OWNER_DEFAULTS = role_options("notebook_fleet")["notebook_fleet_owner_defaults"]["default"]
VIEWER_DEFAULTS = role_options("notebook_fleet")["notebook_fleet_viewer_defaults"]["default"]
LABEL = {"notebook_lifecycle_config": "quant"}


class Read(NamedTuple):
    """Everybody's wishes and the mistakes in them."""

    wishes: dict[str, Wishes]
    problems: list[Problem]


def read(
    people: Mapping[str, Variables],
    viewers: Mapping[str, Variables] | None = None,
    *,
    team: str = "research",
    teams: Mapping[str, Any] | None = None,
    **fleet: Any,
) -> Read:
    """Return the wishes of people of one team; `fleet` has settings of the role notebook_fleet."""
    source = inventory(
        {team: people},
        viewers=list(viewers or ()),
        variables={**people, **(viewers or {})},
        shared={f"notebook_fleet_{name}": value for name, value in fleet.items()},
    )
    settings, problems = section_settings("fleet", source)
    assert problems == []
    roster = read_roster(source, prefix="datalab", owners_group="owners", viewers_group="viewers")
    return Read(*read_wishes(roster, source.hosts, settings, teams or {}))


def wishes(
    people: Mapping[str, Variables], viewers: Mapping[str, Variables] | None = None, **more: Any
) -> list[Wishes]:
    """Return the wishes of people whose variables have no mistakes."""
    found = read(people, viewers, **more)
    assert found.problems == []
    return list(found.wishes.values())


def problems(variables: Variables, **more: Any) -> list[str]:
    """Return the mistakes in Alice's variables."""
    found = read({"alice": variables}, **more).problems
    assert {problem.about for problem in found} <= {"alice"}
    return [problem.text for problem in found]


# Defaults


def test_a_person_has_the_defaults_of_owners_and_of_the_host() -> None:
    (alice,) = wishes({"alice": {}})
    assert (alice.person.name, alice.person.team, alice.instance) == ("alice", "research", OWNER_DEFAULTS)
    assert alice.host == host_defaults()
    assert "notebook_host_steps" in host_defaults()


def test_a_persons_variables_win_over_the_defaults() -> None:
    said = {"notebook_volume_size_in_gb": "50", "notebook_host_idle_timeout": 60}
    (alice,) = wishes({"alice": said})
    assert alice.instance == {**OWNER_DEFAULTS, "notebook_volume_size_in_gb": 50}
    assert alice.host == {**host_defaults(), "notebook_host_idle_timeout": 60}


def test_a_viewer_has_the_defaults_of_viewers_over_those_of_owners() -> None:
    alice, viewer = wishes({"alice": {}}, {"viewer": {"notebook_state": "stopped"}})
    of_instance = {name: value for name, value in VIEWER_DEFAULTS.items() if not name.startswith("notebook_host_")}
    of_host = {name: value for name, value in VIEWER_DEFAULTS.items() if name.startswith("notebook_host_")}
    assert viewer.instance == {**OWNER_DEFAULTS, **of_instance, "notebook_state": "stopped"}
    assert viewer.host == {**host_defaults(), **of_host}
    assert alice.instance == OWNER_DEFAULTS


def test_defaults_can_be_others() -> None:
    owners = {"notebook_instance_type": "ml.m5.large", "notebook_host_idle_timeout": 60}
    alice, viewer = wishes({"alice": {}}, {"viewer": {}}, owner_defaults=owners, viewer_defaults={"notebook_idle": 0})
    assert alice.instance == {"notebook_instance_type": "ml.m5.large"}
    assert alice.host["notebook_host_idle_timeout"] == 60
    assert viewer.instance == {"notebook_instance_type": "ml.m5.large", "notebook_idle": "0"}


def test_a_wrong_value_leaves_the_default() -> None:
    found = read({"alice": {"notebook_volume_size_in_gb": "big", "notebook_idle": 60}})
    assert found.problems == [Problem("alice", "notebook_volume_size_in_gb is big; it must be a whole number")]
    assert found.wishes["alice"].instance == {**OWNER_DEFAULTS, "notebook_idle": "60"}


@pytest.mark.parametrize("kind", ["owner", "viewer"])
@pytest.mark.parametrize(
    ("default", "says"),
    [
        ({"notebook_volume_size_in_gb": "big"}, "notebook_volume_size_in_gb is big; it must be a whole number"),
        (
            {"notebook_volume_size": 20},
            "notebook_volume_size is not a variable of a person; did you mean notebook_volume_size_in_gb?",
        ),
        ({"instance_type": "x"}, "instance_type is not a variable of a person; did you mean notebook_instance_type?"),
        ({"gpu": True}, "gpu is not a variable of a person; the README lists them"),
        ({5: "x"}, "5 is not a variable of a person; the README lists them"),
    ],
    ids=str,
)
def test_mistakes_in_the_defaults_are_the_fleets(kind: str, default: Variables, says: str) -> None:
    defaults: dict[str, Any] = {f"{kind}_defaults": default}
    found = read({"alice": {}}, **defaults)
    assert found.problems == [Problem("fleet", f"notebook_fleet_{kind}_defaults: {says}")]


@pytest.mark.parametrize(
    ("idle", "is_right"),
    [
        (7200, True), ("7200", True), (0, True), ("never", True), ("", True),
        ("2h", False), (-1, False), (1.5, False), ("Never", False), ("60 ", False), ("\u0667", False),
    ],
)  # fmt: skip
def test_idle_is_seconds_or_never(idle: Any, is_right: bool) -> None:
    said = problems({"notebook_idle": idle})
    if is_right:
        assert said == []
    else:
        shown = repr(idle) if idle == "60 " else idle
        assert said == [f"notebook_idle is {shown}; it must be a number of seconds, 0 or never, for example 7200"]


# Limits of restricted groups

TEAMS = {
    "research": {},
    "interns": {"limits": {"instance_types": ["ml.t3.medium", "ml.t3.large"], "volume_size_in_gb": 20}},
}


def test_a_restricted_group_has_no_root_access() -> None:
    with_root = {"notebook_root_access": True}
    (heidi,) = wishes({"heidi": {}}, team="interns", teams=TEAMS, owner_defaults=with_root)
    (alice,) = wishes({"alice": {}}, teams=TEAMS, owner_defaults=with_root)
    assert heidi.instance["notebook_root_access"] is False
    assert alice.instance["notebook_root_access"] is True


def test_a_person_has_root_access_if_the_inventory_gives_it() -> None:
    alice, bob = wishes({"alice": {}, "bob": {"notebook_root_access": True}})
    assert (alice.instance["notebook_root_access"], bob.instance["notebook_root_access"]) == (False, True)


def test_a_team_with_nothing_after_its_name_reads_nothing() -> None:
    limits: Variables = {"limits": {"instance_types": []}}
    assert teams_of({"teams": {"research": None, 2024: limits, "x": "y"}}) == {"research": {}, "2024": limits, "x": {}}


# Lifecycle configurations


def settings(**more: Any) -> dict[str, Any]:
    return {**host_defaults(), "notebook_host_efs_dns_name": "fs-1.efs", **more}


def needed(made: Collection[Wishes], mounts: Mapping[str, Variables] | None = None) -> list[Config]:
    return list(configs(made, "datalab", {"notebook_host_efs_dns_name": "fs-1.efs"}, mounts or {}).values())


def test_everybody_shares_one_configuration() -> None:
    assert needed(wishes({"alice": {}, "bob": {}})) == [Config("datalab", ("alice", "bob"), settings())]


def test_one_configuration_for_each_label() -> None:
    quant = {**LABEL, "notebook_host_idle_timeout": 60}
    viewers = settings(notebook_host_steps=["efs", "jupyter", "viewer"], notebook_host_efs_read_only=True)
    assert needed(wishes({"alice": quant, "bob": {}, "carol": quant}, {"viewer": {}})) == [
        Config("datalab-quant", ("alice", "carol"), settings(notebook_host_idle_timeout=60)),
        Config("datalab", ("bob",), settings()),
        Config("datalab-viewer", ("viewer",), viewers),
    ]


def test_an_empty_label_is_the_standard_configuration() -> None:
    (config,) = needed(wishes({"alice": {"notebook_lifecycle_config": ""}}))
    assert config.name == "datalab"


def test_a_file_system_named_for_a_person_is_theirs() -> None:
    (config,) = needed(wishes({"alice": {"notebook_host_efs_dns_name": "fs-2.efs"}}))
    assert config.settings == settings(notebook_host_efs_dns_name="fs-2.efs")


def test_a_person_with_another_mount_has_an_own_configuration() -> None:
    mounts = {name: {"notebook_host_efs_access_point": f"fsap-{name}"} for name in ("alice", "b.ob")}
    assert needed(wishes({"alice": {}, "b.ob": LABEL, "carol": {}}), mounts) == [
        Config("datalab-alice", ("alice",), settings(notebook_host_efs_access_point="fsap-alice")),
        Config("datalab-quant-b-ob", ("b.ob",), settings(notebook_host_efs_access_point="fsap-b.ob")),
        Config("datalab", ("carol",), settings()),
    ]


# People who share a configuration


def differing(person: str, has: int, other: str, others: int, config: str = "datalab") -> Problem:
    return Problem(
        person,
        f"notebook_host_idle_timeout is {has}, but {other}, who has the same lifecycle configuration {config}, has "
        f"{others}; give one of them another, for example notebook_lifecycle_config: {person}",
    )


SHORT = {"notebook_host_idle_timeout": 60}
LONG = {"notebook_host_idle_timeout": 3600}  # the default


@pytest.mark.parametrize("people", [["alice", "bob"], ["alice"], ["bob"]], ids=str)
@pytest.mark.parametrize(
    ("label", "config"), [({}, "datalab"), (LABEL, "datalab-quant")], ids=["the standard one", "a label"]
)
def test_people_who_share_a_configuration_must_agree(people: list[str], label: Variables, config: str) -> None:
    everybody = read({"alice": label, "bob": {**label, **SHORT}}).wishes
    assert list(sharing_problems(everybody, people, "datalab")) == [differing("bob", 60, "alice", 3600, config)]


def test_viewers_have_to_agree_too() -> None:
    everybody = read({"alice": {}}, {"viewer": {}}, viewer_defaults={"notebook_host_idle_timeout": 0}).wishes
    assert list(sharing_problems(everybody, ["alice"], "datalab")) == [differing("viewer", 0, "alice", 3600)]


@pytest.mark.parametrize(
    ("alice", "bob", "carol"),
    [
        ({}, LONG, {}),
        ({}, LABEL, {**LABEL, **SHORT}),
        ({}, {**LABEL, **SHORT}, {"notebook_lifecycle_config": "other", "notebook_host_idle_timeout": 5}),
    ],
    ids=["they agree", "others do not", "each has another"],
)
def test_others_need_not_agree(alice: Variables, bob: Variables, carol: Variables) -> None:
    everybody = read({"alice": alice, "bob": bob, "carol": carol}).wishes
    assert list(sharing_problems(everybody, ["alice"], "datalab")) == []


def test_each_who_differs_and_each_variable_is_told() -> None:
    everybody = read({"alice": {}, "bob": SHORT, "carol": {**SHORT, "notebook_host_steps": []}}).wishes
    found = list(sharing_problems(everybody, everybody, "datalab"))
    assert [(problem.about, problem.text.split()[0]) for problem in found] == [
        ("bob", "notebook_host_idle_timeout"),
        ("carol", "notebook_host_steps"),
        ("carol", "notebook_host_idle_timeout"),
    ]


# Configurations with a person's own mount

SMITHS = ("alice.smith", "alice-smith")


@pytest.mark.parametrize(
    ("people", "viewers", "sharers", "config"),
    [
        ({"alice.smith": {"notebook_name": "x"}, "alice-smith": {}}, {}, SMITHS, "datalab-alice-smith"),
        ({"quant-bob": {}, "bob": LABEL}, {}, ("quant-bob", "bob"), "datalab-quant-bob"),
        ({"viewer": {}}, {"screen": {}}, ("viewer", "screen"), "datalab-viewer"),
        ({"alice": {}, "Alice": {"notebook_name": "x"}}, {}, ("alice", "Alice"), "datalab-alice"),
    ],
    ids=["two names that are one", "a label and a name", "a person called viewer", "capitals"],
)
def test_no_one_else_has_the_configuration_with_a_persons_own_mount(
    people: Mapping[str, Variables], viewers: Mapping[str, Variables], sharers: tuple[str, str], config: str
) -> None:
    everybody = read(people, viewers).wishes
    mounts: dict[str, Variables] = {name: {} for name in people}
    text = f"the lifecycle configurations of {sharers[0]} and {sharers[1]} would both be called {config}"
    problem = f"{text}; set another notebook_lifecycle_config"
    found = list(own_config_problems(everybody, everybody, "datalab", mounts))
    assert found == [Problem(name, problem) for name in sharers]
    assert list(own_config_problems(everybody, sharers[:1], "datalab", mounts)) == found[:1]
    assert list(own_config_problems(everybody, everybody, "datalab", {})) == []


def test_a_label_keeps_configurations_apart() -> None:
    everybody = read({"alice.smith": {"notebook_name": "x", **LABEL}, "alice-smith": {}}).wishes
    mounts: dict[str, Variables] = {name: {} for name in everybody}
    assert list(own_config_problems(everybody, everybody, "datalab", mounts)) == []
