# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The people of an inventory, and mistakes in its groups."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.datalab.notebooks.plugins.plugin_utils.problems import Problem
from ansible_collections.datalab.notebooks.plugins.plugin_utils.roster import (
    Inventory,
    Person,
    Roster,
    read_roster,
    with_leaver,
)
from ansible_collections.datalab.notebooks.tests.unit.plugins.inventories import inventory


def read(source: Inventory, **more: Any) -> Roster:
    return read_roster(source, **{"prefix": "datalab", "owners_group": "owners", "viewers_group": "viewers", **more})


def problems(source: Inventory, **more: Any) -> list[Problem]:
    return list(read(source, **more).problems)


def test_a_team_is_a_group_below_owners() -> None:
    roster = read(inventory(viewers=["viewer"]))
    assert roster.people == {
        "alice": Person("alice", "research", False, "datalab-alice"),
        "bob": Person("bob", "research", False, "datalab-bob"),
        "erin": Person("erin", "fraud", False, "datalab-erin"),
        "viewer": Person("viewer", "", True, "datalab-viewer"),
    }
    assert roster.problems == ()
    assert [person.name for person in roster.owners] == ["alice", "bob", "erin"]
    assert [person.name for person in roster.viewers] == ["viewer"]


def test_a_persons_variables_win_over_the_groups() -> None:
    said = {"alice": {"notebook_team": 2024, "notebook_name": "experiment"}}
    alice = read(inventory(variables=said)).people["alice"]
    assert (alice.team, alice.instance) == ("2024", "experiment")


CASES: dict[str, tuple[Inventory, str, str]] = {
    "a team beside owners": (
        inventory(beside={"risk": ["ivan"]}, variables={"ivan": {"notebook_team": "risk"}}),
        "ivan",
        "has notebook_team, but is below neither owners nor viewers (it is in risk)",
    ),
    "a person in two teams": (
        inventory({"research": ["alice"], "fraud": ["alice"]}),
        "alice",
        "is in 2 teams, research and fraud",
    ),
    "no hosts in owners": (
        inventory({}, viewers=["viewer"]),
        "inventory",
        "the group owners has no hosts; people are hosts of teams, which are groups below it",
    ),
    "an empty file": (
        Inventory({"all": [], "ungrouped": []}, {}, {}, {}, {}),
        "inventory",
        "it has no people: there is no group owners",
    ),
    "variables of no host or group": (
        inventory(orphans=[("host_vars", "alise.yml")]),
        "inventory",
        "host_vars/alise.yml is for no host of the inventory; did you mean alice?",
    ),
    "variables of no group": (
        inventory(orphans=[("group_vars", "reserch")]),
        "inventory",
        "group_vars/reserch is for no group of the inventory; did you mean research?",
    ),
    "owner and viewer": (
        inventory(viewers=["alice"]),
        "alice",
        "is in owners and in viewers; it must be in one of them",
    ),
    "owner and stand-in": (
        inventory(beside={"stand_ins": ["alice"]}),
        "alice",
        "is in owners and in stand_ins; it must be in one of them",
    ),
    "viewer and stand-in": (
        inventory(viewers=["viewer"], beside={"stand_ins": ["viewer"]}),
        "viewer",
        "is in viewers and in stand_ins; it must be in one of them",
    ),
    "one name for two": (
        inventory({"research": ["alice.smith", "alice-smith"]}),
        "alice-smith",
        "the instances of alice.smith and alice-smith would both be called datalab-alice-smith",
    ),
    "one name but for capitals": (
        inventory(variables={"bob": {"notebook_name": "Datalab-Alice"}}),
        "bob",
        "the instances of alice and bob would both be called Datalab-Alice",
    ),
    "no name at all": (
        inventory({"research": ["李雷"]}),
        "李雷",
        "has no letter or digit that AWS takes in a name; set notebook_name",
    ),
}


def test_the_group_of_a_team_is_known_where_it_says_nothing_of_people() -> None:
    beside = {"fraud": ["erin"], "web": ["www-1"]}
    (problem,) = problems(inventory({"research": ["alice"]}, beside=beside), teams=["research", "fraud"])
    text = "is in the team fraud, but is below neither owners nor viewers; put its group into owners: children"
    assert (problem.about, problem.text) == ("erin", text)


def test_where_ansible_could_read_no_hosts_files_of_none_are_not_told() -> None:
    orphans = [("host_vars", "alice.yml"), ("group_vars", "research.yml")]
    (problem,) = problems(Inventory({"all": [], "owners": []}, {}, {}, {}, {}, orphans=orphans))
    assert problem.text.startswith("the group owners has no hosts; ")


@pytest.mark.parametrize("case", CASES)
def test_mistakes_are_reported(case: str) -> None:
    source, about, says = CASES[case]
    found = problems(source)
    assert [problem for problem in found if problem.about == about and says in problem.text], found
    assert {problem.text for problem in found if says not in problem.text} == set()


