# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The names of values that can be read only once, so that reading alters them."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from . import words
from .calls import called_name
from .scopes import functions_and_classes
from .sharing import Names, bindings, root, values

# Functions whose elements are tuples, and no iterators.
UNPACKED = {"zip", "enumerate", "product", "permutations", "combinations"}
# Libraries with objects whose method `map` returns an iterator.
PARALLEL = re.compile(r"^(concurrent|multiprocess\w*|pathos|loky|ipyparallel|mpi4py|gevent)\b")
HOLDERS = (ast.List, ast.Tuple, ast.Dict, ast.IfExp, ast.Lambda, ast.ListComp, ast.DictComp)


def names(nodes: Sequence[ast.stmt], known: Names, generators: set[str]) -> set[str]:
    """Return the names of iterators, and of functions that return one."""
    found: set[str] = set()
    count = -1
    while count != (count := len(found)):
        for node in nodes:
            for target, value in bindings(node, loops=False):
                unpacked = isinstance(target, (ast.Tuple, ast.List)) and called_name(value) in UNPACKED
                if not unpacked and once(value, found | generators, known):
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
        last, path = called_name(value), known.path(value.func)
        if last in words.ONE_SHOT | found:
            return not is_method_of_table(value, known)
        kept = not path.startswith("itertools.") and (consumes(value, path, known) or not passes(value, found, known))
        return not kept or (in_parts and last.startswith("read_"))
    return isinstance(value, HOLDERS) and any(once(part, found, known) for part in ast.iter_child_nodes(value))


def is_method_of_table(call: ast.Call, known: Names) -> bool:
    """Return whether a call is of a method such as map of a column, which returns another column."""
    is_method = isinstance(call.func, ast.Attribute) and not known.path(call.func)
    return is_method and called_name(call) in {"map", "filter"} and not any(map(PARALLEL.match, known.modules.values()))


def consumes(call: ast.Call, path: str, known: Names) -> bool:
    """Return whether a call reads all of an iterator that it gets, or is a call of a function of the notebook."""
    own = isinstance(call.func, ast.Name) and call.func.id in known.callables
    return own or called_name(call) in words.CONSUMES | words.FRESH_BUILTINS or bool(words.FRESH_MODULES.match(path))


def passes(call: ast.Call, found: set[str], known: Names) -> bool:
    """Return whether a call gets an iterator, which its value may keep: a progress bar, a partial function."""
    return any(holds(value, found, known) for value in values(call))


def holds(value: ast.AST, found: set[str], known: Names) -> bool:
    """Return whether a value is an iterator, or has one inside."""
    if isinstance(value, HOLDERS):
        return any(holds(part, found, known) for part in ast.iter_child_nodes(value))
    return getattr(value, "id", "") in found or once(value, found, known)
