# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The names that may stand for the same object, or for parts of one, so that altering one alters all.

The order of statements is ignored: names that share once count as always sharing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from . import words
from .libraries import fitted
from .scopes import Definition

PROCESS = "<process>"


@dataclass
class Names:
    """What the names of a notebook stand for, and which of them share objects."""

    modules: dict[str, str] = field(default_factory=dict)  # name: what it was imported from
    callables: dict[str, set[str]] = field(
        default_factory=dict
    )  # function or class: the names that it takes from outside
    classes: set[str] = field(default_factory=set)
    stateful: set[str] = field(default_factory=set)  # classes with more than constants; functions that keep state
    methods: set[str] = field(default_factory=set)  # names of the methods of the notebook's classes
    returned: dict[str, set[str]] = field(default_factory=dict)  # function: the names that its value may be a part of
    rebound: set[str] = field(default_factory=set)  # functions and classes whose names are also given another value
    filled: set[str] = field(default_factory=set)  # names of objects that get an element when they are read
    # Name: the state without a name that each use reads and alters.
    touches: dict[str, set[str]] = field(default_factory=dict)
    drawn: set[str] = field(default_factory=set)  # names of objects that draw, and do not alter their arguments
    returning: set[int] = field(default_factory=set)  # ids of the return statements of functions that return figures
    models: set[str] = field(default_factory=set)  # names of models, or of several models
    makers: set[str] = field(default_factory=set)  # classes, and functions that may return an object or a function
    call_own: set[str] = field(default_factory=set)  # objects that may call functions or methods of the notebook
    in_place: set[str] = field(default_factory=set)  # names of objects whose methods may alter their arguments
    functions: dict[str, list[Definition]] = field(default_factory=dict)  # the notebook's own, and named lambdas
    keeps: dict[str, set[str]] = field(default_factory=dict)  # function: the names that may keep one of its arguments
    spared: set[str] = field(default_factory=set)  # names of objects that a call does not alter
    kinds: dict[str, set[str]] = field(default_factory=dict)  # name: the literals and calls that make its values
    builtins: frozenset[str] = frozenset()  # the built-in names to which the notebook gives no value
    parents: dict[str, str] = field(default_factory=dict)
    # Pairs of names: the objects of the first may hold those of the second, but not the other way round.
    holders: list[tuple[set[str], set[str]]] = field(default_factory=list)

    def path(self, node: ast.expr) -> str:
        """Return the full name of a member of a library, such as numpy.random.seed; empty for anything else."""
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.modules:
            return ""
        return ".".join([self.modules[node.id], *reversed(parts)])

    def leader(self, name: str) -> str:
        while name in self.parents:
            name = self.parents[name]
        return name

    def join(self, names: set[str]) -> None:
        leaders = sorted({self.leader(name) for name in names})
        self.parents.update(dict.fromkeys(leaders[1:], leaders[0] if leaders else ""))

    def hold(self, holding: set[str], held: set[str]) -> None:
        if holding and held:
            self.holders.append((holding, held))

    def any_of(self, names: set[str], leaders: set[str]) -> bool:
        return any(self.leader(name) in leaders for name in names)

    def is_function(self, node: ast.AST) -> bool:
        """Return whether a value is a function, or has one."""
        return any(isinstance(x, ast.Lambda) or getattr(x, "id", "") in self.callables for x in ast.walk(node))

    def together(self, names: set[str], all_names: set[str]) -> set[str]:
        """Return the names and all names that share with them."""
        leaders = {self.leader(name) for name in names}
        new = leaders
        while new:
            new = {self.leader(each) for holding, held in self.holders if self.any_of(held, new) for each in holding}
            new -= leaders
            leaders |= new
        return names | {name for name in all_names if self.leader(name) in leaders}

    def shared(self, node: ast.AST) -> set[str]:
        """Return the names whose objects the value of an expression may be, be a part of, or contain."""
        if isinstance(node, (ast.Constant, ast.JoinedStr, ast.Compare, ast.UnaryOp)):
            return set()
        if isinstance(node, ast.Name):
            if node.id in self.stateful | self.classes | self.rebound:
                return {node.id}
            known = node.id in self.modules or node.id in self.callables or node.id in self.builtins
            return set() if known else {node.id}
        if isinstance(node, (ast.Attribute, ast.Subscript)):
            if isinstance(node, ast.Attribute) and self.path(node) in words.OF_PROCESS:
                return {PROCESS}
            constant = isinstance(node.value, ast.Name) and node.value.id in self.classes - self.stateful
            of_class = self.classes if getattr(node, "attr", "") == "__class__" else set()
            return of_class | (set() if constant else self.shared(node.value))
        if isinstance(node, ast.BinOp) and not isinstance(node.op, (ast.Add, ast.Mult, ast.BitOr)):
            return set()
        if isinstance(node, ast.Call):
            return self.shared_by_call(node)
        return set().union(*(self.shared(child) for child in ast.iter_child_nodes(node)))

    def read_later(self, node: ast.AST) -> set[str]:
        """Return the names whose objects a value reads when it is asked for something, such as d of d.groupby("x")."""
        if isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
            return self.read_later(node.value)
        if isinstance(node, (ast.Tuple, ast.List, ast.Dict, ast.IfExp, ast.BoolOp, ast.ListComp, ast.DictComp)):
            return set().union(*map(self.read_later, ast.iter_child_nodes(node)))
        if not isinstance(node, ast.Call) or self.path(node.func) or not isinstance(node.func, ast.Attribute):
            return set()
        if node.func.attr == "split":  # of KFold; that of a text gets no table
            return set().union(*map(self.shared, values(node)))
        if node.func.attr in words.LAZY:
            return self.shared(node.func.value) | self.read_later(node.func.value)
        return set() if node.func.attr in words.FRESH else self.read_later(node.func.value)

    def shared_by_call(self, call: ast.Call) -> set[str]:
        path = self.path(call.func)
        of_labels = words.LABELS if path.startswith("pandas.") else set()
        labels = {id(each.value) for each in call.keywords if each.arg in of_labels}
        arguments = set().union(*(self.shared(value) for value in values(call) if id(value) not in labels))
        if path:
            last = path.rpartition(".")[2]
            if last in words.SETS:
                return {PROCESS}
            fresh = words.FRESH_MODULES.match(path) and last not in words.SHARING and not last[:1].isupper()
            fresh = fresh and not shares_by_option(call)
            return set() if fresh else arguments
        if isinstance(call.func, ast.Attribute):
            return self.shared_by_method(call, call.func, arguments)
        if isinstance(call.func, ast.Name):
            name = call.func.id
            own = {name} & (self.stateful | self.rebound)
            if name in self.returned:
                return arguments | own | self.returned[name]
            if name in self.callables:
                functions = self.callables.keys() - self.stateful - self.rebound
                return arguments | own | self.callables[name] - functions - self.modules.keys()
            if name == "type":
                return self.classes
            return set() if call.func.id in words.FRESH_BUILTINS else arguments | self.shared(call.func)
        return arguments | self.shared(call.func)

    def shared_by_method(self, call: ast.Call, func: ast.Attribute, arguments: set[str]) -> set[str]:
        if fitted(func.value, self) and func.attr in words.GIVES_FITTED:
            return set()
        owner = self.shared(func.value)
        if owner and fitted(func.value, self) and func.attr in words.FITS:
            return owner  # the model itself, which has a name and holds what it was given
        kinds = self.kinds.get(root(func.value), set())
        shallow = (func.attr == "copy" and bool(kinds & words.CONTAINERS)) or shares_by_option(call)
        if func.attr in words.FRESH | words.SHOWS and not shallow and func.attr not in self.methods:
            return set()
        return owner | arguments


