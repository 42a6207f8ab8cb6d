# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Redirections of prints, logs, warnings and numpy's errors, which act on all statements between two statements.

Any statement in between may write to the target. The statement stays if what was written is needed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from .alterations import Summary
from .calls import called_name
from .scopes import functions_and_classes
from .sharing import PROCESS, Names, bindings, root, values

PRINTS = {"sys.stdout", "sys.stderr"}
ORIGINALS = PRINTS | {"sys.__stdout__", "sys.__stderr__"}
MANAGERS = {"catch_warnings", "redirect_stdout", "redirect_stderr"}
HANDLES = ("emit", "filter", "format", "handle")  # methods that logging calls
PASS_ON = {"getLogger", "StreamHandler", "FileHandler", "RotatingFileHandler", "NullHandler"}  # they keep nothing
PRINTED = "<what is printed>"


class Spans:
    """The targets that are written to, and from which statement on."""

    def __init__(
        self, names: Names, methods: Mapping[str, Summary], nodes: Sequence[ast.stmt], assigned: set[str]
    ) -> None:
        self.names, self.methods, self.assigned = names, methods, assigned
        self.on_the_way = {name for name, made in names.kinds.items() if made & PASS_ON}
        pairs = [pair for node in nodes for pair in bindings(node, loops=False)]
        self.originals = {root(target) for target, value in pairs if self.is_original(value)}
        self.managers = {root(target) for target, value in pairs if called_name(value) in MANAGERS}
        inside = {
            item.name: [way for part in ast.walk(item) for way in self.by_values(part)]
            for node in nodes
            for item in functions_and_classes(node)
            if not isinstance(item, ast.ClassDef)
        }
        # A function with several redirections changes them back.
        self.inside = {name: ways[0] for name, ways in inside.items() if len(ways) == 1}
        self.open: dict[str, set[str]] = {}  # for each way to write: the names of the targets

    def shared(self, names: set[str]) -> set[str]:
        return self.names.together(names, self.assigned)

    def path(self, node: ast.AST) -> str:
        return self.names.path(node) if isinstance(node, ast.expr) else ""

    def pass_by(self, node: ast.stmt, alters: set[str]) -> tuple[set[str], set[str]]:
        """Return the targets that a statement may write to, and those that it reads, after the statements before it."""
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)):
            return set(), set()
        before = set().union(*self.open.values())
        reads = {PRINTED} if PRINTED in before and any(self.path(item) in PRINTS for item in ast.walk(node)) else set()
        for way, names in self.begun(node, alters):
            self.open[way] = names
        entered = {PROCESS} if any(way.startswith("with ") for way, _ in self.begun(node, alters)) else set()
        return before | set().union(*self.open.values()) | entered, reads

    def begun(self, node: ast.stmt, alters: set[str]) -> Iterator[tuple[str, set[str]]]:
        """Yield the redirections that a statement begins or, without a target, ends."""
        yield from self.by_values(node)
        value = getattr(node, "value", None)
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(value, ast.Call):
            yield from self.by_call(value, {root(target) for target in targets} - {""}, alters)

    def by_values(self, node: ast.AST) -> Iterator[tuple[str, set[str]]]:
        if not isinstance(node, ast.Assign):
            return
        for target in node.targets:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(pairs[0][1], ast.Tuple):
                pairs = [*zip(target.elts, pairs[0][1].elts)]
            for part, value in pairs:
                if self.path(part) in PRINTS or self.path(part).startswith("builtins."):
                    yield self.path(part), self.written(value)

    def by_call(self, call: ast.Call, given: set[str], alters: set[str]) -> Iterator[tuple[str, set[str]]]:
        path, last = self.names.path(call.func), called_name(call)
        holder = call.func.value if isinstance(call.func, ast.Attribute) else None
        arguments = set().union(*map(self.names.shared, values(call)))
        if last == "setattr" and len(call.args) == 3 and self.path(call.args[0]) == "sys":
            yield f"sys.{getattr(call.args[1], 'value', '')}", self.written(call.args[2])
        elif path == "numpy.seterrcall":
            yield path, alters - {PROCESS}
        elif last in {"addHandler", "addFilter"} or path == "logging.basicConfig":
            handled = set().union(*(self.methods[name].alters for name in HANDLES if name in self.methods))
            yield f"{last} {ast.unparse(call)}", self.shared(arguments) - self.on_the_way | handled
        elif isinstance(call.func, ast.Name) and last in self.inside:
            yield self.inside[last]
        elif holder is not None and self.enters(call, holder):
            yield f"with {root(holder)}", self.shared(self.names.shared(holder) | arguments | given)
        if holder is not None and last in {"__exit__", "close"} and f"with {root(holder)}" in self.open:
            yield f"with {root(holder)}", set()

    def is_original(self, value: ast.AST) -> bool:
        return self.path(value) in ORIGINALS or self.path(value).startswith("builtins.")

    def enters(self, call: ast.Call, holder: ast.expr) -> bool:
        """Return whether a call enters a context without a with statement, by __enter__ or an ExitStack."""
        last = called_name(call)
        by_stack = last == "enter_context" and bool(call.args) and self.is_manager(call.args[0])
        return by_stack or (last == "__enter__" and self.is_manager(holder))

    def is_manager(self, node: ast.expr) -> bool:
        return called_name(node) in MANAGERS or root(node) in self.managers

    def written(self, value: ast.AST | None) -> set[str]:
        """Return the names of the targets that prints go to."""
        if value is None or self.is_original(value) or root(value) in self.originals:
            return set()
        unnamed = isinstance(value, ast.Call) and called_name(value) != "open"
        return self.shared(self.names.shared(value)) | ({PRINTED} if unnamed else set())
