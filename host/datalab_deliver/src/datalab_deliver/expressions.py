# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The texts that an expression may be, as far as names, functions and objects are known."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Union

from . import words
from .scopes import Function, stored
from .sharing import Names, root
from .texts import LONGEST, MOST, NOTHING, Found, Text, formatted, inside, joined, opened, with_slashes

Comprehension = Union[ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp]
FORMS: dict[type, str] = {
    ast.Constant: "constant",
    ast.Name: "name",
    ast.Attribute: "attribute",
    ast.Call: "call",
    ast.JoinedStr: "joined_text",
    ast.BinOp: "operation",
    ast.IfExp: "either",
    ast.BoolOp: "first_of",
    **dict.fromkeys([ast.NamedExpr, ast.Starred, ast.Await, ast.FormattedValue], "value"),
    **dict.fromkeys([ast.List, ast.Tuple, ast.Set], "elements"),
    ast.Dict: "pairs",
    ast.DictComp: "made_pairs",
    ast.Subscript: "element",
    **dict.fromkeys([ast.ListComp, ast.SetComp, ast.GeneratorExp], "made_elements"),
}


class Expressions:
    """The values that names have had, and the values of expressions that result from them."""

    def __init__(self, nodes: Sequence[ast.stmt], names: Names, given: Mapping[str, object], inputs: set[str]) -> None:
        self.nodes, self.names, self.inputs = nodes, names, inputs
        self.given = {name: frozenset({Text(value)}) for name, value in given.items() if isinstance(value, str)}
        self.ever: dict[tuple[str, str], Found] = {("", name): found for name, found in self.given.items()}
        self.now: dict[str, Found] = {}  # the values of the notebook's names at the current statement
        self.straight = False  # the current statement certainly runs, and only once
        self.scopes: list[tuple[str, set[str]]] = []
        self.functions: dict[str, list[Function]] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        for item in (item for node in nodes for item in ast.walk(node)):
            if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self.functions.setdefault(item.name, []).append(item)
            elif isinstance(item, ast.ClassDef):
                self.classes[item.name] = item

    # Names

    def key(self, name: str) -> str:
        """Return the scope that a name belongs to; empty for a name of the notebook."""
        return next((scope for scope, local in reversed(self.scopes) if name in local), "")

    def note(self, scope: str, name: str, found: Found) -> None:
        both = self.ever.get((scope, name), NOTHING) | found
        if len(both) <= MOST:
            self.ever[scope, name] = both

    def bind(self, target: ast.AST, found: Found, *, anew: bool = False) -> None:
        if isinstance(target, ast.Name):
            scope = self.key(target.id)
            self.note(scope, target.id, found)
            if not scope:
                old = NOTHING if anew and self.straight and not self.scopes else self.now.get(target.id, NOTHING)
                self.now[target.id] = old | found
        elif isinstance(target, ast.Attribute):
            self.note(".", target.attr, found)
        elif isinstance(target, ast.Subscript):
            self.bind(ast.Name(root(target), ast.Store()), inside(found))
        elif isinstance(target, (ast.Tuple, ast.List)):
            for item in target.elts:
                self.bind(item, opened(found), anew=anew)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, inside(found), anew=anew)

    @contextmanager
    def scope(self, name: str, local: set[str]) -> Iterator[None]:
        self.scopes.append((name, local))
        try:
            yield
        finally:
            self.scopes.pop()

    @contextmanager
    def comprehension(self, node: Comprehension) -> Iterator[None]:
        with self.scope(f"<{id(node)}>", stored([part.target for part in node.generators])):
            for part in node.generators:
                self.bind(part.target, opened(self.of(part.iter)))
            yield

    def own(self, node: ast.Call) -> list[Function]:
        """Return the functions of the notebook that a call may mean."""
        if self.names.path(node.func):
            return []
        made = self.classes.get(called(node))
        if made is not None and isinstance(node.func, ast.Name):
            return [item for item in made.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"]
        return self.functions.get(called(node), [])

    # Expressions

    def of(self, node: ast.AST | None) -> Found:
        """Return the texts that an expression may be."""
        name = FORMS.get(type(node))
        found: Found = getattr(self, f"of_{name}")(node) if name else NOTHING
        return found

    def all(self, nodes: Iterable[ast.AST | None]) -> Found:
        return NOTHING.union(*(self.of(node) for node in nodes))

    def of_constant(self, node: ast.Constant) -> Found:
        is_text = isinstance(node.value, str) and node.value not in self.inputs
        return frozenset({Text(str(node.value)[:LONGEST], len(str(node.value)) <= LONGEST)}) if is_text else NOTHING

    def of_name(self, node: ast.Name) -> Found:
        scope = self.key(node.id)
        if not scope and not self.scopes:
            return self.now.get(node.id, NOTHING)
        return self.ever.get((scope, node.id), NOTHING)

    def of_attribute(self, node: ast.Attribute) -> Found:
        if node.attr == "parent":
            return frozenset(replace(text, whole=False) for text in self.of(node.value))
        return self.ever.get((".", node.attr), NOTHING)

    def of_joined_text(self, node: ast.JoinedStr) -> Found:
        return joined(
            [
                frozenset({Text(str(value.value))}) if isinstance(value, ast.Constant) else self.of(value)
                for value in node.values
            ]
        )

    def of_operation(self, node: ast.BinOp) -> Found:
        left, right = self.of(node.left), self.of(node.right)
        if isinstance(node.op, ast.Div):
            return joined([left, frozenset({Text("/")}), right]) if left else NOTHING
        if isinstance(node.op, ast.Mod):
            return formatted(left, right)
        if not isinstance(node.op, (ast.Add, ast.BitOr)):
            return NOTHING
        elements = frozenset(text for text in left | right if text.inside)
        return elements or (joined([left, right]) if left else NOTHING)

    def of_either(self, node: ast.IfExp) -> Found:
        return self.of(node.body) | self.of(node.orelse)

    def of_first_of(self, node: ast.BoolOp) -> Found:
        return self.all(node.values)

    def of_value(self, node: ast.NamedExpr | ast.Starred | ast.Await | ast.FormattedValue) -> Found:
        return self.of(node.value)

    def of_elements(self, node: ast.List | ast.Tuple | ast.Set) -> Found:
        return inside(self.all(node.elts))

    def of_pairs(self, node: ast.Dict) -> Found:
        return inside(self.all(node.values) | self.all(node.keys))

    def of_made_elements(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Found:
        with self.comprehension(node):
            return inside(self.of(node.elt))

    def of_made_pairs(self, node: ast.DictComp) -> Found:
        with self.comprehension(node):
            return inside(self.of(node.value) | self.of(node.key))

    def of_element(self, node: ast.Subscript) -> Found:
        found = self.of(node.value)
        if isinstance(node.slice, ast.Slice):
            return frozenset(text if text.inside else replace(text, whole=False) for text in found)
        return opened(found)

    def of_call(self, node: ast.Call) -> Found:
        name, path = called(node), self.names.path(node.func)
        if self.own(node):
            return NOTHING.union(*(self.ever.get((f"{name}()", "return"), NOTHING) for _ in self.own(node)))
        given = [self.of(value) for value in node.args]
        named = [self.of(keyword.value) for keyword in node.keywords]
        receiver = self.of(node.func.value) if isinstance(node.func, ast.Attribute) and not path else NOTHING
        if name in {"join", "joinpath", "urljoin"}:
            if not path and name == "join":
                return frozenset(replace(text, whole=False) for text in opened(NOTHING.union(*given)))
            return joined(with_slashes([receiver, *given] if receiver else given))
        if name == "format":
            return formatted(receiver, NOTHING.union(*given, *named))
        if name in words.GIVE_ELEMENTS:
            return opened(receiver.union(*given, *named))
        if name in words.LIKE_OBJECT and not path:
            return receiver
        if name in words.LIKE_ARGUMENTS:
            several = len(given) > 1 and name.endswith("Path")
            return joined(with_slashes(given)) if several else NOTHING.union(*given, *map(inside, named))
        return NOTHING


def called(node: ast.Call) -> str:
    """Return the last part of the called function's name."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def is_field(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign)


def pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """Return targets with their values: element by element if both are written as lists of the same length."""
    lists = (ast.Tuple, ast.List)
    if isinstance(target, lists) and isinstance(value, lists) and len(target.elts) == len(value.elts):
        return [*zip(target.elts, value.elts)]
    return [(target, value)]
