# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What acts on all statements from one to another: where prints, logs, warnings and the errors of numpy go.

A statement in between may write to it, whatever it says. It stays if what was written is needed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from .alterations import Summary
from .calls import called_name
from .sharing import PROCESS, Names, bindings, root, values

PRINTS = {"sys.stdout", "sys.stderr"}
ORIGINALS = PRINTS | {"sys.__stdout__", "sys.__stderr__"}
MANAGERS = {"catch_warnings", "redirect_stdout", "redirect_stderr"}
HANDLES = ("emit", "filter", "format", "handle")  # what logging calls
PRINTED = "<what is printed>"


class Spans:
    """From which statement on what is written to."""

    def __init__(self, names: Names, methods: Mapping[str, Summary], nodes: Sequence[ast.stmt]) -> None:
        self.names, self.methods = names, methods
        pairs = [pair for node in nodes for pair in bindings(node, loops=False)]
        self.originals = {root(target) for target, value in pairs if self.path(value) in ORIGINALS}
        self.managers = {root(target) for target, value in pairs if called_name(value) in MANAGERS}
        self.open: dict[str, set[str]] = {}  # for each way to write: the names of what is written to

    def path(self, node: ast.AST) -> str:
        return self.names.path(node) if isinstance(node, ast.expr) else ""

    def pass_by(self, node: ast.stmt, alters: set[str]) -> tuple[set[str], set[str]]:
        """What a statement may write to, and what it reads of that, when those before it were passed."""
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)):
            return set(), set()
        before = set().union(*self.open.values())
        reads = {PRINTED} if PRINTED in before and any(self.path(item) in PRINTS for item in ast.walk(node)) else set()
        for way, names in self.begun(node, alters):
            self.open[way] = names
        entered = {PROCESS} if any(way.startswith("with ") for way, _ in self.begun(node, alters)) else set()
        return before | set().union(*self.open.values()) | entered, reads

    def begun(self, node: ast.stmt, alters: set[str]) -> Iterator[tuple[str, set[str]]]:
        """The ways to write that a statement opens or, with nothing to write to, closes."""
        value = getattr(node, "value", None)
        targets = node.targets if isinstance(node, ast.Assign) else []
        for path in (self.path(target) for target in targets):
            if path in PRINTS:
                yield path, self.written(value)
        if not isinstance(value, ast.Call):
            return
        yield from self.by_call(value, {root(target) for target in targets} - {""}, alters)

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
            yield f"{last} {ast.unparse(call)}", arguments | handled
        elif holder is not None and self.is_manager(holder) and last in {"__enter__", "__exit__"}:
            yield f"with {root(holder)}", self.names.shared(holder) | given if last == "__enter__" else set()

    def is_manager(self, node: ast.expr) -> bool:
        return called_name(node) in MANAGERS or root(node) in self.managers

    def written(self, value: ast.AST | None) -> set[str]:
        """The names of what prints go to."""
        if value is None or self.path(value) in ORIGINALS or root(value) in self.originals:
            return set()
        unnamed = isinstance(value, ast.Call) and called_name(value) != "open"
        return self.names.shared(value) | ({PRINTED} if unnamed else set())
