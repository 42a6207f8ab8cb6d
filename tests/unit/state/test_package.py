# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The requirements of the package, and its behaviour where it is switched off."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from datalab_state import settings

HOME = Path(__file__).parents[3] / "host" / "datalab_state"
OF_THE_KERNEL = {"IPython"}


def test_it_needs_cloudpickle_and_nothing_else():
    """Modules that recipes import by name are those that the variables come from, so they are installed."""
    found = set()
    for path in (HOME / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            found |= {name.split(".")[0] for name in names}
    assert found - sys.stdlib_module_names - OF_THE_KERNEL == {"cloudpickle", "numpy"}


def test_the_command_needs_no_package_at_all(tmp_path: Path):
    env = {**os.environ, "PYTHONPATH": str(HOME / "src"), "DATALAB_STATE_SOCKETS": str(tmp_path / "none")}
    command = [sys.executable, "-S", "-m", "datalab_state", "save-all", "--seconds", "1"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("value", ["", "soon", "-5"])
def test_a_value_that_makes_no_sense_is_no_reason_to_fail(value: str):
    assert settings.read({"DATALAB_STATE_EVERY": value}).every in (60, 0)


def test_the_readme_has_every_variable():
    text = (HOME / "README.md").read_text(encoding="utf-8")
    source = (HOME / "src" / "datalab_state" / "settings.py").read_text(encoding="utf-8")
    names = {f"DATALAB_STATE_{name}" for name in re.findall(r'number\("(\w+)"', source)}
    names |= set(re.findall(r"DATALAB_STATE\w*", source)) - {"DATALAB_STATE_"}
    assert {name for name in names if f"`{name}`" not in text} == set()
