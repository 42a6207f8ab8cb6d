# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Calls of a served function to objects of the notebook's classes, written as calls of a method.

`model(x)` becomes `model.__call__(x)`, so that it is judged like `model.predict(x)`. The runs tell whether `model` is
an object of such a class; the text has to tell that no library defines how such an object is called.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import replace

from .foreseen import BASES, is_itself
from .libraries import draws, fitted
from .scopes import Definition, own_names
from .sharing import Names
from .source import Statement

CALL = "__call__"
NOT_CALLED = {"object", "dict", "list", "set", "tuple", "Exception"}  # objects of these have no such method
CALLED = {"torch.nn.Module"}  # and objects of these have


def written_out(
    statements: Sequence[Statement], numbers: Iterable[int], artifacts: Iterable[str], names: Names
) -> list[Statement]:
    """Return the statements; in the functions of these numbers, calls of artifacts are written out."""
    nodes = [statement.node for statement in statements]
    classes = [item for node in nodes for item in ast.walk(node) if isinstance(item, ast.ClassDef)]
    own = {item.name for item in classes}
    if any(map(is_otherwise, nodes)) or not all(is_sure(item, own, names) for item in classes):
        return list(statements)
    if not any(map(defines_call, classes)):
        return list(statements)
    found = [ast.Name(name, ast.Load()) for name in artifacts if name not in names.spared]
    writer = Writer({each.id for each in found if not fitted(each, names) and not draws(each, names)})
    functions = {number for number in numbers if isinstance(nodes[number], ast.FunctionDef)}
    return [
        replace(statement, node=writer.visit(deepcopy(statement.node))) if number in functions else statement
        for number, statement in enumerate(statements)
    ]


class Writer(ast.NodeTransformer):
    """A transformer that writes out calls of objects by their names, unless a name is a function's own."""

    def __init__(self, objects: set[str]) -> None:
        self.objects = objects

    def definition(self, node: Definition) -> ast.AST:
        outside, self.objects = self.objects, self.objects - own_names(node)
        self.generic_visit(node)
        self.objects = outside
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = definition  # noqa: N815 - names that ast wants

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in self.objects:
            node.func = ast.copy_location(ast.Attribute(node.func, CALL, ast.Load()), node.func)
        return node


def is_sure(item: ast.ClassDef, own: set[str], names: Names) -> bool:
    """Return whether a class defines how its objects are called, or has it from base classes of which that is known."""
    known = [
        getattr(base, "id", "") in NOT_CALLED | own
        or (bool(BASES.match(path := names.path(base))) and path not in CALLED)
        for base in item.bases
    ]
    return is_itself(item) and (defines_call(item) or all(known))


def defines_call(item: ast.ClassDef) -> bool:
    return any(isinstance(each, ast.FunctionDef) and each.name == CALL for each in item.body)


def is_otherwise(node: ast.stmt) -> bool:
    """Return whether code may give a class another `__call__` than one that its body defines without a decorator."""
    by_super = {id(item) for item in ast.walk(node) if isinstance(item, ast.Attribute) and is_super(item.value)}
    for item in ast.walk(node):
        decorated = isinstance(item, ast.FunctionDef) and item.name == CALL and item.decorator_list
        mentioned = any(getattr(item, key, "") == CALL for key in ("id", "attr", "value")) and id(item) not in by_super
        if decorated or mentioned:
            return True
    return False


def is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "super"
