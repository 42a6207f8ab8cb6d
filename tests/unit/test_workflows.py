# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files for GitHub are valid, and CI runs every check with every version that is supported."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
JOBS: dict[str, Any] = yaml.safe_load((GITHUB / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def targets(name: str) -> set[str]:
    """Return the names after a target or variable of the Makefile."""
    return set(re.search(rf"^{name}:? *:?=? *([a-z -]+)", MAKEFILE, re.MULTILINE)[1].split())  # type: ignore[index]


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("custom.github-workflows-require-timeout", WORKFLOWS),
        ("vendor.github-issue-forms", FORMS),
        ("vendor.github-issue-config", [GITHUB / "ISSUE_TEMPLATE" / "config.yml"]),
    ],
)
def test_github_takes_the_files(schema: str, files: list[Path]) -> None:
    assert files
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stdout + done.stderr


def test_every_check_is_run() -> None:
    run = {
        target
        for job in JOBS.values()
        for step in job["steps"]
        for targets in re.findall(r"\bmake ([a-z -]+)$", step.get("run", ""))
        for target in targets.split()
    }
    assert targets("CHECKS") == (run - {"lint"}) | targets("lint")


def test_every_version_of_ansible_is_tried() -> None:
    tried = JOBS["supported"]["strategy"]["matrix"]["include"]
    (ansible,) = [
        requirement
        for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if line and (requirement := Requirement(line.partition("#")[0] or "pip")).name == "ansible"
    ]
    assert {each["ansible"] for each in tried} == {str(n) for n in range(100) if ansible.specifier.contains(f"{n}.0.0")}


def test_the_oldest_core_and_python_are_tried() -> None:
    tried = JOBS["supported"]["strategy"]["matrix"]["include"]
    oldest = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["requires_ansible"]
    numbers = {tuple(map(int, each["python"].split("."))) for each in tried}
    assert f">={min(each['core'] for each in tried)}.0" == oldest
    assert f"version_info >= {min(numbers)}" in MAKEFILE
