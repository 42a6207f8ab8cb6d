# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which texts an expression may be, as far as code says: through names, functions, and how texts are joined."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Union

from .sharing import Names, root

Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]
Comprehension = Union[ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp]

LONGEST, MOST, PASSES = 250, 200, 8
# Methods whose result begins as their object does, and functions whose result begins as their first argument does.
LIKE_OBJECT = set(
    "strip rstrip lstrip lower replace removesuffix resolve absolute expanduser as_posix with_suffix with_name"
    " copy keys values items glob rglob iterdir".split()
)
LIKE_ARGUMENTS = set(
    "str Path PosixPath PurePath PurePosixPath fspath abspath normpath realpath expanduser expandvars URL make_url"
    " list sorted tuple set frozenset dict zip enumerate reversed iter chain from_iterable".split()
)
# They give an element of what they are given, or what stands in for a missing one.
GIVE_ELEMENTS = {"get", "pop", "next", "choice", "getenv", "setdefault"}
ADD_ELEMENTS = {"append", "extend", "insert", "add", "update", "setdefault"}
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
PLACEHOLDER = re.compile(r"%\(|%[-+# 0-9.]*[a-z]|\{")


@dataclass(frozen=True)
class Text:
    """A text that begins so."""

    head: str
    whole: bool = True  # it ends so, too
    inside: bool = False  # an element has it, of a list or a dict


Found = frozenset[Text]
NOTHING: Found = frozenset()
UNKNOWN: Found = frozenset({Text("", whole=False)})


