# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role's interface: one description of its variables, and of its entry points."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROLE = Path(__file__).parents[3] / "roles" / "platform_access"
DEFAULTS = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
SPECS = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]
OPTIONS = SPECS["main"]["options"]
TYPES = {"str": str, "bool": bool, "list": list, "dict": dict}


def test_argument_specs_agree_with_defaults() -> None:
    assert {name: option["default"] for name, option in OPTIONS.items()} == DEFAULTS
    assert list(OPTIONS) == list(DEFAULTS)


def test_each_door_has_its_spec() -> None:
    doors = {file.stem for file in (ROLE / "tasks").iterdir()} - {"plan", "apply", "remove"}
    assert set(SPECS) == doors == {"main", "preflight", "render", "absent"}
    assert {name for name, spec in SPECS.items() if spec["options"]} == {"main"}


def test_variables_are_nothing_but_names() -> None:
    lines = (ROLE / "vars" / "main.yml").read_text().splitlines()
    assert len(lines) <= 40
    assert not [line for line in lines if "{%" in line or "|" in line]


@pytest.mark.parametrize("name", DEFAULTS)
def test_argument_specs_have_the_types_of_the_defaults(name: str) -> None:
    assert type(DEFAULTS[name]) is TYPES[OPTIONS[name]["type"]]


def test_defaults_are_literal() -> None:
    assert "{{" not in (ROLE / "defaults" / "main.yml").read_text()


def test_the_boundary_allows_what_policies_use_and_nothing_more() -> None:
    texts = [(ROLE / "templates" / f"{name}.yml.j2").read_text() for name in ("execution", "viewer")]
    lines = [line.strip().removeprefix("- ").removeprefix("Action: ") for text in texts for line in text.splitlines()]
    used = {line for line in lines if re.fullmatch(r"[a-z0-9]+:[A-Z]\w+", line)}
    assert used == set(DEFAULTS["platform_access_boundary_actions"])
    assert DEFAULTS["platform_access_boundary_actions"] == sorted(used)
