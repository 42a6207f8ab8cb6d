# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stripping and packing, which make a script short."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.scripts import unpack
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.pack import pack
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.strip import strip

COLLECTION = Path(__file__).parents[3]
SOURCES = [*COLLECTION.glob("plugins/**/*.py"), *COLLECTION.glob("roles/*/files/*.py")]

SOURCE = '''"""What it is."""

from __future__ import annotations

# Why it is so.
import os


class Thing(Exception):  # of no use
    """What it is."""

    size: int | None = None

    def grow(self, by: int, *others: "list[str]", **more) -> tuple[
        int, str
    ]:
        """What it does.

        And how.
        """
        text = """a # b

        c"""  # a text
        self.others: list[
            str
        ] = [
            *others
        ]
        return self.size, text + "# d"
'''

STRIPPED = '''from __future__ import annotations
import os
class Thing(Exception):
 size: int | None = None
 def grow(self, by, *others, **more):
  text = """a # b

        c"""
  self.others = [
            *others
        ]
  return self.size, text + "# d"
'''


def test_only_what_readers_need_is_stripped() -> None:
    assert strip(SOURCE) == STRIPPED


class WithoutTypes(ast.NodeTransformer):
    """Removes types of attributes, and the import from __future__ if no variable has a type."""

    def __init__(self) -> None:
        self.variables = False

    def visit_Module(self, node: ast.Module) -> ast.AST:
        self.variables = any(
            isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) for each in ast.walk(node)
        )
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if isinstance(node.target, ast.Name):
            return node
        assert node.value
        return ast.Assign([node.target], node.value)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        return None if node.module == "__future__" and not self.variables else node


def without_docstrings_and_types(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) and node.body[1:]:
            del node.body[0]
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
    return ast.dump(WithoutTypes().visit(tree))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_the_stripped_program_is_the_same(path: Path) -> None:
    source = path.read_text()
    if not source.isascii():
        with pytest.raises(ValueError, match="ASCII"):
            strip(source)
    else:
        assert ast.dump(ast.parse(strip(source))) == without_docstrings_and_types(source)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_packed_script_can_be_unpacked(text: str) -> None:
    packed = pack(text)
    assert re.fullmatch("[!-~]+", packed)
    assert unpack(packed) == text
