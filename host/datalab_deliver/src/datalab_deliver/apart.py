# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each function's own names get a mark, so that what is known of `ax` in one function is not taken for another `ax`."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace

from .scopes import Definition, Function, declared, own_names
from .source import Statement

OWN = "\u02bb"  # a letter, so that the result is a valid name


def set_apart(statements: Sequence[Statement]) -> list[Statement]:
    """Return statements whose functions have own names with a mark and a number."""
    marker = Marker()
    return [replace(statement, node=marker.visit(deepcopy(statement.node))) for statement in statements]


class Marker(ast.NodeTransformer):
    """A transformer that marks the names that belong to functions."""

    def __init__(self) -> None:
        self.functions = 0
        self.marked: dict[str, str] = {}

    def visit_FunctionDef(self, node: Function) -> Definition:
        node.decorator_list = [self.visit(item) for item in node.decorator_list]
        return self.definition(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> Definition:
        return self.visit_FunctionDef(node)

    def visit_Lambda(self, node: ast.Lambda) -> Definition:
        return self.definition(node)

    def definition(self, node: Definition) -> Definition:
        """Mark the names in a function, but not in its defaults, which are computed outside of it."""
        arguments = node.args
        arguments.defaults = [self.visit(item) for item in arguments.defaults]
        arguments.kw_defaults = [item and self.visit(item) for item in arguments.kw_defaults]
        self.functions += 1
        before, plain = self.marked, declared(node) | otherwise(node)
        marked = {name: f"{name}{OWN}{self.functions}" for name in own_names(node)}
        self.marked = {**before, **marked, **{name: name for name in plain & (marked.keys() | declared(node))}}
        for item in ast.walk(arguments):
            if isinstance(item, ast.arg):
                item.arg = self.marked[item.arg]
        if isinstance(node, ast.Lambda):
            node.body = self.visit(node.body)
        else:
            node.body = [self.visit(item) for item in node.body]
        self.marked = before
        return node

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self.marked.get(node.id, node.id)
        return node


def otherwise(node: ast.AST) -> set[str]:
    """Return names that a function gives values in other ways than by assignments, or that are known by their names."""
    found = {"self", "cls"}
    for item in ast.walk(node):
        given = [getattr(item, "name", None), getattr(item, "rest", None), *getattr(item, "names", ())]
        found |= {name for name in given if isinstance(name, str)}
    return found
