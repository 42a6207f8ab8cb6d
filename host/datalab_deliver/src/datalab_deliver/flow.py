# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The texts that reach each call, through assignments, functions, objects and loops."""

from __future__ import annotations

import ast
from collections.abc import Callable

from . import words
from .expressions import Comprehension, Expressions, called, is_field, pairs
from .scopes import Function, own_names, stored, with_defaults
from .sharing import root
from .source import names as names_in
from .texts import NOTHING, Found, inside, opened

PASSES = 8  # at most: functions that call functions that call functions


class Flow(Expressions, ast.NodeVisitor):
    """A visitor that reads the statements until nothing new is found, and then reports each call."""

    told: Callable[[ast.Call], None] | None = None

    def tell(self, told: Callable[[ast.stmt, ast.Call], None]) -> None:
        """Call a function with each statement and each call in it, in order."""
        before: dict[tuple[str, str], Found] = {}
        for _ in range(PASSES):
            self.go()
            if before == self.ever:
                break
            before = dict(self.ever)
        self.go(told)

    def go(self, told: Callable[[ast.stmt, ast.Call], None] | None = None) -> None:
        self.now = dict(self.given)
        for node in self.nodes:
            self.told = (lambda call, node=node: told(node, call)) if told else None
            self.straight = isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign))
            if not self.straight:
                for name in names_in(node, ast.Store):
                    self.now[name] = self.now.get(name, NOTHING) | self.ever.get(("", name), NOTHING)
            self.visit(node)

    # Statements

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        for target in node.targets:
            for part, found in [(part, self.of(value)) for part, value in pairs(target, node.value)]:
                self.bind(part, found, anew=True)
            if self.scopes and self.scopes[-1][0].startswith("class "):
                self.bind(ast.Attribute(target, root(target), ast.Store()), self.of(node.value))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit_Assign(ast.Assign([node.target], node.value))

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.generic_visit(node)
        left = ast.Name(node.target.id, ast.Load()) if isinstance(node.target, ast.Name) else node.target
        self.bind(node.target, self.of(ast.BinOp(left, node.op, node.value)), anew=True)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.generic_visit(node)
        self.bind(node.target, self.of(node.value))

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.bind(node.target, opened(self.of(node.iter)))
        self.generic_visit(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self.visit_For(node)

    def visit_Return(self, node: ast.Return | ast.Yield) -> None:
        self.generic_visit(node)
        name = next((scope for scope, _ in reversed(self.scopes) if scope.endswith("()")), "")
        if node.value is not None and name:
            found = self.of(node.value)
            self.note(name, "return", inside(found) if isinstance(node, ast.Yield) else found)

    def visit_Yield(self, node: ast.Yield) -> None:
        self.visit_Return(node)

    def visit_FunctionDef(self, node: Function) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator)
        scope = f"{node.name}()"
        for argument, default in with_defaults(node.args):
            if default is not None:
                self.visit(default)
                self.note(scope, argument.arg, self.of(default))
        with self.scope(scope, own_names(node)):
            for item in node.body:
                self.visit(item)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        with self.scope(f"<{id(node)}>", own_names(node)):
            self.visit(node.body)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        with self.scope(f"class {node.name}", stored(node.body)):
            self.generic_visit(node)

    def visit_ListComp(self, node: Comprehension) -> None:
        with self.comprehension(node):
            self.generic_visit(node)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self.visit_ListComp(node)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self.visit_ListComp(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self.visit_ListComp(node)

    # Calls

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        for function in self.own(node):
            self.hand_over(node, function)
        if isinstance(node.func, ast.Attribute) and node.func.attr in words.ADD_ELEMENTS and root(node.func.value):
            found = self.all(node.args) | self.all(keyword.value for keyword in node.keywords)
            self.bind(ast.Name(root(node.func.value), ast.Store()), inside(found))
        if called(node) in self.classes or called(node) in {"SimpleNamespace", "Namespace"}:
            fields = [item.target for item in getattr(self.classes.get(called(node)), "body", []) if is_field(item)]
            values = [*zip((root(field) for field in fields), node.args)]
            for name, value in [*values, *((keyword.arg or "", keyword.value) for keyword in node.keywords)]:
                self.note(".", name, self.of(value))
        if self.told:
            self.told(node)

    def hand_over(self, node: ast.Call, function: Function) -> None:
        arguments = [item.arg for item in [*function.args.posonlyargs, *function.args.args]]
        if arguments[:1] in (["self"], ["cls"]):
            del arguments[0]
        scope = f"{function.name}()"
        for number, value in enumerate(node.args):
            found = self.of(value)
            if number < len(arguments) and not isinstance(value, ast.Starred):
                self.note(scope, arguments[number], found)
            else:
                rest = arguments[number:] if isinstance(value, ast.Starred) else []
                for name in rest:
                    self.note(scope, name, opened(found))
                if function.args.vararg:
                    self.note(scope, function.args.vararg.arg, inside(found))
        named = [*arguments, *(item.arg for item in function.args.kwonlyargs)]
        for keyword in node.keywords:
            found = self.of(keyword.value)
            if keyword.arg in named:
                self.note(scope, keyword.arg or "", found)
                continue
            for name in named if keyword.arg is None else []:
                self.note(scope, name, opened(found))
            if function.args.kwarg:
                self.note(scope, function.args.kwarg.arg, inside(found))
