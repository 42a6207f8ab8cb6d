# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Modules with the options of AWS are in the action group, and their documentation says so."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GROUP = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"]["own"]
MEMBERS = set(GROUP)
MODULES = {path.stem: path for path in (ROOT / "plugins" / "modules").glob("*.py")}


def fragments(module: str) -> set[str]:
    for node in ast.parse(MODULES[module].read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DOCUMENTATION":
            return set(yaml.safe_load(ast.literal_eval(node.value)).get("extends_documentation_fragment", []))
    return set()


def test_the_group_has_only_modules_that_there_are() -> None:
    assert set(MODULES) >= MEMBERS


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_of_aws_is_in_the_group_and_says_so(module: str) -> None:
    takes_options = "amazon.aws.region.modules" in fragments(module)
    says_so = "datalab.notebooks.attributes.action_group" in fragments(module)
    assert (module in MEMBERS, says_so) == (takes_options, takes_options)


PLAYBOOKS = [
    path
    for path in (ROOT / "playbooks").glob("*.yml")
    if "group/datalab.notebooks.own" in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize(
    "tasks", [*PLAYBOOKS, *(ROOT / "roles/notebook_fleet/tasks").glob("*.yml")], ids=lambda path: path.stem
)
def test_a_play_with_the_group_of_our_own_has_no_others(tasks: Path) -> None:
    """Other modules would not get the connection options."""
    assert not re.search(r"(amazon|community)\.aws\.", tasks.read_text(encoding="utf-8"))
