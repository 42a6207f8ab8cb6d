# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every option of every spec, with values that it must refuse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.datalab.notebooks.plugins.plugin_utils.specs import SECTIONS, checked, role_options
from ansible_collections.datalab.notebooks.plugins.plugin_utils.values import OF_SEVERAL_LINES
from ansible_collections.datalab.notebooks.plugins.plugin_utils.variables import person_options
from ansible_collections.datalab.notebooks.tests.unit.module_utils.test_credentials import SECRETS as SECRETS_BY_KIND

CERTIFICATES = "notebook_host_ca_certificates"

WRONG: dict[str, list[Any]] = {
    "str": [["a"], {"a": 1}, True],
    "path": [["a"], {"a": 1}],
    "int": ["2h", [1], {"a": 1}, True, "", 1.5],
    "float": ["fast", [1], True, ""],
    "bool": ["ture", "yess", [True], {"a": 1}, 7, ""],
    "list": ["a", {"a": 1}, 5, True],
    "dict": [["a"], "a", 5, True],
}

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=8,
)


def all_options() -> dict[str, Mapping[str, Any]]:
    """Return every variable that an inventory can set, with its spec."""
    roles = {name: spec for role in SECTIONS.values() for name, spec in role_options(role).items()}
    return {**roles, **person_options()}