class Flow(ast.NodeVisitor):
    """Goes through statements until nothing new is found, and then tells of each call."""

    def __init__(self, nodes: Sequence[ast.stmt], names: Names, given: Mapping[str, object], inputs: set[str]) -> None:
        self.nodes, self.names, self.inputs = nodes, names, inputs
        self.given = {name: frozenset({Text(value)}) for name, value in given.items() if isinstance(value, str)}
        self.ever: dict[tuple[str, str], Found] = {("", name): found for name, found in self.given.items()}
        self.now: dict[str, Found] = {}  # what the names of the notebook are at this statement
        self.straight = False  # the statement surely runs, and once
        self.scopes: list[tuple[str, set[str]]] = []
        self.functions: dict[str, list[Function]] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        self.told: Callable[[ast.Call], None] | None = None
        for item in (item for node in nodes for item in ast.walk(node)):
            if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self.functions.setdefault(item.name, []).append(item)
            elif isinstance(item, ast.ClassDef):
                self.classes[item.name] = item

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
                for item in ast.walk(node):
                    if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store):
                        self.now[item.id] = self.now.get(item.id, NOTHING) | self.ever.get(("", item.id), NOTHING)
            self.visit(node)

    # Names

    def key(self, name: str) -> str:
        """The scope that a name belongs to."""
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

    # Statements

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        for target in node.targets:
            both = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
            if both and len(target.elts) == len(node.value.elts):  # type: ignore[attr-defined]
                found = [self.of(value) for value in node.value.elts]  # type: ignore[attr-defined]
                for item, each in zip(target.elts, found):  # type: ignore[attr-defined]
                    self.bind(item, each, anew=True)
            else:
                self.bind(target, self.of(node.value), anew=True)
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
        arguments = [*node.args.posonlyargs, *node.args.args]
        defaults: list[tuple[ast.arg, ast.expr | None]] = [*zip(reversed(arguments), reversed(node.args.defaults))]
        defaults += zip(node.args.kwonlyargs, node.args.kw_defaults)
        scope = f"{node.name}()"
        for argument, default in defaults:
            if default is not None:
                self.visit(default)
                self.note(scope, argument.arg, self.of(default))
        with self.scope(scope, local_names(node)):
            for item in node.body:
                self.visit(item)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        with self.scope(f"<{id(node)}>", local_names(node)):
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

    @contextmanager
    def comprehension(self, node: Comprehension) -> Iterator[None]:
        with self.scope(f"<{id(node)}>", stored([part.target for part in node.generators])):
            for part in node.generators:
                self.bind(part.target, opened(self.of(part.iter)))
            yield

    # Calls

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        for function in self.own(node):
            self.hand_over(node, function)
        if isinstance(node.func, ast.Attribute) and node.func.attr in ADD_ELEMENTS and root(node.func.value):
            found = self.all(node.args) | self.all(keyword.value for keyword in node.keywords)
            self.bind(ast.Name(root(node.func.value), ast.Store()), inside(found))
        if called(node) in self.classes or called(node) in {"SimpleNamespace", "Namespace"}:
            fields = [item.target for item in getattr(self.classes.get(called(node)), "body", []) if is_field(item)]
            values = [*zip((root(field) for field in fields), node.args)]
            for name, value in [*values, *((keyword.arg or "", keyword.value) for keyword in node.keywords)]:
                self.note(".", name, self.of(value))
        if self.told:
            self.told(node)

    def own(self, node: ast.Call) -> list[Function]:
        """The functions of the notebook that a call may mean."""
        if self.names.path(node.func):
            return []
        made = self.classes.get(called(node))
        if made is not None and isinstance(node.func, ast.Name):
            return [item for item in made.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"]
        return self.functions.get(called(node), [])

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

    # Expressions

    def of(self, node: ast.AST | None) -> Found:
        """The texts that an expression may be."""
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
        parts = []
        for value in node.values:
            is_text = isinstance(value, ast.Constant)
            parts.append(frozenset({Text(str(value.value))}) if is_text else self.of(value))  # type: ignore[attr-defined]
        return joined(parts)

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
        if name in GIVE_ELEMENTS:
            return opened(receiver.union(*given, *named))
        if name in LIKE_OBJECT and not path:
            return receiver
        if name in LIKE_ARGUMENTS:
            several = len(given) > 1 and name.endswith("Path")
            return joined(with_slashes(given)) if several else NOTHING.union(*given, *map(inside, named))
        return NOTHING


def called(node: ast.Call) -> str:
    """The last part of the name of what is called."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def is_field(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign)


def stored(nodes: Sequence[ast.AST]) -> set[str]:
    found = {item for node in nodes for item in ast.walk(node) if isinstance(item, ast.Name)}
    return {item.id for item in found if isinstance(item.ctx, ast.Store)}


def local_names(node: Function | ast.Lambda) -> set[str]:
    body = node.body if isinstance(node.body, list) else [node.body]
    declared = {name for item in ast.walk(node) if isinstance(item, ast.Global) for name in item.names}
    return stored(body) - declared | {item.arg for item in ast.walk(node.args) if isinstance(item, ast.arg)}


def inside(found: Found) -> Found:
    return frozenset(replace(text, inside=True) for text in found)


def opened(found: Found) -> Found:
    """What the elements are: a text that is an element of an element stays one."""
    return frozenset(replace(text, inside=False) for text in found)


def with_slashes(parts: Sequence[Found]) -> list[Found]:
    return [each for number, part in enumerate(parts) for each in ([frozenset({Text("/")})] if number else []) + [part]]


def joined(parts: Sequence[Found]) -> Found:
    """One after the other, as far as each is known."""
    found: Found = frozenset({Text("")})
    for part in parts:
        ends = part or UNKNOWN
        if len(found) * len(ends) > MOST:
            return frozenset(replace(text, whole=False) for text in found)
        both = {one if not one.whole else Text((one.head + end.head), end.whole) for one in found for end in ends}
        found = frozenset(Text(t.head[:LONGEST], t.whole and len(t.head) <= LONGEST) for t in both)
    return found


def formatted(left: Found, right: Found) -> Found:
    """A text with placeholders: what is before the first one, and if nothing is, what may come there."""
    found: Found = NOTHING
    for text in left:
        place = PLACEHOLDER.search(text.head)
        if place is None:
            found |= {text}
        elif place.start():
            found |= {Text(text.head[: place.start()], whole=False)}
        else:
            found |= {replace(each, whole=False, inside=False) for each in right}
    return found
