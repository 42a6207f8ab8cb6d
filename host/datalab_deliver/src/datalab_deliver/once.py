# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The names of values that can be read only once, so that reading alters them."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from . import words
from .calls import called_name
from .scopes import functions_and_classes
from .sharing import Names, bindings, root

HOLDERS = (ast.List, ast.Tuple, ast.Dict, ast.IfExp, ast.Lambda, ast.ListComp, ast.DictComp)


def names(nodes: Sequence[ast.stmt], known: Names, generators: set[str]) -> set[str]:
    """Return the names of iterators, and of functions that return one."""
    found: set[str] = set()
    count = -1
    while count != (count := len(found)):
        for node in nodes:
            for target, value in bindings(node, loops=False):
                if once(value, found | generators, known):
                    found |= {root(item) for item in [target, *ast.walk(target)]} - {""}
            for item in functions_and_classes(node):
                given = [part.value for part in ast.walk(item) if isinstance(part, ast.Return)]
                if any(value is not None and once(value, found | generators, known) for value in given):
                    found.add(item.name)
    return found


def once(value: ast.AST, found: set[str], known: Names) -> bool:
    """Return whether a value can be read only once, or contains or returns such a value."""
    if isinstance(value, ast.GeneratorExp):
        return True
    if isinstance(value, ast.Call):
        in_parts = any(item.arg in {"chunksize", "iterator"} for item in value.keywords)
        last, of_itertools = called_name(value), known.path(value.func).startswith("itertools.")
        return last in words.ONE_SHOT | found or of_itertools or (in_parts and last.startswith("read_"))
    return isinstance(value, HOLDERS) and any(once(part, found, known) for part in ast.iter_child_nodes(value))
