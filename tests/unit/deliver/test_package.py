# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The requirements of the distribution are the packages that its modules import."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
HOME = ROOT / "host" / "datalab_deliver"
OTHER_NAMES = {"pil": "pillow", "yaml": "pyyaml", "tomllib": "tomli"}


def imported():
    found = set()
    for path in (HOME / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            found |= {name.split(".")[0] for name in names}
    return {plain(OTHER_NAMES.get(name.lower(), name)) for name in found - (sys.stdlib_module_names - {"tomllib"})}


def plain(name):
    return name.lower().replace("_", "-")


def names(requirements):
    return {plain(re.split(r"[^\w.-]", text)[0]) for text in requirements}


def test_it_needs_what_it_imports():
    facts = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert names(facts["dependencies"]) == imported()
    assert facts["scripts"] == {"datalab": "datalab_deliver.cli:main"}


def test_the_checks_have_it_by_name():
    """Only requirements-dev.txt is installed: ipykernel brings IPython and jupyter-client, Ansible most others.

    tomli is for Pythons older than 3.11, which run no checks.
    """
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    there = names(line for line in lines if line and not line.startswith("#"))
    assert imported() - there == {"ipython", "jinja2", "jupyter-client", "packaging", "pyyaml", "tomli"}
