# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All mistakes of an inventory, in one message, before any call to AWS."""

from __future__ import annotations

import hashlib
import pkgutil
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils import preflight as stations
from ansible_collections.datalab.notebooks.plugins.plugin_utils import variables
from ansible_collections.datalab.notebooks.plugins.plugin_utils.preflight import (
    ALL,
    SOME_BUCKET,
    Wanted,
    access_context,
    owners_of,
    preflight,
    tool_keys,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.problems import Problem, problems_message
from ansible_collections.datalab.notebooks.plugins.plugin_utils.roster import Inventory
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts import lint
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.tools import AUTOSTOP, CONDA, DELIVER
from ansible_collections.datalab.notebooks.plugins.plugin_utils.variables import person_options, platform_options
from ansible_collections.datalab.notebooks.tests.unit.module_utils.test_credentials import SECRETS
from ansible_collections.datalab.notebooks.tests.unit.plugins.inventories import inventory, told, wanted

Variables = Mapping[str, Any]
Rule = Callable[[Wanted], Iterable[str]]

TWO = {"research": ["alice", "bob"]}
ISOLATED = {"platform_storage_isolation": "access_point"}


@pytest.fixture(autouse=True)
def rules(monkeypatch: pytest.MonkeyPatch) -> dict[str, Rule]:
    """The rules of fleet, and those that a test adds; the rules of other sections have tests of their own."""
    made = {"fleet": stations.CHECKS["fleet"]}
    monkeypatch.setattr(stations, "CHECKS", made)
    return made


def same_for(people: Collection[str], variables: Variables) -> dict[str, Variables]:
    """Return the same variables for each of these people."""
    return dict.fromkeys(people, variables)


# One message


def test_four_mistakes_are_four_lines_of_one_message() -> None:
    source = inventory(
        {"research": ["alice", "bob"], "fraud": ["bob", "erin"]},
        variables={"alice": {"notebook_instance_type": "m5.xlarge"}},
        common={"notebook_fleet_prefx": "lab"},
        shared={"platform_network_subnets": [{"cidr": "10.42.0.0/24", "zone": "a"}, {"cidr": "10.42.1.0/24"}]},
    )
    found, problems = preflight(source, ALL)
    first, *lines = problems_message(problems, people=found.people).splitlines()
    assert first == "4 problems in the inventory; nothing was changed:"
    about = {line.split()[0]: line for line in lines}
    assert list(about) == ["network", "bob", "everybody", "alice"]
    assert "platform_network_subnets[1]: zone is missing: " in about["network"]
    assert "is in 2 teams, research and fraud; a person has one, so leave one group" in about["bob"]
    assert "notebook_fleet_prefx is not a variable" in about["everybody"]
    assert "did you mean notebook_fleet_prefix?" in about["everybody"]
    assert "notebook_instance_type: 'm5.xlarge'" in about["alice"]
    assert "did you mean ml.m5.xlarge?" in about["alice"]


def test_an_inventory_without_mistakes() -> None:
    found, problems = preflight(inventory(viewers=["viewer"]), ["fleet"])
    assert problems == []
    assert found.people == tuple(found.roster.people) == tuple(found.wishes) == ("alice", "bob", "erin", "viewer")
    assert set(found.settings) == set(ALL)
    assert found.prefix == "datalab"
    assert owners_of(found) == [
        {"name": "alice", "team": "research", "instance": "datalab-alice", "lifecycle_config": "datalab"},
        {"name": "bob", "team": "research", "instance": "datalab-bob", "lifecycle_config": "datalab"},
        {"name": "erin", "team": "fraud", "instance": "datalab-erin", "lifecycle_config": "datalab"},
    ]


LONG = "\n".join(f"echo {hashlib.sha256(bytes([number])).hexdigest()}" for number in range(255))

CASES: dict[str, tuple[Variables, str]] = {
    "a value of the wrong type": (
        {"notebook_volume_size_in_gb": "big"},
        "notebook_volume_size_in_gb is big; it must be a whole number",
    ),
    "a variable that there is not": (
        {"notebook_volume": 1},
        "notebook_volume is not a variable of datalab.notebooks; did you mean notebook_volume_size_in_gb?",
    ),
    "what a host's rule refuses": (
        {"notebook_host_idle_timeout": -5},
        "notebook_host_idle_timeout is -5; it must be a number of seconds, for example 3600, or 0 for never",
    ),
    "bash that is none": (
        {"notebook_host_steps": ["mine"], "notebook_host_extra_steps": {"mine": "if true; then"}},
        "notebook_host_extra_steps, notebook_host_stop_command: bash cannot read on-start.sh with them: ",
    ),
    "what stops a stand-in": (
        {"notebook_host_stop_command": "sudo shutdown -h now"},
        "notebook_host_stop_command is sudo shutdown -h now, but an instance is stopped by the API of AWS; it must be",
    ),
    "a script that is too long": (
        {"notebook_host_steps": ["mine"], "notebook_host_extra_steps": {"mine": LONG}},
        "notebook_host_steps makes on-start.sh ",
    ),
    "keys of several types": (
        {"notebook_host_git_config": {"http.proxy": "x", 5: "y"}},
        "notebook_host_git_config: 5 is not a name; it must have a section and a key, for example http.proxy",
    ),
    "what AWS would not take": ({"notebook_kms_key_id": "a b!"}, "notebook_kms_key_id: "),
    "a tag that is AWS's": ({"notebook_tags": {"aws:x": "y"}}, "notebook_tags: "),
    "a name that is too long": ({"notebook_name": "x" * 64}, "notebook_name: "),
    "a configuration's name": (
        {"notebook_lifecycle_config": "a b"},
        "notebook_lifecycle_config makes the name datalab-a b: ",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_mistakes_of_a_person(case: str) -> None:
    said_by, says = CASES[case]
    source = inventory(variables={"alice": {"notebook_lifecycle_config": "own", **said_by}})
    (problem,) = told(source)
    assert problem.startswith(f"alice: {says}")
    assert told(source, sections=["network"]) == ([problem] if "is not a variable" in says else [])


def test_the_name_of_a_host_is_told_as_such() -> None:
    (problem,) = told(inventory({"research": ["alice, bob"]}))
    assert problem.startswith(
        "alice, bob: the host's name, which becomes the tag owner, is 'alice, bob'; it must consist"
    )


STAND_IN = ["a value of the wrong type", "a variable that there is not", "what a host's rule refuses"]
STAND_IN += ["bash that is none", "a script that is too long", "keys of several types"]
EVERYTHING = [*ALL, "stand_ins"]


@pytest.mark.parametrize("case", STAND_IN)
def test_mistakes_of_a_stand_in(case: str) -> None:
    said, says = CASES[case]
    source = inventory(beside={"stand_ins": ["lab", "other"]}, variables={"lab": said})
    (problem,) = told(source, sections=["stand_ins"])
    assert problem.startswith(f"lab: {says}")
    assert told(source, sections=EVERYTHING) == told(source, "lab", sections=EVERYTHING) == [problem]
    assert told(source, "other", sections=["stand_ins"]) == told(source, "alice", sections=EVERYTHING) == []
    assert told(source) == []


def test_templates_of_a_stand_in_that_do_not_work_are_told() -> None:
    problem = Problem("lab", "notebook_host_strict: its template does not work")
    source = inventory(beside={"stand_ins": ["lab"]}, unreadable=[problem])
    assert told(source, sections=["stand_ins"]) == [f"lab: {problem.text}"]
    assert told(source) == []


def test_a_run_for_stand_ins_is_not_about_people() -> None:
    source = inventory(beside={"stand_ins": ["lab"]}, variables={"alice": {"notebook_idle": "soon", "notebook_x": 1}})
    found, problems = preflight(source, ["stand_ins"], ["lab"])
    assert (found.people, found.stand_ins, problems) == ((), ("lab",), [])


def test_a_mistake_of_everybody_is_one_line_for_stand_ins_too() -> None:
    source = inventory(beside={"stand_ins": ["lab"]}, common={"notebook_host_strict": "perhaps"})
    _wanted, problems = preflight(source, EVERYTHING)
    assert problems_message(problems, people=["alice", "bob", "erin"]).splitlines()[1:] == [
        "  everybody  notebook_host_strict is perhaps; it must be true or false"
    ]


@pytest.mark.parametrize(("hosts", "outsiders"), [(["alice", "lab"], []), (["lab"], ["lab"]), (["lab", "web"], None)])
def test_a_run_for_people_passes_stand_ins_by(hosts: list[str], outsiders: list[str] | None) -> None:
    source = inventory(beside={"stand_ins": ["lab"], "servers": ["web"]})
    text = "is below neither owners nor viewers, so it has no instance"
    assert told(source, *hosts) == [f"{name}: {text}" for name in (hosts if outsiders is None else outsiders)]


def test_a_shared_mistake_is_reported_once() -> None:
    source = inventory(TWO, variables=same_for(["alice", "bob"], {"notebook_host_idle_timeout": -5}))
    found, problems = preflight(source, ["fleet"])
    (line,) = problems_message(problems, people=found.people).splitlines()[1:]
    assert line.startswith("  everybody  notebook_host_idle_timeout is -5; ")


def test_two_instances_of_one_name_are_told_once() -> None:
    found, problems = preflight(inventory({"research": ["alice.b", "alice-b"]}), ["fleet"])
    (line,) = problems_message(problems, people=found.people).splitlines()[1:]
    assert "the instances of alice.b and alice-b would both be called datalab-alice-b" in line


@pytest.mark.parametrize("section", ["network", "storage", "access"])
def test_a_section_is_checked_if_it_takes_part(section: str, rules: dict[str, Rule]) -> None:
    rules[section] = lambda wanted: [f"{wanted.prefix} breaks a rule"]
    shared = {f"platform_{section}_tags": "none"}
    text = f"platform_{section}_tags is none; it must be a dictionary, for example {{key: value}}"
    source = inventory(shared=shared)
    assert told(source, sections=["fleet"]) == []
    assert told(source, sections=[section]) == [f"{section}: {text}", f"{section}: datalab breaks a rule"]


FLEET: list[tuple[str, Any, str]] = [
    ("prefix", "data_lab", "it must consist of letters, digits and hyphens between them, for example datalab"),
    ("prefix", "-lab", "it must consist of letters, digits and hyphens between them, for example datalab"),
    ("prefix", "", "it must consist of letters, digits and hyphens between them, for example datalab"),
    ("upgrade_batch", 0, "it must be at least 1"),
    ("wait_timeout", -1, "it must be at least 0"),
    ("max_requests_per_second", 0.0, "it must be more than 0, for example 30"),
]


@pytest.mark.parametrize(("setting", "value", "rule"), FLEET)
def test_mistakes_in_the_settings_of_the_fleet(setting: str, value: Any, rule: str) -> None:
    shown = "''" if value == "" else value
    said = told(inventory(shared={f"notebook_fleet_{setting}": value}))
    assert said == [f"fleet: notebook_fleet_{setting} is {shown}; {rule}"]


@pytest.mark.parametrize(("setting", "value"), [("prefix", "d"), ("prefix", "Data-Lab--2"), ("wait_timeout", 0)])
def test_valid_settings_of_the_fleet(setting: str, value: Any) -> None:
    assert told(inventory(shared={f"notebook_fleet_{setting}": value})) == []


@pytest.mark.parametrize(
    ("storage", "bucket"),
    [
        ({}, "datalab-results-000000000000-eu-central-1"),
        ({"platform_storage_efs_name": "lab"}, "lab-results-000000000000-eu-central-1"),
        ({"platform_storage_results_bucket": "ours"}, "ours"),
    ],
    ids=str,
)
def test_rights_are_made_from_people_and_a_bucket(storage: Variables, bucket: str) -> None:
    found = wanted(inventory({"fraud": ["erin"]}, viewers=["viewer"], shared=storage))
    assert access_context(found) == {
        "people": owners_of(found),
        "viewers": {"viewer": "datalab-viewer"},
        "instance_prefix": "datalab",
        "results_bucket": bucket,
        "tools_bucket": bucket.replace("results", "tools") if bucket != "ours" else SOME_BUCKET,
        "results_key": "",
        "has_own_configs": False,
        "file_system": "",
    }


MIRROR = {"notebook_host_tools_url": "s3://mirror"}
MINE = {"notebook_host_tools": [__file__]}
OURS = [CONDA, AUTOSTOP, DELIVER]
OF_ALL = {"notebook_fleet_owner_defaults": MIRROR}


@pytest.mark.parametrize(
    ("of_alice", "shared", "bucket", "hers", "others"),
    [
        ({}, {}, SOME_BUCKET, OURS, OURS),
        (MINE, {}, SOME_BUCKET, [__file__, *OURS], OURS),
        ({}, {"platform_storage_tools_bucket": "ours"}, "ours", OURS, OURS),
        ({**MINE, **MIRROR}, {}, SOME_BUCKET, [], OURS),
        ({**MINE, "notebook_host_tools_url": ""}, OF_ALL, SOME_BUCKET, [__file__, *OURS], []),
        (MINE, OF_ALL, None, [], []),
    ],
)
def test_rights_are_made_for_the_tools_of_anybody(
    of_alice: Variables, shared: Variables, bucket: str | None, hers: list[str], others: list[str]
) -> None:
    alice = {**of_alice, "notebook_lifecycle_config": "own"}
    found = wanted(inventory(variables={"alice": alice}, shared=shared), "erin")
    assert access_context(found).get("tools_bucket") == bucket
    assert list(tool_keys(found)) == others
    mine = tool_keys(wanted(inventory(variables={"alice": alice}, shared=shared), "alice"))
    assert list(mine) == hers
    assert [key.split("/")[1] for key in mine.values()] == [Path(src).name for src in mine]


@pytest.mark.parametrize(("sections", "fits"), [(ALL, True), (["fleet"], False)], ids=str)
def test_a_script_is_shorter_where_the_platform_has_a_bucket(sections: Collection[str], fits: bool) -> None:
    step = "echo " + "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(100))
    steps = {"notebook_host_steps": ["tools", "conda", "autostop", "x"], "notebook_host_extra_steps": {"x": step}}
    said = told(inventory({"fraud": ["erin"]}, variables={"erin": steps}), sections=sections)
    assert ["characters long in base64" in text for text in said] == ([] if fits else [True])


def test_state_that_could_not_be_had_is_told_before_anything_is_changed() -> None:
    on = {"notebook_host_save_state": True}
    mirror = {**on, "notebook_host_tools_url": "https://mirror.example"}
    refused = "notebook_host_save_state is true, but its package is too large for a script"
    source = inventory({"fraud": ["erin"]}, beside={"stand_ins": ["lab"]}, common=on)
    assert told(source, sections=ALL) == []
    (erin,) = told(source, sections=["fleet"])
    (lab,) = told(source, sections=["stand_ins"])
    assert (erin.startswith(f"erin: {refused}"), lab.startswith(f"lab: {refused}")) == (True, True)
    assert preflight(source, ["fleet"], removal=True)[1] == []
    source = inventory({"fraud": ["erin"]}, beside={"stand_ins": ["lab"]}, common=mirror)
    assert told(source, sections=["fleet", "stand_ins"]) == []
    assert tool_keys(wanted(source)) == {}


@pytest.mark.parametrize("sections", [["storage"], ["fleet"], ALL], ids=str)
def test_a_tool_that_is_not_there_is_told_once(sections: Collection[str]) -> None:
    for tool, reason in (("/no/x.py", "no such file or directory"), ("x.py", "; it must be the absolute path")):
        source = inventory(TWO, variables={"bob": {"notebook_host_tools": [tool], "notebook_lifecycle_config": "b"}})
        (problem,) = told(source, sections=sections)
        assert problem.startswith(f"bob: notebook_host_tools[0] is {tool}")
        assert reason in problem
        assert told(source, "alice", sections=sections) == []


def test_rights_are_made_from_what_instances_are_started_with() -> None:
    role = "arn:aws:iam::123456789012:role/gpu"
    alice = {"notebook_subnet_id": "subnet-0a", "notebook_security_group_ids": ["sg-0a"], "notebook_role_arn": role}
    bob = {"notebook_kms_key_id": "alias/x", "notebook_lifecycle_config": "gpu", "notebook_name": "special"}
    fleet = {"notebook_fleet_subnet_id": "subnet-0f", "notebook_fleet_security_group_ids": ["sg-0f"]}
    apart = {"platform_storage_isolation": "file_system", "platform_storage_results_kms_key_id": "alias/results"}
    found = wanted(inventory(TWO, variables={"alice": alice, "bob": bob}, shared=fleet | apart))
    made = access_context(found)
    assert (made["results_key"], made["has_own_configs"]) == ("alias/results", True)
    (of_alice, of_bob) = made["people"]
    same = {"team": "research"}
    assert of_alice == same | {
        "name": "alice", "instance": "datalab-alice", "lifecycle_config": "datalab", "subnet_id": "subnet-0a",
        "security_group_ids": ["sg-0a"], "role_arn": role,
    }  # fmt: skip
    assert of_bob == same | {
        "name": "bob", "instance": "special", "lifecycle_config": "datalab-gpu", "subnet_id": "subnet-0f",
        "security_group_ids": ["sg-0f"], "kms_key_id": "alias/x",
    }  # fmt: skip


def test_rights_on_the_file_system_that_is_mounted_with_iam() -> None:
    storage = {"platform_storage_iam": True, "platform_storage_efs_name": "lab"}
    assert access_context(wanted(inventory({"fraud": ["erin"]}, shared=storage)))["file_system"] == "lab"


# Secrets


@pytest.mark.parametrize("text", [text for texts in SECRETS.values() for text in texts])
def test_no_message_shows_a_secret_whatever_has_it(text: str) -> None:
    said = dict.fromkeys(person_options(), text)
    shared = dict.fromkeys(platform_options(), text)
    unreadable = [Problem("alice", f"notebook_x: its template does not work: {text}")]
    source = inventory(TWO, variables=same_for(["alice", "bob"], said), shared=shared, unreadable=unreadable)
    found, problems = preflight(source, ALL)
    message = problems_message(problems, people=found.people)
    assert message.count("it must have none: all who use an instance") >= len(said) + len(shared)
    assert "s3cret" not in message
    assert text not in message


# The people of a run


@pytest.mark.parametrize(
    ("hosts", "is_limited", "people"),
    [
        ([], False, ["alice", "bob", "erin"]),
        (["localhost"], False, ["alice", "bob", "erin"]),
        (["erin", "alice"], False, ["erin", "alice"]),
        (["erin", "alice"], True, ["erin", "alice"]),
        ([], True, []),
    ],
    ids=str,
)
def test_a_run_is_about_the_people_of_its_play(hosts: list[str], is_limited: bool, people: list[str]) -> None:
    found, problems = preflight(inventory(), ["fleet"], hosts, is_limited=is_limited)
    assert problems == []
    assert list(found.people) == people
    assert list(found.roster.people) == ["alice", "bob", "erin"]


def test_a_limit_to_a_host_that_is_no_person() -> None:
    source = inventory(beside={"servers": ["web"]})
    text = "web: is below neither owners nor viewers, so it has no instance"
    assert told(source, "alice", "web") == [text]
    assert told(source, "web", sections=["network"]) == []
    assert told(source) == []


MISTAKES = {
    "bob": {"notebook_volume_size_in_gb": "big", "notebook_x_y_z": 1, "platform_aws": {}, "idle": 5},
    "erin": {"notebook_host_idle_timeout": -1, "notebook_lifecycle_config": "own", "notebook_team": ""},
}


def test_other_peoples_mistakes_are_not_told_under_a_limit() -> None:
    source = inventory(variables=MISTAKES)
    assert told(source, "alice") == []
    assert {each.split(":")[0] for each in told(source, "bob")} == {"bob"}
    assert {each.split(":")[0] for each in told(source)} == {"bob", "erin"}
    assert len(told(source)) == 5


ONE_NAME: dict[str, tuple[Inventory, str]] = {
    "two that AWS takes for one": (inventory({"research": ["alice.smith", "alice-smith"]}), "alice.smith"),
    "that of another": (inventory(TWO, variables={"bob": {"notebook_name": "datalab-alice"}}), "bob"),
    "its own, which another says": (inventory(TWO, variables={"bob": {"notebook_name": "datalab-alice"}}), "alice"),
    "one for all, with -e": (inventory(TWO, common={"notebook_name": "datalab-alice"}), "bob"),
    "that of a viewer": (inventory(TWO, viewers=["v"], variables={"v": {"notebook_name": "datalab-bob"}}), "bob"),
}


@pytest.mark.parametrize("case", ONE_NAME)
def test_names_are_compared_with_those_of_people_who_are_not_in_the_run(case: str) -> None:
    source, person = ONE_NAME[case]
    (problem,) = told(source, person)
    assert problem.startswith(f"{person}: the instances of ")
    assert "; set another notebook_name" in problem


def test_no_two_people_have_a_configuration_with_the_mount_of_one() -> None:
    said_by = {"alice.smith": {"notebook_name": "x"}}
    source = inventory({"research": ["alice.smith", "alice-smith"]}, variables=said_by, shared=ISOLATED)
    (problem,) = told(source, "alice-smith")
    assert "would both be called datalab-alice-smith; set another notebook_lifecycle_config" in problem


def test_a_person_who_has_left_has_no_instance_of_another() -> None:
    source = inventory({"research": ["alice-smith"]})
    (problem,) = told(source, "alice.smith", leaver="alice.smith")
    assert problem.startswith("alice.smith: the instance of that name is datalab-alice-smith")


def test_mistakes_that_concern_everybody_are_told_under_a_limit() -> None:
    source = inventory(
        common={"notebook_x_y_z": 1}, shared={"notebook_fleet_wait": "maybe"}, orphans=[("host_vars", "x.yml")]
    )
    assert [each.split(":")[0] for each in told(source, "alice")] == ["fleet", "inventory", "everybody"]


@pytest.mark.parametrize("limit", [[], ["alice"], ["bob"], ["carol"]], ids=str)
def test_people_have_to_agree_with_others_who_share_their_configuration(limit: list[str]) -> None:
    source = inventory({"research": ["alice", "bob", "carol"]}, variables={"bob": {"notebook_host_idle_timeout": 60}})
    (problem,) = told(source, *limit)
    assert problem.startswith("bob: notebook_host_idle_timeout is 60, but alice, who has the same lifecycle")


def test_a_mount_of_their_own_agrees_with_all() -> None:
    source = inventory(TWO, variables={"bob": {"notebook_host_idle_timeout": 60}}, shared=ISOLATED)
    assert told(source) == []
    assert told(source, "bob") == []


def test_viewers_share_a_configuration_also_where_owners_have_mounts_of_their_own() -> None:
    said_by = {"b": {"notebook_host_idle_timeout": 60}}
    (problem,) = told(inventory(TWO, viewers=["a", "b"], variables=said_by, shared=ISOLATED))
    assert problem.startswith("b: notebook_host_idle_timeout is 60, but a, who has the same lifecycle configuration")


def test_a_configuration_of_ones_own_has_a_longer_name() -> None:
    said_by = {"alice": {"notebook_lifecycle_config": "x" * 54}}
    assert told(inventory(TWO, variables=said_by)) == []
    (problem,) = told(inventory(TWO, variables=said_by, shared=ISOLATED))
    assert problem.startswith("alice: notebook_lifecycle_config makes the name datalab-xxx")


def test_without_the_internet_an_instance_is_given_a_subnet_later() -> None:
    assert told(inventory(common={"notebook_direct_internet_access": False})) == []


# People who leave


@pytest.mark.parametrize("said", [{}, {"notebook_host_idle_timeout": 60}], ids=str)
def test_a_person_who_has_left_can_be_offboarded(said: Variables) -> None:
    found = wanted(inventory(TWO, variables=same_for(["alice", "bob"], said)), "zoe", leaver="zoe")
    assert found.people == ("zoe",)
    assert found.roster.people["zoe"].instance == "datalab-zoe"
    assert list(found.roster.people) == list(found.wishes) == ["alice", "bob", "zoe"]


def test_a_person_who_leaves_and_is_still_there() -> None:
    said_by = {"bob": {"notebook_name": "experiment"}}
    found = wanted(inventory(TWO, variables=said_by), "bob", leaver="bob")
    assert found.people == ("bob",)
    assert found.roster.people["bob"].instance == "experiment"
    assert told(inventory(variables=MISTAKES), "bob", leaver="bob")


# Rules about variables that have no value


def test_a_rule_about_a_variable_whose_value_is_none_is_not_told(rules: dict[str, Rule]) -> None:
    rules["network"] = lambda wanted: [
        f"platform_network_cidr is {wanted.settings['network']['cidr']}; it must be smaller",
        "platform_network_nat_cidr is 10.42.15.240/28; it must be inside of platform_network_cidr",
        "platform_network_name is datalab; it must be another",
    ]
    said = told(inventory(shared={"platform_network_cidr": ["a"]}), sections=["network"])
    assert said == [
        "network: platform_network_cidr is [a]; it must be text, so write it without brackets",
        "network: platform_network_name is datalab; it must be another",
    ]


def test_a_section_without_a_value_silences_rules_of_others(rules: dict[str, Rule]) -> None:
    rules["storage"] = lambda wanted: ["platform_network_cidr is too small for the file system"]
    shared = {"platform_network_cidr": ["a"]}
    assert len(told(inventory(shared=shared), sections=["network", "storage"])) == 1
    assert len(told(inventory(shared=shared), sections=["storage"])) == 1


WRONG: Variables = {"notebook_host_idle_timeout": "2h"}
NEGATIVE: Variables = {"notebook_host_idle_timeout": -5}


@pytest.mark.parametrize("limit", [[], ["alice"]], ids=str)
def test_a_variable_without_a_value_for_one_person(limit: list[str]) -> None:
    said_by = {"alice": {**NEGATIVE, "notebook_lifecycle_config": "own"}, "bob": WRONG}
    said = told(inventory(TWO, variables=said_by), *limit)
    assert [each for each in said if each.startswith("alice: notebook_host_idle_timeout is -5")]
    assert len(said) == (1 if limit else 2)


@pytest.mark.parametrize("wrong", ["alice", "bob"])
def test_no_one_has_to_agree_with_a_value_that_is_none(wrong: str) -> None:
    said_by = {"alice": {"notebook_host_idle_timeout": 60}, "bob": {"notebook_host_idle_timeout": 60}, wrong: WRONG}
    said = told(inventory(TWO, variables=said_by))
    assert said == [
        f"{wrong}: notebook_host_idle_timeout is 2h; it must be a whole number of seconds; did you mean 7200?"
    ]


def test_templates_that_do_not_work_are_told_whatever_the_section() -> None:
    problems = [Problem(about, "x: its template does not work") for about in ("everybody", "alice", "bob", "web")]
    source = inventory(TWO, beside={"servers": ["web"]}, unreadable=problems)
    for sections in (["fleet"], ["network"], ALL):
        assert told(source, "alice", sections=sections) == [
            "everybody: x: its template does not work",
            "alice: x: its template does not work",
        ]


# Many people


UTILS = "ansible_collections.datalab.notebooks.plugins.plugin_utils"


def counted(monkeypatch: pytest.MonkeyPatch, function: str) -> list[Any]:
    """Return a list to which each later call of a function adds its arguments."""
    original, calls = pkgutil.resolve_name(f"{UTILS}.{function}"), list[Any]()

    def counting(*args: Any, **more: Any) -> Any:
        calls.append(args)
        return original(*args, **more)

    monkeypatch.setattr(f"{UTILS}.{function}", counting)
    return calls


def crowd(**more: Any) -> Any:
    """Return a thousand people of ten teams, half of them with a wish of their own, and a viewer."""
    teams = {f"team{team}": [f"person{team}-{number}" for number in range(100)] for team in range(10)}
    names = [name for people in teams.values() for name in people]
    own = {name: {"notebook_idle": 60, "notebook_tags": {"n": name}, "note": name} for name in names[::2]}
    return inventory(teams, viewers=["viewer"], variables=own, **more)


@pytest.mark.parametrize("shared", [{}, ISOLATED], ids=str)
def test_a_shared_configuration_is_rendered_once(shared: Variables, monkeypatch: pytest.MonkeyPatch) -> None:
    lint.syntax_errors.cache_clear()
    renders = counted(monkeypatch, "preflight.render")
    processes = counted(monkeypatch, "scripts.lint.subprocess.run")
    assert len(wanted(crowd(shared=shared)).people) == 1001
    assert (len(renders), len(processes)) == (2, 2)  # one for owners and one for viewers


def test_each_variable_of_a_thousand_people_is_compared_with_ours_once(monkeypatch: pytest.MonkeyPatch) -> None:
    variables._unknown.cache_clear()
    compared = counted(monkeypatch, "variables.differs_by_a_letter")
    wanted(crowd(common={"ansible_connection": "local"}))
    assert [name for name, _known in compared] == ["ansible_connection", "note"]


def test_a_thousand_people_with_one_mistake_are_one_line() -> None:
    people = [f"person{number}" for number in range(1000)]
    wrong = {"notebook_host_idle_timeout": "2h", "notebook_volume_size_in_gb": -1}
    found, problems = preflight(inventory({"all-of-them": people}, variables=same_for(people, wrong)), ["fleet"])
    lines = problems_message(problems, people=found.people).splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [
        ["everybody", "notebook_host_idle_timeout"],
        ["everybody", "notebook_volume_size_in_gb:"],
    ]
