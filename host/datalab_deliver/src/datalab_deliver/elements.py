# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What statements alter inside of lists, tables and objects that share their elements with others.

`e = d.copy(); e.a[0].append(1)` alters d as well: a copy of a table has new cells, with the same lists in them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import Any

from . import kinds, words
from .alterations import OF_WITH
from .depths import NOTHING, Node, Value, either, element, holding, new, of_name
from .functions import Flow
from .scopes import Definition, given_anew, own_names, stored, with_defaults
from .sharing import Names, root
from .values import Values

ROUNDS = 4  # at most; what a round finds of a function bears on those that call it
STATEMENTS = {
    "Assign": "assign",
    "AnnAssign": "annotated",
    "AugAssign": "augmented",
    "Delete": "delete",
    "For": "repeat",
    "AsyncFor": "repeat",
    "withitem": "opened",
    "Return": "result",
    "Match": "match",
    "FunctionDef": "definition",
    "AsyncFunctionDef": "definition",
    "ClassDef": "class_definition",
}


class Elements(Values):
    """What each statement alters inside of the objects that names stand for."""

    def __init__(self, names: Names, nodes: Sequence[ast.stmt], assigned: set[str]) -> None:
        super().__init__(names, nodes, assigned)
        self.nodes = nodes
        self.of_statement: list[set[Node]] = []
        self.settle()

    def settle(self) -> None:
        """Read all statements until nothing new is found."""
        before = None
        for _ in range(ROUNDS):
            self.of_statement = [self.read(node) for node in self.nodes]
            now = (self.groups.changes, sum(map(len, self.of_statement)), sum(map(len, self.held.values())))
            if now == before:
                break
            before = now

    def alters(self, number: int, functions: Iterable[str]) -> set[str]:
        """Return the names of what a statement alters; `functions` are those that it may call through their holders."""
        return self.called(functions) | {
            name for name, _ in self.groups.all(self.of_statement[number]) if ":" not in name
        }

    def called(self, functions: Iterable[str], *, sure: bool = False) -> set[str]:
        """Return the outside names that functions may alter; with `sure`, those that they alter if they get there."""
        flows = [flow for name in functions for flow in self.functions.get(name, [])]
        nodes = {node for flow in flows for node in (flow.altered if sure else flow.altered | flow.perhaps)}
        return {name for name, _ in self.groups.all(n for n in nodes if ":" not in n[0]) if ":" not in name}

    def holders(self, names: Iterable[str]) -> set[str]:
        """Return the names that stand for the objects of some names, or for what contains these objects."""
        return {name for name, _ in self.groups.all((name, 0) for name in names) if ":" not in name}

    def read(self, node: ast.stmt) -> set[Node]:
        self.altered, self.perhaps = set(), set()
        self.statement(node)
        return self.altered | self.perhaps

    def statement(self, node: ast.AST) -> None:
        name = type(node).__name__
        if name in STATEMENTS:
            getattr(self, STATEMENTS[name])(node)
        elif isinstance(node, ast.expr):
            self.value(node)
        else:
            for child in ast.iter_child_nodes(node):
                self.statement(child)

    def assign(self, node: ast.Assign) -> None:
        value = self.value(node.value)
        if isinstance(node.value, ast.Subscript) and self.narrows(node.value, node.targets):
            value = self.value(node.value.value)
        if id(node) in self.anew:
            self.scopes[-1][1].update({name: f"{name}'" for name in stored(node.targets)})
        for target in node.targets:
            self.bind(target, value, node.value)

    def narrows(self, value: ast.Subscript, targets: Sequence[ast.expr]) -> bool:
        """Return whether a table becomes a selection of itself: d = d.loc[names]."""
        base = kinds.without_indexer(value.value)[0]
        itself = isinstance(base, ast.Name) and any(isinstance(t, ast.Name) and t.id == base.id for t in targets)
        return itself and self.kinds.of(base) in (kinds.TABLE, kinds.COLUMN)

    def annotated(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.bind(node.target, self.value(node.value), node.value)

    def augmented(self, node: ast.AugAssign) -> None:
        value = self.value(node.value)
        target = self.value(node.target)[0]
        if isinstance(node.target, ast.Name) or self.kinds.of(node.value) == kinds.CONTAINER:
            self.altered |= target
        elif not (isinstance(node.value, ast.Constant) and kinds.without_indexer(node.target.value)[1]):
            self.perhaps |= target  # += alters a list, but replaces a number
        if isinstance(node.target, ast.Name):
            self.groups.join(new(of_name(self.scoped(node.target.id))), value)
        else:
            self.bind(node.target, new(value), node.value)

    def delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, (ast.Attribute, ast.Subscript)):
                self.store(target, NOTHING)

    def repeat(self, node: ast.For) -> None:
        self.loop(node.target, node.iter)
        for item in [*node.body, *node.orelse]:
            self.statement(item)

    def opened(self, node: ast.withitem) -> None:
        value = self.value(node.context_expr)
        for flow in (flow for name in OF_WITH for flow in self.functions.get(name, [])):
            self.run(flow, flow.all_bound(value))
        if node.optional_vars is not None:
            self.bind(node.optional_vars, value, node.context_expr)

    def result(self, node: ast.Return) -> None:
        if node.value is not None:
            self.returned.append(self.value(node.value))

    def match(self, node: Any) -> None:  # an ast.Match, which Python 3.9 does not have
        value = self.value(node.subject)
        found = either(value, element(value), element(element(value)))
        for item in ast.walk(node):
            is_name = type(item).__name__ in ("MatchAs", "MatchStar")
            name = getattr(item, "name" if is_name else "rest", None)
            if name:
                self.bind(ast.Name(name, ast.Store()), found, None)
            elif isinstance(item, ast.stmt) and item is not node:
                self.statement(item)

    def definition(self, node: Definition) -> None:
        for item in getattr(node, "decorator_list", []):
            self.value(item)
        self.function(node)

    def class_definition(self, node: ast.ClassDef) -> None:
        made = [flow for base in node.bases for flow in self.classes.get(root(base), [])]
        for item in node.body:
            if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
                flow = self.function(item, node.name)
                if item.name in {"__init__", "__post_init__"}:
                    made = [flow]
            else:
                self.statement(item)
                for target in item.targets if isinstance(item, ast.Assign) else []:
                    if isinstance(target, ast.Name):
                        whole = of_name(self.scoped(node.name))
                        self.groups.join(element(whole), of_name(self.scoped(target.id)))
        self.classes[node.name] = made

    def function(self, node: Definition, of_class: str = "") -> Flow:
        flow = self.flows.get(id(node))
        if flow is None:
            flow = self.flows[id(node)] = Flow(node, f"{len(self.flows)}:", of_class)
            flow.outer = ("", *(scope for scope, _ in self.scopes))
            self.anew |= set(map(id, given_anew(node)))
            if not isinstance(node, ast.Lambda):
                self.functions.setdefault(node.name, []).append(flow)
        defaults = [(argument.arg, default) for argument, default in with_defaults(node.args)]
        flow.defaults = {name: self.value(default) for name, default in defaults if default is not None}
        outside = self.altered, self.perhaps, self.returned
        self.altered, self.perhaps, self.returned = set(), set(), []
        self.scopes.append((flow.scope, {name: name for name in own_names(node)}))
        if isinstance(node, ast.Lambda):
            self.returned.append(self.value(node.body))
        else:
            for item in node.body:
                self.statement(item)
        self.scopes.pop()
        flow.altered, flow.perhaps = self.altered | flow.altered, self.perhaps
        flow.given = either(*self.returned)
        flow.close(self.groups)
        self.altered, self.perhaps, self.returned = outside
        return flow

    def bind(self, target: ast.expr, value: Value, source: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            name = self.scoped(target.id)
            self.groups.join(of_name(name), value)
            if source is not None:
                self.hold(name, source)
            if isinstance(source, ast.Attribute) and source.attr in words.MUTATES:
                self.bound.add(name)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, holding(value), None)
        elif isinstance(target, (ast.Tuple, ast.List)):
            parts: list[ast.expr] = getattr(source, "elts", [])
            alike = len(parts) == len(target.elts) and not any(isinstance(each, ast.Starred) for each in parts)
            for number, item in enumerate(target.elts):
                self.bind(
                    item, self.value(parts[number]) if alike else element(value), parts[number] if alike else None
                )
        elif isinstance(target, (ast.Attribute, ast.Subscript)):
            self.store(target, value)

    def store(self, target: ast.Attribute | ast.Subscript, value: Value) -> None:
        """Note what an assignment to an element or attribute alters, and which object contains the value afterwards."""
        base, indexer = kinds.without_indexer(target.value)
        holder = self.value(base)
        self.altered |= holder[0]
        if isinstance(target, ast.Subscript):
            self.value(target.slice)
        kind = self.kinds.of(base)
        if kind != kinds.TABLE or indexer:
            self.groups.join(element(holder), value)
        if kind != kinds.CONTAINER:
            self.groups.join(new(holder), new(value))
