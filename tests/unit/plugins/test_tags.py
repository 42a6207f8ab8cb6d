# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keys of tags in whatever letters, in every variable that has tags."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks.tags import OWN_KEYS
from ansible_collections.datalab.notebooks.plugins.plugin_utils.preflight import ALL
from ansible_collections.datalab.notebooks.plugins.plugin_utils.variables import person_options, platform_options

from .inventories import inventory, told

# Every variable of any role whose value is tags, and what else the role sets.
VARIABLES = [name for name in {**platform_options(), **person_options()} if name.endswith("_tags")]
OF_TAGS = [name for name in VARIABLES if {**platform_options(), **person_options()}[name].get("type") == "dict"]
ALSO = {"platform_network_tags": ["Name"], "platform_storage_tags": ["Name"], "platform_access_tags": ["instance"]}


def said_of(variable: str, tags: dict[str, Any]) -> list[str]:
    """What is said before the first change against an inventory that has these tags."""
    return told(inventory({"research": ["alice"]}, common={variable: tags}), sections=ALL)


def test_every_variable_with_tags_is_here() -> None:
    assert set(OF_TAGS) == {"notebook_tags", "platform_access_tags", "platform_network_tags", "platform_storage_tags"}


@pytest.mark.parametrize(
    ("variable", "own"), [(name, own) for name in OF_TAGS for own in (*OWN_KEYS, *ALSO.get(name, []))]
)
def test_a_key_of_the_platform_in_other_letters_is_refused_with_both(variable: str, own: str) -> None:
    written = {own.upper(), own.capitalize(), own.lower(), own[:-1] + own[-1].upper()} - {own}
    for key in sorted(written):
        lines = said_of(variable, {key: "x"})
        assert [line for line in lines if f"{variable} has {key}, and the platform has {own};" in line] == lines
        assert len(lines) == 1


@pytest.mark.parametrize("variable", OF_TAGS)
def test_two_keys_in_different_letters_are_refused_with_both(variable: str) -> None:
    (line,) = said_of(variable, {"Cost-Center": "1", "other": "x", "cost-center": "2"})
    assert variable in line
    assert "Cost-Center" in line
    assert "cost-center" in line
    assert said_of(variable, {"Cost-Center": "1", "Cost": "2", "cost_center": "3"}) == []


@pytest.mark.parametrize(("key", "remedy"), [("owner", "the host's name"), ("team", "notebook_team"), ("idle", "idle")])
def test_what_other_variables_set_is_no_tag_of_a_person(key: str, remedy: str) -> None:
    for variables in ({"notebook_tags": {key: "x"}}, {"notebook_fleet_owner_defaults": {"notebook_tags": {key: "x"}}}):
        (line,) = told(inventory({"research": ["alice"]}, common=variables), sections=ALL)
        assert f"notebook_tags has {key}, which is set from " in line
        assert remedy in line


def test_marks_are_reserved_in_whatever_letters() -> None:
    for variable, key in product(OF_TAGS, ["datalab:verified", "Datalab:Verified", "DATALAB:x", "Aws:x"]):
        (line,) = said_of(variable, {key: "x"})
        assert variable in line
        assert key in line
        assert "reserved" in line
