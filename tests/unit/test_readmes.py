# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each role has a README with what it creates, the rights that it needs, and how to apply and to remove it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.datalab.notebooks.plugins.plugin_utils.operator import CREATED, LOGGED

ROOT = Path(__file__).parents[2]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
TEMPLATES = ROOT / "roles" / "platform_access" / "templates"
POLICIES = {role: TEMPLATES / f"operator_{role.removeprefix('platform_')}.yml.j2" for role in ROLES}
POLICIES["notebook_fleet"] = TEMPLATES / "operator_instances.yml.j2"


def sections(role: str) -> dict[str, str]:
    """Return the text below each heading, and below the title."""
    parts = re.split(
        r"^##? (.+)$", (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def plays(text: str) -> str:
    return "\n".join(re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL))


def allowed(policy: Path) -> set[str]:
    """Return the actions that a policy allows for any inventory."""
    text = policy.read_text(encoding="utf-8")
    actions = set(re.findall(r"^ +(?:- |Action: )[a-z0-9-]+:([A-Z]\w+)$", text, re.MULTILINE))
    return actions | ({*CREATED, *LOGGED} if "in kinds" in text else set())


@pytest.mark.parametrize("role", ROLES)
def test_it_says_what_is_made_by_which_rights_and_how_it_goes(role: str) -> None:
    told = sections(role)
    assert {"What is made", "What a run needs", "Removing it"} <= set(told)
    assert f"datalab.notebooks.{role}" in plays(told[role])


@pytest.mark.parametrize("role", ROLES)
def test_its_examples_name_doors_and_variables_that_there_are(role: str) -> None:
    examples = plays((ROOT / "roles" / role / "README.md").read_text(encoding="utf-8"))
    known: dict[str, Any] = {}
    for each in ROLES:
        known |= yaml.safe_load((ROOT / "roles" / each / "defaults" / "main.yml").read_text(encoding="utf-8"))
    doors = {path.stem for path in (ROOT / "roles" / role / "tasks").iterdir()}
    assert set(re.findall(r"tasks_from: (\w+)", examples)) <= doors
    assert set(re.findall(rf"\b(?:{'|'.join(ROLES)})_\w+(?=:)", examples)) <= set(known)


@pytest.mark.parametrize("role", [role for role in ROLES if POLICIES[role].exists()])
def test_the_rights_are_those_of_the_policy_and_it_can_be_removed(role: str) -> None:
    told = sections(role)
    assert set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", told["What a run needs"])) == allowed(POLICIES[role])
    assert "tasks_from: absent" in plays(told["Removing it"])
