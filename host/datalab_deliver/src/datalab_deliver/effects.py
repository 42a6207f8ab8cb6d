# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each statement of a notebook uses, defines and alters."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Union

from . import words
from .alterations import Finder, Summary
from .sharing import Names, join_all
from .source import Statement

Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]


@dataclass
class Effect:
    """What a statement does to names."""

    uses: set[str]
    defines: set[str]
    alters: set[str]
    binds: bool  # it surely gives its names a new value
    guards: bool  # it may stop the run
    imports: bool = False
    star: bool = False


def of(statements: Sequence[Statement]) -> list[Effect]:
    """The effects of all statements of a notebook."""
    return Analysis(statements).effects()


class Analysis:
    """What is known about a notebook as a whole."""

    def __init__(self, statements: Sequence[Statement]) -> None:
        self.nodes = [statement.node for statement in statements]
        self.names = Names()
        self.known: dict[str, Summary] = {}
        self.methods: dict[str, Summary] = {}
        self.touchy: set[str] = set()  # classes whose objects may alter themselves without a call
        self.tables = [outside(node) for node in self.nodes]
        self.assigned = set().union(*(defines for _, defines in self.tables)) if self.tables else set()
        for node in self.nodes:
            self.names.modules.update(imported(node))
        for node, (uses, _) in zip(self.nodes, self.tables):
            for item in functions_and_classes(node):
                self.names.callables[item.name] = uses
        self.summarise()
        for node in self.nodes:
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                join_all(self.names, node)
        self.carried = self.carriers()
        self.one_shot = self.consumables()

    def summarise(self) -> None:
        """What each function and method does; those that call each other are looked at until nothing is new."""
        count = -1
        while count != (count := sum(len(s.alters) + len(s.reads) + s.alters_arguments for s in self.summaries())):
            for node in self.nodes:
                for item in functions_and_classes(node):
                    if not isinstance(item, ast.ClassDef):
                        self.known[item.name] = self.summary(item)
                        continue
                    inner = [part for part in item.body if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef))]
                    for part in inner:
                        self.methods[part.name] = merged([self.summary(part)], self.methods.get(part.name))
                    self.known[item.name] = merged([self.methods[part.name] for part in inner])
                    if any(implicit(part) and self.methods[part.name].effective for part in inner):
                        self.touchy.add(item.name)

    def summaries(self) -> list[Summary]:
        return [*self.known.values(), *self.methods.values()]

    def summary(self, node: Function) -> Summary:
        names = Names(self.names.modules, self.names.callables)
        finder = Finder(names, self.known, self.methods)
        for item in node.body:
            join_all(names, item)
        for item in node.body:
            finder.visit(item)
            for inner in ast.walk(item):
                if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    for part in inner.body:
                        finder.visit(part)
        parameters = {item.arg for item in ast.walk(node.args) if isinstance(item, ast.arg)}
        local, declared = local_names(node)
        alters = names.together(finder.alters, local | parameters | self.assigned)
        return Summary(
            alters={name for name in alters if name.startswith("<") or name not in local | parameters} | declared,
            reads=finder.reads,
            alters_arguments=bool(alters & parameters),
            generator=any(isinstance(item, (ast.Yield, ast.YieldFrom)) for item in ast.walk(node)),
        )

    def carriers(self) -> dict[str, set[str]]:
        """For each name that may hold a function, or an object that calls some: the functions' names."""
        carried: dict[str, set[str]] = {name: {name} for name in self.known}
        for number, (node, (_, defines)) in enumerate(zip(self.nodes, self.tables)):
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                for item in ast.walk(node.value):
                    if isinstance(item, (ast.Lambda, ast.GeneratorExp)):
                        self.run_later(f"<later {number}>", item)
                        for name in defines:
                            carried.setdefault(self.names.leader(name), set()).add(f"<later {number}>")
        for uses, defines in self.tables:
            inside = set().union(*(carried.get(name, set()) for name in uses))
            for name in defines - set(self.known):
                carried.setdefault(self.names.leader(name), set()).update(inside)
        return carried

    def run_later(self, name: str, node: ast.Lambda | ast.GeneratorExp) -> None:
        """A lambda or a generator: what it takes from outside, it takes when it is called."""
        finder = Finder(self.names, self.known, self.methods)
        finder.generic_visit(node)
        self.names.callables.setdefault(name, set()).update(outside(ast.Expr(node))[0])
        self.known[name] = merged([Summary(finder.alters & self.assigned, finder.reads)], self.known.get(name))

    def consumables(self) -> set[str]:
        """Names of what can be read only once, so that reading it alters it."""
        found = set()
        for node, (_, defines) in zip(self.nodes, self.tables):
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                value = node.value
                last = ""
                if isinstance(value, ast.Call):
                    last = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
                made_here = last in self.known and self.known[last].generator
                if isinstance(value, ast.GeneratorExp) or last in words.ONE_SHOT or made_here:
                    found |= defines
        return self.names.together(found, self.assigned)

    def effects(self) -> list[Effect]:
        return [self.effect(node, *table) for node, table in zip(self.nodes, self.tables)]

    def effect(self, node: ast.stmt, uses: set[str], defines: set[str]) -> Effect:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            star = any(alias.name == "*" for alias in node.names)
            return Effect(set(), set(imported(node)), set(), binds=True, guards=False, imports=True, star=star)
        finder = Finder(self.names, self.known, self.methods)
        finder.visit(node)
        uses = (uses | in_queries(node)) & (self.assigned | (uses - set(dir(builtins))))
        is_definition = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        alters = set(finder.alters)
        if not is_definition:
            for name in set().union(*(self.carried.get(self.names.leader(name), set()) for name in uses)):
                uses = uses | self.called(name)
                alters |= self.known[name].alters
                finder.reads |= self.known[name].reads
            alters |= {name for name in uses if self.carried.get(self.names.leader(name), set()) & self.touchy}
        return Effect(
            uses=uses | finder.reads,
            defines=defines,
            alters=self.names.together(alters, self.assigned) | (uses & self.one_shot),
            binds=is_definition or (isinstance(node, (ast.Assign, ast.AnnAssign)) and bool(defines)),
            guards=any(isinstance(item, (ast.Assert, ast.Raise)) for item in outer(node)),
        )

    def called(self, name: str) -> set[str]:
        """What a function needs from outside when it is called, and what those need that it calls."""
        found: set[str] = set()
        todo = [name]
        while todo:
            for needed in self.names.callables.get(todo.pop(), set()) - found:
                if needed in self.assigned:
                    found.add(needed)
                    todo.append(needed)
        return found


