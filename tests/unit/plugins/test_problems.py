# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All mistakes in one message, and how a message shows names and values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.datalab.notebooks.plugins.plugin_utils.problems import (
    LONGEST_VALUE,
    Problem,
    hint,
    problems_message,
    shown,
)

PEOPLE = ("alice", "bob", "carol", "dave", "erin")


def message(*problems: tuple[str, str], people: tuple[str, ...] = PEOPLE) -> list[str]:
    """Return the lines of a message, without the first one."""
    first, *lines = problems_message([Problem(*each) for each in problems], people=people).splitlines()
    assert first.endswith("in the inventory; nothing was changed:")
    return lines


def test_each_mistake_is_a_line_in_columns() -> None:
    problems = [Problem("alice", "is tall"), Problem("network", "has no zone"), Problem("alice", "is in two teams")]
    assert problems_message(problems, people=PEOPLE) == (
        "3 problems in the inventory; nothing was changed:\n"
        "  alice    is tall\n"
        "  network  has no zone\n"
        "  alice    is in two teams"
    )


def test_one_mistake_is_one_problem_with_its_subject() -> None:
    said = problems_message([Problem("network", "vpc-1 is used")], subject="with what AWS has")
    assert said == "1 problem with what AWS has; nothing was changed:\n  network  vpc-1 is used"


@pytest.mark.parametrize(
    ("abouts", "people", "named"),
    [
        (["alice"], PEOPLE, "alice"),
        (["alice", "alice"], PEOPLE, "alice"),
        (["alice", "bob", "carol"], PEOPLE, "alice, bob, carol"),
        (["alice", "bob", "carol", "dave"], PEOPLE, "alice and 3 others"),
        (list(PEOPLE), PEOPLE, "everybody"),
        (["alice", "bob"], ("alice", "bob"), "everybody"),
        (["everybody", "alice"], PEOPLE, "everybody"),
        (["alice"], ("alice",), "alice"),
        (["alice", "bob"], (), "alice, bob"),
        (["network", "storage"], (), "network, storage"),
    ],
    ids=str,
)
def test_a_mistake_that_several_share_is_one_line(abouts: list[str], people: tuple[str, ...], named: str) -> None:
    assert message(*((about, "is tall") for about in abouts), people=people) == [f"  {named}  is tall"]


TEXTS = ("is tall", "is in two teams", "has no team")


@given(st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(TEXTS))))
def test_no_mistake_is_lost_or_told_twice(problems: list[tuple[str, str]]) -> None:
    said = sorted(text for line in message(*problems) for text in TEXTS if line.endswith(f"  {text}"))
    assert said == sorted({text for _about, text in problems})


@pytest.mark.parametrize(
    ("name", "known", "otherwise", "says"),
    [
        ("reserch", ["research", "fraud"], "", "; did you mean research?"),
        ("volume_size", ["volume", "volume_size_in_gb"], "", "; did you mean volume_size_in_gb?"),
        ("idle", ["idol", "idle_timeout_of_the_host"], "", "; did you mean idle_timeout_of_the_host?"),
        ("type", ["tags", "instance_type"], "", "; did you mean instance_type?"),
        ("researchers", ["research", "fraud"], "", "; did you mean research?"),
        ("network_subnet", ["network_subnet_ids", "network_subnets"], "", "; did you mean network_subnets?"),
        ("xyz", ["research"], "there is research", "; there is research"),
        ("xyz", ["research"], "", ""),
        (5, ["research"], "there is research", "; there is research"),
        ("x", [], "there is none", "; there is none"),
    ],
)
def test_a_hint(name: object, known: list[str], otherwise: str, says: str) -> None:
    assert hint(name, known, otherwise) == says


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "empty"),
        (True, "true"),
        (False, "false"),
        (5, "5"),
        (1.5, "1.5"),
        ("ml.t3.medium", "ml.t3.medium"),
        ("", "''"),
        (" a", "' a'"),
        ("a\nb", r"'a\nb'"),
        ("x" * LONGEST_VALUE, "x" * LONGEST_VALUE),
        ("x" * (LONGEST_VALUE + 1), "x" * (LONGEST_VALUE - 1) + "…"),
        ([], "[]"),
        ({}, "{}"),
        (["a", True, None], "[a, true, empty]"),
        ({"a": {"b": ""}, 2: False}, "{a: {b: ''}, 2: false}"),
    ],
    ids=repr,
)
def test_a_value_is_shown_as_yaml_has_it(value: Any, text: str) -> None:
    assert shown(value) == text


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(ANYTHING)
def test_a_value_is_short_and_in_one_line_whatever_it_is(value: Any) -> None:
    text = shown(value)
    assert 0 < len(text) <= LONGEST_VALUE
    assert len(text.splitlines()) == 1
