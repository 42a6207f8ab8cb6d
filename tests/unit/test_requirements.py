# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`make demo` installs requirements.txt and requirements-sandbox.txt only."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOST = ROOT / "sandbox" / "machines" / "host"  # becomes part of an image
# moto[server] comes with boto3, cryptography, Flask and Werkzeug, boto3 with botocore, ansible with PyYAML and Jinja2;
# only a type checker imports _typeshed.
THERE = {
    "_typeshed",
    "ansible",
    "boto3",
    "botocore",
    "cryptography",
    "flask",
    "jinja2",
    "moto",
    "sandbox",
    "werkzeug",
    "yaml",
}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_the_sandbox_needs_no_package_of_the_checks() -> None:
    files = [path for path in (ROOT / "sandbox").rglob("*.py") if not path.is_relative_to(HOST)]
    needed = {name for path in files for name in imported(path)}
    assert "moto" in needed
    assert needed - sys.stdlib_module_names <= THERE