def test_viewers_may_be_alone_where_no_group_is_for_owners() -> None:
    assert problems(Inventory({"all": ["viewer"], "viewers": ["viewer"]}, {}, {"viewer": {}}, {}, {})) == []


def test_both_who_would_share_a_name_hear_of_it() -> None:
    found = problems(inventory({"research": ["alice.smith", "alice-smith"]}))
    assert {problem.about for problem in found} == {"alice.smith", "alice-smith"}


ALICES = "the instance of that name is datalab-alice-smith, which the inventory gives to alice-smith"
LEAVERS = {
    "alice.smith": f"{ALICES}; if that person leaves, use -l alice-smith",
    "Alice Smith": f"{ALICES}; if that person leaves, use -l alice-smith",
    "experiment": "the instance of that name is Datalab-Experiment, which the inventory gives to bob",
    "李雷": "has no letter or digit that AWS takes in a name; put the person back into the inventory",
    "zoe": "",
}


@pytest.mark.parametrize("name", LEAVERS)
def test_a_person_who_has_left_takes_no_instance_of_those_who_have_not(name: str) -> None:
    source = inventory({"research": ["alice-smith", "bob"]}, variables={"bob": {"notebook_name": "Datalab-Experiment"}})
    roster = with_leaver(read(source), name, "datalab")
    found = [problem for problem in roster.problems if problem.about == name]
    assert [problem.text[: len(LEAVERS[name])] for problem in found] == [LEAVERS[name]] * bool(LEAVERS[name])


@pytest.mark.parametrize("name", ["李雷", "!!"])
@pytest.mark.parametrize(("prefix", "said"), [("datalab", {}), ("data.lab", {}), ("datalab", {"notebook_name": ""})])
def test_a_name_of_which_nothing_is_left_is_refused(name: str, prefix: str, said: dict[str, Any]) -> None:
    source = inventory({"research": [name]}, variables={name: said})
    roster = read(source, prefix=prefix)
    assert [problem.text for problem in roster.problems] == [
        "has no letter or digit that AWS takes in a name; set notebook_name"
    ]


def test_the_prefix_may_be_a_name_that_is_said() -> None:
    assert problems(inventory({"research": ["alice"]}, variables={"alice": {"notebook_name": "datalab"}})) == []


@given(
    st.lists(st.text("aA.-_ é1", min_size=1, max_size=4), min_size=1, max_size=5, unique=True),
    st.dictionaries(st.integers(0, 4), st.sampled_from(["datalab-a", "Datalab-A-1", "x"])),
)
def test_no_two_people_have_one_instance(names: list[str], said: dict[int, str]) -> None:
    variables = {names[number]: {"notebook_name": name} for number, name in said.items() if number < len(names)}
    source = inventory({"research": names}, variables=variables)
    roster = read(source)
    instances = [person.instance.casefold() for person in roster.people.values()]
    shared = {person.name for person in roster.people.values() if instances.count(person.instance.casefold()) > 1}
    assert {problem.about for problem in roster.problems if "would both be called" in problem.text} == shared


@pytest.mark.parametrize(
    ("variables", "teams", "says"),
    [
        ({"bob": {"notebook_team": "reserch"}}, ["research", "fraud"], "did you mean research?"),
        ({"bob": {"notebook_team": "ops"}}, ["research", "fraud"], "it has research, fraud"),
    ],
)
def test_a_team_has_to_be_one_of_the_platforms(variables: dict[str, Any], teams: list[str], says: str) -> None:
    (problem,) = problems(inventory(variables=variables), teams=teams)
    assert problem.about == "bob"
    assert "which is not in platform_access_teams" in problem.text
    assert says in problem.text


@pytest.mark.parametrize("team", ["platform", "PLATFORM"])
def test_nobody_is_in_the_team_of_viewers(team: str) -> None:
    (problem,) = problems(inventory(variables={"bob": {"notebook_team": team}}))
    assert problem.about == "bob"
    assert problem.text.startswith(f"notebook_team is {team}, which is the team of viewers")


def test_without_a_team_the_remedy_is_told() -> None:
    source = inventory()
    nobodys = Inventory(source.groups, {}, source.hosts, {}, {})
    assert "notebook_team is not set; put the host into the group of a team below owners" in problems(nobodys)[0].text


def test_a_stand_in_is_no_person() -> None:
    source = inventory(beside={"stand_ins": ["lab"]}, variables={"lab": {"notebook_host_steps": []}})
    assert problems(source) == []
    assert list(read(source).people) == ["alice", "bob", "erin"]


def test_other_hosts_are_not_ours() -> None:
    source = inventory(
        beside={"servers": ["web"]},
        variables={"web": {"http_port": 80, "notebook_tags": {}}},
        common={"notebook_tags": {}},
    )
    assert problems(source) == []
