# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The known variables, and the message about one that nothing reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.datalab.notebooks.plugins.plugin_utils.problems import closest
from ansible_collections.datalab.notebooks.plugins.plugin_utils.specs import SECTIONS, role_options
from ansible_collections.datalab.notebooks.plugins.plugin_utils.variables import (
    CONNECTION,
    LIMITS,
    PLAYBOOK_VARIABLES,
    person_options,
    person_variables,
    platform_options,
    playbook_problems,
    section_settings,
    shortened_words,
    unknown_variables,
)
from ansible_collections.datalab.notebooks.tests.unit.plugins.inventories import inventory, told

KNOWN = sorted({*person_options(), *platform_options(), *PLAYBOOK_VARIABLES})


def test_how_aws_is_reached_has_the_options_of_amazon_aws() -> None:
    theirs = aws_argument_spec()
    names = {name: name for name in theirs} | {
        alias: name for name in theirs for alias in theirs[name].get("aliases", ())
    }
    assert set(CONNECTION) == set(names)
    for name, spec in CONNECTION.items():
        assert spec.get("type", "str") == theirs[names[name]].get("type", "str"), name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "platform_aws is empty; write {} for none, or leave it out"),
        (["region"], "platform_aws is [region]; it must be a dictionary, for example {key: value}"),
        ("eu-central-1", "platform_aws is eu-central-1; it must be a dictionary, for example {key: value}"),
        ({"regoin": "eu-central-1"}, "platform_aws: regoin is not known; did you mean region?"),
        ({"profile": None}, 'platform_aws: profile is empty; write "" for none, or leave it out'),
        ({"validate_certs": "yess"}, "platform_aws: validate_certs is yess; it must be true or false"),
        ({"secret_key": ["wJalrXUtnFEMI"]}, "platform_aws: secret_key must be text; put it in quotes"),
    ],
)
def test_mistakes_in_the_connection_options(value: Any, text: str) -> None:
    assert list(playbook_problems({"platform_aws": value})) == [text]
    assert f"everybody: {text}" in told(inventory(common={"platform_aws": value}), sections=["network"])


def test_keys_may_be_where_aws_is_reached() -> None:
    keys = {"access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
    assert not list(playbook_problems({"platform_aws": {**keys, "region": "eu-central-1"}}))


def unfit(spec: Mapping[str, Any]) -> Any:
    """Return a value that does not fit the spec."""
    return "x" if spec["type"] != "str" or "choices" in spec else ["x"]


@pytest.mark.parametrize("name", PLAYBOOK_VARIABLES)
def test_variables_of_playbooks_are_checked(name: str) -> None:
    (text,) = playbook_problems({name: unfit(PLAYBOOK_VARIABLES[name])})
    assert text.startswith(f"{name} is ")


@pytest.mark.parametrize(("name", "limits"), LIMITS.items())
def test_variables_of_playbooks_have_limits(name: str, limits: tuple[int, int]) -> None:
    least, most = limits
    assert not [text for value in limits for text in playbook_problems({name: str(value)})]
    for value in (least - 1, most + 1):
        assert list(playbook_problems({name: value})) == [f"{name} is {value}; it must be from {least} to {most}"]


def unknown(
    alice: Mapping[str, Any] | None = None, *people: str, common: Mapping[str, Any] | None = None, **more: Any
) -> list[tuple[str, str]]:
    """Return the messages about unknown variables of Alice or of everybody: whom each is about, and its text."""
    source = inventory(variables={"alice": alice or {}}, common=common, **more)
    found = unknown_variables(source, people or ("alice", "bob"))
    assert isinstance(found, Iterator)
    return [(problem.about, problem.text) for problem in found]


def misspelt(name: str, at: int) -> set[str]:
    """Return misspellings of the name: a letter too few, too many or wrong, or two letters swapped."""
    before, letter, after = name[:at], name[at], name[at + 1 :]
    wrong = {before + after, before + letter + letter + after, before + "q" + after}
    return {*wrong, before + after[:1] + letter + after[1:]} - set(KNOWN)


def says_what_was_meant(name: str, wrong: set[str]) -> bool:
    return unknown(common=dict.fromkeys(wrong, "x")) == [
        ("everybody", f"{each} is not a variable of datalab.notebooks; did you mean {name}?") for each in sorted(wrong)
    ]


@pytest.mark.parametrize("name", KNOWN)
def test_one_wrong_letter_gets_a_hint(name: str) -> None:
    assert says_what_was_meant(name, misspelt(name, len(name) // 2))


@given(st.sampled_from(KNOWN), st.floats(0, 1, exclude_max=True))
def test_one_wrong_letter_gets_a_hint_wherever_it_is(name: str, where: float) -> None:
    assert says_what_was_meant(name, misspelt(name, int(where * len(name))))


@pytest.mark.parametrize("name", KNOWN)
def test_known_variables_are_accepted(name: str) -> None:
    assert unknown(common={name: "x"}) == []


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("notebook_volume_size", "did you mean notebook_volume_size_in_gb?"),
        ("notebook_host_idle", "did you mean notebook_host_idle_timeout?"),
        ("notebook_something_else_altogether", "the README lists them"),
        ("notebook_lifecycle_config_name", "did you mean notebook_lifecycle_config?"),
        ("notebook_keep_tags", "the README lists them"),
        ("platform_storage_access_point_mode", "the README lists them"),
        ("notebook_type", "did you mean notebook_instance_type?"),
        ("notebook_gpu", "the README lists them"),
        ("notebook_cidr", "the README lists them"),
        ("platform_teams", "did you mean platform_access_teams?"),
        ("platform_vpc", "the README lists them"),
    ],
)
def test_a_variable_that_nothing_reads(variable: str, says: str) -> None:
    text = f"{variable} is not a variable of datalab.notebooks; {says}"
    assert unknown({variable: 1}) == [("alice", text)]
    assert unknown(common={variable: 1}) == [("everybody", text)]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"month": "2026-10"}, "costs_month"),
        ({"project": "churn"}, "complete_project"),
        ({"instance_type": "ml.m5.large"}, "notebook_instance_type"),
        ({"volume_size_in_gb": 50}, "notebook_volume_size_in_gb"),
        ({"month": "2026-10", "costs_month": "2026-09"}, ""),
        ({"costs_month": "2026-09", "stage": "test", "gb": 5, "x_instance_type": 1}, ""),
    ],
)
def test_a_variable_without_its_prefix_gets_a_suggestion(given: dict[str, Any], meant: str) -> None:
    key = next(iter(given))
    told = [f"{key} is given with -e, and datalab.notebooks does not read it; did you mean {meant}?"] if meant else []
    assert list(shortened_words(inventory(common=given, given=given))) == told
    assert list(shortened_words(inventory(common=given))) == []