def implicit(node: Function) -> bool:
    """Whether a method runs without being called by its name: an operator, an index, a property."""
    if node.name.startswith("__"):
        return node.name not in {"__init__", "__post_init__", "__repr__", "__str__", "__hash__", "__call__"}
    return bool(node.decorator_list)


def merged(summaries: Sequence[Summary], other: Summary | None = None) -> Summary:
    both = [*summaries, *([other] if other else [])]
    return Summary(
        alters=set().union(*(item.alters for item in both)),
        reads=set().union(*(item.reads for item in both)),
        alters_arguments=any(item.alters_arguments for item in both),
    )


def outside(node: ast.stmt) -> tuple[set[str], set[str]]:
    """The names that a statement takes from the notebook, and those that it gives to it."""
    uses: set[str] = set()
    table = symtable.symtable(ast.unparse(node), "cell", "exec")
    defines = {item.get_name() for item in table.get_symbols() if item.is_assigned() or item.is_imported()}
    todo = [table]
    while todo:
        scope = todo.pop()
        for item in scope.get_symbols():
            if scope.get_type() == "module":
                uses |= {item.get_name()} if item.is_referenced() else set()
            elif item.is_global():
                uses |= {item.get_name()}
                defines |= {item.get_name()} if item.is_declared_global() and scope.get_type() != "function" else set()
        todo += scope.get_children()
    for part in outer(node):
        if isinstance(part, ast.AugAssign):
            uses |= {item.id for item in ast.walk(part.target) if isinstance(item, ast.Name)}
    return uses, defines


def local_names(node: Function) -> tuple[set[str], set[str]]:
    """The names that belong to a function, and those that it declares to be the notebook's and assigns."""
    body: set[str] = set()
    declared: set[str] = set()
    for item in ast.walk(node):
        if isinstance(item, ast.Name) and isinstance(item.ctx, (ast.Store, ast.Del)):
            body.add(item.id)
        elif isinstance(item, ast.Global):
            declared |= set(item.names)
    return body - declared, declared & (body | declared)


def imported(node: ast.stmt) -> dict[str, str]:
    """The names that a statement imports, also inside of try and if, and from where."""
    found = {}
    for item in outer(node):
        if isinstance(item, ast.Import):
            found.update(
                {a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0] for a in item.names}
            )
        elif isinstance(item, ast.ImportFrom):
            found.update({a.asname or a.name: f"{item.module or ''}.{a.name}" for a in item.names if a.name != "*"})
    return found


def functions_and_classes(node: ast.stmt) -> list[Function | ast.ClassDef]:
    return [item for item in outer(node) if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))]


def outer(node: ast.AST) -> Iterator[ast.AST]:
    """A statement and what is in it, but not what is inside of functions and classes."""
    yield node
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        for child in ast.iter_child_nodes(node):
            yield from outer(child)


def in_queries(node: ast.stmt) -> set[str]:
    """Names in the texts of query and eval, which pandas takes from the notebook."""
    found: set[str] = set()
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in {"query", "eval"}:
            for text in ast.walk(call):
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    found |= set(re.findall(r"[A-Za-z_]\w*", text.value))
    return found