def parts(name: str, spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield an option, and the options inside it."""
    yield name, spec
    for key, option in spec.get("options", {}).items():
        yield from parts(f"{name}: {key}", option)


@pytest.mark.parametrize(
    ("description", "text"),
    [
        ("TCP ports, or ranges such as C(80-89).", "TCP ports, or ranges such as 80-89"),
        (["Its network. And more.", "Yet more."], "its network"),
    ],
)
def test_a_missing_option_is_reported_with_its_documentation(description: Any, text: str) -> None:
    spec = {"type": "dict", "options": {"ports": {"required": True, "description": description}}}
    assert checked("servers", {}, spec).problems == [f"servers: ports is missing: {text}"]


PARTS = [part for name, spec in all_options().items() for part in parts(name, spec)]


@pytest.mark.parametrize(("name", "spec"), PARTS, ids=[name for name, _spec in PARTS])
def test_a_value_of_the_wrong_type_is_a_sentence(name: str, spec: Mapping[str, Any]) -> None:
    for value in WRONG.get(spec.get("type", "str"), []):
        if value == "" and "" in spec.get("choices", []):
            continue
        result = checked(name, value, spec)
        assert result.value is None, value
        (problem,) = result.problems
        assert problem.startswith(f"{name} is ")
        assert "; it must be " in problem


@pytest.mark.parametrize(("name", "spec"), PARTS, ids=[name for name, _spec in PARTS])
def test_an_empty_value_is_a_sentence_with_a_remedy(name: str, spec: Mapping[str, Any]) -> None:
    (problem,) = checked(name, None, spec).problems
    assert problem.startswith(f"{name} is empty; ")
    assert len(problem) > len(f"{name} is empty; ")


def with_text(text: str, spec: Mapping[str, Any]) -> Iterator[Any]:
    """Yield values of an option, valid and invalid ones, that have a text somewhere."""
    keys = spec.get("options", {"a": {}})
    yield from (text, [text], [[text]])
    yield from ({key: text} for key in keys)
    yield from ([{key: [text]}] for key in keys)


SECRETS = [(kind, text) for kind, texts in SECRETS_BY_KIND.items() for text in (texts[0], texts[-1])]
LINE_END = (
    "; it must be one line: YAML keeps the line end of a block that begins with | or >, and leaves it out with |-"
)
UNSEEN = ["a\nb", "a\n", "\na", "a\rb", "a\0", "\x1b[1m", "a\u2028b", "a\u200bb", "a\u00a0b", "a\x7f", "a\u202eb"]


@pytest.mark.parametrize(("name", "spec"), PARTS, ids=[name for name, _spec in PARTS])
def test_no_option_takes_a_secret_or_shows_it(name: str, spec: Mapping[str, Any]) -> None:
    for kind, text in SECRETS:
        for value in with_text(text, spec):
            result = checked(name, value, spec)
            assert result.value is None, value
            assert any(f" has {kind}; it must have none: " in problem for problem in result.problems), value
            assert not [problem for problem in result.problems if "s3cret" in problem or text in problem]


@pytest.mark.parametrize(("name", "spec"), PARTS, ids=[name for name, _spec in PARTS])
def test_no_option_takes_what_ends_a_line_or_cannot_be_seen(name: str, spec: Mapping[str, Any]) -> None:
    for text in [each for each in UNSEEN if not set(OF_SEVERAL_LINES.get(name, "")).intersection(each)]:
        for value in with_text(text, spec):
            result = checked(name, value, spec)
            assert result.value is None, value
            assert all(problem.startswith(name) and problem.isprintable() for problem in result.problems)
            assert any(
                LINE_END in problem or "; it must not have the character U+" in problem for problem in result.problems
            )


@pytest.mark.parametrize("name", OF_SEVERAL_LINES)
def test_multiline_options_accept_several_lines(name: str) -> None:
    value = {"mine": "if true; then\n\ttrue\nfi\n"} if "steps" in name else "-----BEGIN CERTIFICATE-----\nMIIB\n"
    assert checked(name, value, person_options()[name]).problems == []
    defaults = {"type": "dict"}
    assert checked("notebook_fleet_owner_defaults", {name: value}, defaults).problems == []


def test_only_certificates_may_have_the_line_ends_of_windows() -> None:
    assert (
        checked(CERTIFICATES, "-----BEGIN CERTIFICATE-----\r\nMIIB\r\n", person_options()[CERTIFICATES]).problems == []
    )
    steps = checked("notebook_host_extra_steps", {"mine": "true\r\n"}, person_options()["notebook_host_extra_steps"])
    assert len(steps.problems) == 1


@pytest.mark.parametrize("key", ["https://me:s3cret@x", "a\nb"])
@pytest.mark.parametrize(("name", "spec"), PARTS, ids=[name for name, _spec in PARTS])
def test_no_dictionary_takes_them_for_a_key(name: str, spec: Mapping[str, Any], key: str) -> None:
    value = [{key: "x"}] if spec.get("type") == "list" else {key: "x"}
    result = checked(name, value, spec)
    assert result.value is None
    assert not [problem for problem in result.problems if "s3cret" in problem or not problem.isprintable()]


CHOICES = [(name, spec) for name, spec in PARTS if "choices" in spec]


@pytest.mark.parametrize(("name", "spec"), CHOICES, ids=[name for name, _spec in CHOICES])
def test_a_wrong_choice_names_the_right_ones(name: str, spec: Mapping[str, Any]) -> None:
    wrong = "none of these"
    value, problems = checked(name, [wrong] if spec.get("type") == "list" else wrong, spec)
    assert value is None
    assert all(str(choice) in problems[0] for choice in spec["choices"] if choice != "")


@settings(max_examples=1000)
@given(part=st.sampled_from(PARTS), value=ANYTHING)
def test_no_value_at_all_is_a_traceback(part: tuple[str, Mapping[str, Any]], value: Any) -> None:
    result = checked(part[0], value, part[1])
    assert (result.value is None) or not result.problems


SUBNET = {
    "type": "list",
    "elements": "dict",
    "options": {
        "cidr": {"type": "str", "required": True, "description": "The network of the subnet."},
        "zone": {"type": "str", "required": True, "description": ["The letter of its zone. A letter."]},
        "size": {"type": "int", "default": 3, "description": "How large."},
    },
}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([{"cidr": "10.0.0.0/24"}], ["subnets[0]: zone is missing: the letter of its zone"]),
        ([{"cidr": "c", "zone": "a"}, {"cidr": 1, "zon": "b"}], [
            "subnets[1]: zon is not known; did you mean zone?",
            "subnets[1]: zone is missing: the letter of its zone",
        ]),
        (["10.0.0.0/24"], ["subnets[0] is 10.0.0.0/24; it must be a dictionary, for example {key: value}"]),
        ([{"cidr": ["c"], "zone": "a", "size": "x"}], [
            "subnets[0]: cidr is [c]; it must be text, so write it without brackets",
            "subnets[0]: size is x; it must be a whole number",
        ]),
        ("10.0.0.0/24", ["subnets is 10.0.0.0/24; it must be a list, for example [10.0.0.0/24]"]),
    ],
)  # fmt: skip
def test_inner_options_are_named_by_their_path(value: Any, says: list[str]) -> None:
    assert checked("subnets", value, SUBNET).problems == says


def test_values_are_converted_to_their_types() -> None:
    assert checked("x", "yes", {"type": "bool"}).value is True
    assert checked("x", "60", {"type": "int"}).value == 60
    assert checked("x", 30, {"type": "str", "choices": ["30", "60"]}).value == "30"
    assert checked("x", 2024, {"type": "str"}).value == "2024"
    assert checked("x", [{"cidr": "c", "zone": "a"}], SUBNET).value == [{"cidr": "c", "zone": "a", "size": 3}]


MEANT = {
    ("notebook_host_idle_timeout", "2h"): " of seconds; did you mean 7200?",
    ("notebook_host_idle_timeout_maximum", "1 d"): " of seconds; did you mean 86400?",
    ("notebook_fleet_wait_timeout", "10M"): " of seconds; did you mean 600?",
    ("notebook_host_state_every", "90s"): " of seconds; did you mean 90?",
    ("notebook_host_state_days", "30d"): " of days; did you mean 30?",
    ("notebook_host_state_share", "20 %"): " of percent; did you mean 20?",
    ("notebook_volume_size_in_gb", "50 GB"): " of GiB; did you mean 50?",
    ("notebook_volume_size_in_gb", "2h"): "",
    ("notebook_host_idle_timeout", "two hours"): "",
    ("notebook_fleet_upgrade_batch", "10s"): "",
}


@pytest.mark.parametrize(("name", "value"), MEANT)
def test_a_number_with_a_unit_is_told_without(name: str, value: str) -> None:
    said = [f"{name} is {value}; it must be a whole number{MEANT[name, value]}"]
    assert checked(name, value, {"type": "int"}).problems == said


@pytest.mark.parametrize(("kind", "value"), [("list", '["sg-1"]'), ("dict", "{a: b}")])
def test_a_list_that_came_as_text_is_told_how_to_come_as_one(kind: str, value: str) -> None:
    assert checked("notebook_x", value, {"type": "raw"}).problems == []
    (problem,) = checked("notebook_x", value, {"type": kind}).problems
    end = """write it without quotes around the brackets, and with -e as '{"notebook_x": …}'"""
    assert problem.startswith(f"notebook_x is the text {value}; it must be a ")
    assert problem.endswith(end)
