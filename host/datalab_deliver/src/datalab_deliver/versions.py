# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A name that gets another meaning at some statement counts as another name from there on.

Notebooks give `X`, `model` and `ax` a value in each of their parts. What is known of a name holds for the whole
notebook, so that without these versions a part would need all the others.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace

from .apart import OWN
from .scopes import LATER, imported, in_texts, outside, parts
from .source import Statement, names

MARK = "\u02b9"  # a letter, so that the result is a valid name
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# Functions and methods that find names in texts.
BY_TEXT = {"query", "eval", "exec", "globals", "locals", "vars"}


def plain(name: str) -> str:
    """Return the name as the notebook has it."""
    return name.partition(MARK)[0].partition(OWN)[0]


def version(name: str) -> int:
    return int(name.partition(MARK)[2] or 1)


def numbered(statements: Sequence[Statement]) -> list[Statement]:
    """Return statements with numbered names: `x = 1; x = x + 1` as `x = 1; x2 = x + 1`, with a mark before the 2."""
    fixed = fixed_names([statement.node for statement in statements])
    numbers: dict[str, int] = {}
    found = []
    for statement in statements:
        node = deepcopy(statement.node)
        targets = [item for item in given(node) if item.id not in fixed]
        others = [item for item in now(node) if isinstance(item, ast.Name) and item.id not in fixed]
        others = [item for item in others if all(item is not target for target in targets)]
        numbers.update({item.id: 1 for item in others if item.id not in numbers})
        rename(others, numbers)
        numbers.update({name: numbers.get(name, 0) + 1 for name in {item.id for item in targets}})
        rename(targets, numbers)
        if isinstance(node, DEFINITIONS) and node.name not in fixed:
            numbers[node.name] = numbers.get(node.name, 0) + 1
            node.name = marked(node.name, numbers)
        found.append(replace(statement, node=node))
    return found


def rename(items: Sequence[ast.Name], numbers: dict[str, int]) -> None:
    for item in items:
        item.id = marked(item.id, numbers)


def marked(name: str, numbers: dict[str, int]) -> str:
    return f"{name}{MARK}{numbers[name]}" if numbers[name] > 1 else name


def given(node: ast.stmt) -> list[ast.Name]:
    """Return the names to which a statement certainly gives a new value, after it has read its other names."""
    targets: list[ast.expr] = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign) and node.value:
        targets = [node.target]
    there = [part for target in targets for part in parts(target)]
    found = [part for part in there if isinstance(part, ast.Name)]
    return found if len(found) == len(there) else []


def now(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs with a statement, and not only when a function that it makes is called."""
    if not isinstance(node, LATER):
        yield node
        for child in ast.iter_child_nodes(node):
            yield from now(child)


def later(node: ast.AST) -> Iterator[ast.stmt | ast.expr]:
    """Yield the functions, classes and generators that a statement makes."""
    if isinstance(node, LATER):
        yield node
    else:
        for child in ast.iter_child_nodes(node):
            yield from later(child)


def fixed_names(nodes: Sequence[ast.stmt]) -> set[str]:
    """Return the names without a number: their value at another time counts, or their place does not identify them."""
    found: set[str | None] = set(dir(builtins))
    given_before: set[str] = set()
    for node in nodes:
        for inner in later(node):
            uses, defines = outside(inner if isinstance(inner, ast.stmt) else ast.Expr(inner))
            found |= uses | (defines - {node.name} if inner is node and isinstance(node, DEFINITIONS) else defines)
        for item in now(node):
            if isinstance(item, (ast.Import, ast.ImportFrom)):
                found |= imported(item).keys() & given_before
            elif not isinstance(item, ast.alias):  # names in patterns, of caught exceptions, after global
                found |= {getattr(item, "name", None), getattr(item, "rest", None), *getattr(item, "names", [])}
        given_before |= names(node, ast.Store)
    everything = [item for node in nodes for item in ast.walk(node)]
    if any(getattr(item, "id", getattr(item, "attr", None)) in BY_TEXT for item in everything):
        found = found.union(*map(in_texts, nodes))
    return {name for name in found if name}