def shares_by_option(call: ast.Call) -> bool:
    """Return whether a call has the option copy, and it is not True."""
    return any(item.arg == "copy" and getattr(item.value, "value", None) is not True for item in call.keywords)


def values(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def root(node: ast.AST) -> str:
    """Return the name that a target begins with: df of df.loc[0, "x"]."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def bindings(node: ast.AST, *, loops: bool = True) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield targets and their values; in a loop, the value whose elements the target gets."""
    for item in ast.walk(node):
        if isinstance(item, ast.Assign):
            for target in item.targets:
                yield target, item.value
        elif isinstance(item, (ast.AnnAssign, ast.AugAssign, ast.NamedExpr)) and item.value is not None:
            yield item.target, item.value
        elif loops and isinstance(item, (ast.For, ast.AsyncFor, ast.comprehension)):
            yield item.target, item.iter
        elif isinstance(item, ast.withitem) and item.optional_vars is not None:
            yield item.optional_vars, item.context_expr
        elif type(item).__name__ == "Match":  # from Python 3.10 on
            for part in ast.walk(item):
                name = getattr(part, "rest", None) or (
                    getattr(part, "name", None) if type(part).__name__ in ("MatchAs", "MatchStar") else None
                )
                if name:
                    yield ast.Name(name, ast.Store()), getattr(item, "subject")  # noqa: B009 - 3.9 has no such node


def by_parts(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield targets and their values as `bindings` does, but each part of a target with its own value where known."""
    for target, value in bindings(node, loops=False):
        yield from by_part(target, value)
    for item in ast.walk(node):
        if isinstance(item, (ast.For, ast.AsyncFor, ast.comprehension)):
            yield from by_element(item.target, item.iter)


def by_part(target: ast.AST, value: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield each part of a target with the value that it gets."""
    both = isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List))
    parts, given = getattr(target, "elts", []), getattr(value, "elts", [])
    if both and len(parts) == len(given) and not any(isinstance(each, ast.Starred) for each in [*parts, *given]):
        for part, each in zip(parts, given):
            yield from by_part(part, each)
    else:
        yield target, value


def by_element(target: ast.AST, over: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield each part of a loop's target with the value that it gets, or whose element it gets."""
    if isinstance(over, (ast.Tuple, ast.List)) and not any(isinstance(each, ast.Starred) for each in over.elts):
        for each in over.elts:
            yield from by_part(target, each)
        return
    parts = target.elts if isinstance(target, (ast.Tuple, ast.List)) else []
    given = looped_over(over)
    if given and len(parts) == len(given) and not any(isinstance(each, ast.Starred) for each in parts):
        for part, each in zip(parts, given):
            yield from by_element(part, each)
    else:
        yield target, over


def looped_over(over: ast.AST) -> list[ast.expr]:
    """Return the values of which each part of a loop's target gets an element; empty if they are not known."""
    if not isinstance(over, ast.Call) or over.keywords or any(isinstance(each, ast.Starred) for each in over.args):
        return []
    if isinstance(over.func, ast.Name) and over.func.id == "enumerate" and len(over.args) == 1:
        return [ast.Constant(0), *over.args]
    if isinstance(over.func, ast.Name) and over.func.id == "zip":
        return over.args
    if isinstance(over.func, ast.Attribute) and over.func.attr == "items" and not over.args:
        return [ast.Constant(""), over.func.value]
    return []