def slips(name: str) -> list[str]:
    """Return every eighth misspelling of the name with a letter missing or two letters swapped."""
    missing = [name[:place] + name[place + 1 :] for place in range(len(name))]
    swapped = [name[:place] + name[place + 1] + name[place] + name[place + 2 :] for place in range(len(name) - 1)]
    return sorted({*missing, *swapped} - {name})[::8]


@pytest.mark.parametrize("name", KNOWN)
def test_a_slip_of_the_pen_is_recognised(name: str) -> None:
    for slip in set(slips(name)).difference(KNOWN):
        (said,) = {text for _about, text in unknown(common={slip: 1})}
        assert said.endswith(f"did you mean {name}?")


def within(specs: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the options of each dictionary, and the choices that are words, at any depth."""
    for spec in specs.values():
        options = spec.get("options", {})
        yield from ([*options], [str(choice) for choice in spec.get("choices", ()) if not str(choice).isdecimal()])
        yield from within(options)


@pytest.mark.parametrize("known", [*within({**person_options(), **platform_options(), **PLAYBOOK_VARIABLES})])
def test_a_slip_within_a_variable_is_recognised(known: list[str]) -> None:
    for name in known:
        for slip in {*slips(name)}.difference(known):
            assert closest(slip, known) == name


def test_everybodys_variables_are_told_once_and_a_persons_as_theirs() -> None:
    said = unknown({"notebook_a_b_c": 1, "notebook_x_y_z": 1}, common={"notebook_x_y_z": 1})
    assert [(about, text.split()[0]) for about, text in said] == [
        ("everybody", "notebook_x_y_z"),
        ("alice", "notebook_a_b_c"),
    ]


def test_variables_of_a_play_are_checked_too() -> None:
    shared = {"platform_network_ciddr": "x", "playbook_dir": "x", "notebook_fleet_result": {}, "notebook_step": "x"}
    assert [text for _about, text in unknown(shared=shared)] == [
        "platform_network_ciddr is not a variable of datalab.notebooks; did you mean platform_network_cidr?"
    ]


def test_only_those_who_are_asked_for() -> None:
    assert unknown({"notebook_x_y_z": 1}, "bob") == []
    assert unknown({"notebook_x_y_z": 1}, "nobody") == []


@pytest.mark.parametrize(
    "variable",
    [
        "ansible_host",
        "note",
        "notebooks",
        "my_notebook_name",
        "x_notebook_tags",
        "_notebook_host_start",
        "open_ports",
        "upgrade_window",
        "platforms",
    ],
)
def test_other_variables_are_not_ours(variable: str) -> None:
    assert unknown({variable: 1}) == []
    assert unknown(common={variable: 1}) == []


@pytest.mark.parametrize(
    ("variable", "full"),
    [
        ("instance_type", "notebook_instance_type"),
        ("idle", "notebook_idle"),
        ("team", "notebook_team"),
        ("steps", "notebook_host_steps"),
        ("idle_timeout", "notebook_host_idle_timeout"),
    ],
)
def test_a_variable_without_its_prefix(variable: str, full: str) -> None:
    text = f"{variable} is not a variable of datalab.notebooks; did you mean {full}?"
    assert unknown({variable: 1}) == [("alice", text)]
    assert unknown({variable: 1, full: 1}) == []
    assert unknown(common={variable: 1}) == []


@pytest.mark.parametrize("variable", [*platform_options(), *sorted(PLAYBOOK_VARIABLES)])
def test_platform_variables_cannot_be_a_persons(variable: str) -> None:
    text = f"{variable} is set for this host; it is the same for everybody: set it in group_vars/all.yml only"
    assert unknown({variable: "mine"}) == [("alice", text)]
    assert unknown({variable: "mine"}, common={variable: "everybody's"}) == [("alice", text)]
    assert unknown({variable: "the same"}, common={variable: "the same"}) == []


def test_whom_a_variable_is_for() -> None:
    assert not set(person_options()) & set(platform_options())
    assert not {"notebook_lifecycle_config_name", "notebook_keep_tags"} & set(person_options())
    assert {"notebook_name", "notebook_state", "notebook_idle", "notebook_host_steps"} <= set(person_options())
    assert {
        "platform_network_cidr",
        "platform_storage_backup",
        "platform_access_teams",
        "notebook_fleet_prefix",
    } <= set(platform_options())
    assert not [name for name, spec in person_options().items() if spec.get("required")]


# Values


def test_a_persons_variables_are_typed_and_others_left_out() -> None:
    said = {
        "notebook_volume_size_in_gb": "50",
        "notebook_root_access": "no",
        "notebook_idle": 7200,
        "notebook_host_idle_timeout": "60",
        "notebook_fleet_prefix": "x",
        "note": "y",
    }
    values, problems = person_variables(said)
    assert problems == []
    assert values == {
        "notebook_volume_size_in_gb": 50,
        "notebook_root_access": False,
        "notebook_idle": "7200",
        "notebook_host_idle_timeout": 60,
    }


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("notebook_volume_size_in_gb", "big", "is big; it must be a whole number"),
        ("notebook_root_access", "maybe", "is maybe; it must be true or false"),
        ("notebook_security_group_ids", {"a": 1}, "is {a: 1}; it must be a list, for example [first, second]"),
        ("notebook_state", "running", "is running; it must be one of present, absent, started, stopped, restarted"),
        ("notebook_update_policy", "never", "is never; it must be one of when_stopped, force"),
        ("notebook_tags", "cost=42", "is cost=42; it must be a dictionary, for example {key: value}"),
        ("notebook_tags", ["cost"], "is [cost]; it must be a dictionary, for example {key: value}"),
        ("notebook_tags", None, "is empty; write {} for none, or leave it out"),
        ("notebook_idle", None, 'is empty; write "" for none, or leave it out'),
    ],
)
def test_a_wrong_value_is_no_value(variable: str, value: Any, says: str) -> None:
    assert person_variables({variable: value, "notebook_name": "x"}) == (
        {"notebook_name": "x"},
        [f"{variable} {says}"],
    )


@pytest.mark.parametrize("section", SECTIONS)
def test_without_a_word_a_section_has_its_defaults(section: str) -> None:
    settings, problems = section_settings(section, inventory())
    specs = role_options(SECTIONS[section])
    assert problems == []
    prefix = f"{SECTIONS[section]}_"
    assert settings == {name.removeprefix(prefix): spec["default"] for name, spec in specs.items()}


def test_in_the_place_of_a_wrong_value_there_is_the_default() -> None:
    shared = {"platform_network_cidr": ["10.0.0.0/16"], "platform_network_nat": "yes", "platform_network_subnets": None}
    settings, problems = section_settings("network", inventory(shared=shared))
    assert problems == [
        "platform_network_cidr is [10.0.0.0/16]; it must be text, so write it without brackets",
        "platform_network_subnets is empty; write [] for none, or leave it out",
    ]
    default = role_options("platform_network")["platform_network_subnets"]["default"]
    assert (settings["cidr"], settings["nat"], settings["subnets"]) == ("10.42.0.0/20", True, default)
