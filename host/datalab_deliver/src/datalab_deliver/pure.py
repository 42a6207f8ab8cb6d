# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The methods of a notebook's own classes that do not alter their object, their arguments, or anything outside.

A slice keeps what may alter a value. This module is stricter: unless code is known not to alter a value, it counts as
altering all of it, however deep.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from . import words
from .alterations import FILES, Finder, Summary
from .calls import CHANCE
from .depths import NOTHING, Node, Value, either, of_name
from .effects import Analysis
from .elements import Elements
from .functions import Flow
from .kinds import last_name
from .scopes import decorated, keeps_state, mentioned
from .sharing import PROCESS, Names, root
from .sharing import values as arguments

ARGUMENTS = "<arguments>"
# Calls that make class attributes which the objects of the class do not alter.
SETTLED = re.compile(r"(re\.compile|(math|datetime)\.\w+|decimal\.Decimal|enum\.auto|dataclasses\.field)$")
WITHOUT_NAME = CHANCE | {FILES, PROCESS}


class Asked(Finder):
    """A visitor that finds whether a call may alter its arguments, whatever they are."""

    def arguments(self, node: ast.Call) -> set[str]:
        return {ARGUMENTS}


class Strict(Elements):
    """What functions may alter, if a library counts as altering everything that it is not known to leave alone."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        super().__init__(analysis.names, analysis.nodes, analysis.assigned)
        self.unshared -= analysis.names.classes
        for flow in self.flows.values():  # drop what was found before all methods were known
            flow.altered, flow.perhaps = set(), set()
        self.settle()
        found = {name: [flow for flow in flows if flow.of_class] for name, flows in self.functions.items()}
        self.methods = {name: flows for name, flows in found.items() if flows}
        self.settled = {node.name for node in self.nodes if isinstance(node, ast.ClassDef) and self.is_settled(node)}
        self.altering_names = self.altering_methods()

    def altered_by(self, name: str) -> set[str]:
        """Return the outside names that a function may alter; all names if it uses a method that alters something."""
        flows = self.functions.get(name, [])
        if any(mentions(flow, self.altering_names) for flow in flows):
            return self.assigned
        return self.called([name])

    def altering(self, name: str) -> list[int]:
        """Return the statements that may alter the value of a name; a function can be altered only by its name."""
        if name in self.functions:
            effects = self.analysis.effects()
            others = [isinstance(node, ast.Assign) and getattr(node.value, "id", "") == name for node in self.nodes]
            return [number for number, effect in enumerate(effects) if name in effect.alters or others[number]]
        return [number for number in range(len(self.nodes)) if name in self.alters(number, [])]

    def altering_functions(self, name: str) -> list[str]:
        return [each for each in self.functions if name in self.called([each])]

    def altering_methods(self) -> set[str]:
        """Return the methods that may alter their object or something outside, and those that mention such a method."""
        found = self.methods.keys() & words.MUTATES
        while True:
            new = {name for name, flows in self.methods.items() if any(self.is_altering(flow, found) for flow in flows)}
            if new <= found:
                return found
            found |= new

    def is_altering(self, flow: Flow, others: set[str]) -> bool:
        name = getattr(flow.node, "name", "")
        given = flow.parameters[:1] if self.is_of_class(flow) else flow.parameters
        own = {flow.scope + each for each in given if flow.takes_object}
        nodes = flow.altered | flow.perhaps
        decorated = any(map(keeps_state, getattr(flow.node, "decorator_list", [])))
        outside = self.analysis.methods.get(name, Summary()).alters & WITHOUT_NAME
        return decorated or bool(outside) or mentions(flow, others) or any(n in own or ":" not in n for n, _ in nodes)

    def is_of_class(self, flow: Flow) -> bool:
        """Return whether a function is a class method, which mostly makes an object from its arguments."""
        return isinstance(flow.node, ast.FunctionDef) and decorated(flow.node, "classmethod")

    def alter(self, node: ast.Call, receiver: Value, values: dict[int, Value]) -> None:
        name = last_name(node.func)
        if isinstance(node.func, ast.Attribute) and name in self.classes:  # a class that is defined in a class
            for flow in self.classes[name]:
                self.run(flow, flow.binding(node, values, NOTHING))
            return
        super().alter(node, receiver, values)
        if self.alters_arguments(node):
            self.altered |= whole(either(*values.values()))
            self.altered |= set() if isinstance(node.func, ast.Attribute) else whole(receiver)
        if isinstance(node.func, ast.Attribute) and not self.names.path(node.func):
            self.altered |= self.by_method(node.func, receiver)

    def alters_arguments(self, node: ast.Call) -> bool:
        finder = Asked(self.names, {}, {})
        finder.discarded.add(id(node))
        finder.given(node)
        path = self.names.path(node.func)
        if path:
            finder.of_library(node, path)
        elif isinstance(node.func, ast.Attribute):
            finder.of_method(node, node.func)
        elif getattr(node.func, "id", "") not in self.functions.keys() | self.classes.keys() | self.names.spared:
            finder.of_function(node)
        return ARGUMENTS in finder.alters

    def by_method(self, func: ast.Attribute, receiver: Value) -> set[Node]:
        """Return what a method alters of its object, if the object may be of a class that is not the notebook's."""
        known = func.attr in words.FRESH | words.VIEWS
        of_own = any(flow.of_class for flow in self.functions.get(func.attr, []))
        base = func.value
        if isinstance(base, ast.Call) and getattr(base.func, "id", "") == "super":
            return set() if known or of_own else {(each, 0) for each in self.selves()}
        if known or not of_own:
            return set()
        name = self.scoped(base.id) if isinstance(base, ast.Name) else ":"
        return set() if ":" not in name or name in self.selves() else whole(receiver)

    def selves(self) -> set[str]:
        """Return the names that methods give to their object, such as self."""
        methods = [flow for flow in self.flows.values() if flow.takes_object and flow.parameters]
        return {flow.scope + flow.parameters[0] for flow in methods}

    def any_class(self) -> Value:
        return either(*map(of_name, self.names.classes))

    def attribute(self, node: ast.Attribute) -> Value:
        found = super().attribute(node)
        return either(found, self.any_class()) if node.attr == "__class__" else found

    def call(self, node: ast.Call) -> Value:
        found = super().call(node)
        return either(found, self.any_class()) if last_name(node.func) == "type" else found

    def is_settled(self, node: ast.ClassDef) -> bool:
        """Return whether objects of a class cannot alter its class attributes."""
        fixed = self.names.modules.keys() | self.names.callables.keys() | self.unshared | constants(self.nodes)
        for each in self.nodes:
            if isinstance(each, ast.ClassDef):
                fixed |= {f"{each.name}.{name}" for name in constants(each.body)}
        own = [item for item in node.body if isinstance(item, (ast.Assign, ast.AnnAssign)) and item.value]
        return all(
            is_fixed(item.value, fixed, self.names) or (is_flat(item.value) and only_read(mentioned(item), self.nodes))
            for item in own
        )

    def store(self, target: ast.Attribute | ast.Subscript, value: Value) -> None:
        super().store(target, value)
        if any(isinstance(part, ast.Call) or getattr(part, "attr", "") == "__class__" for part in ast.walk(target)):
            self.altered |= {(name, 0) for name in self.names.classes}  # such as type(a).n = 1

    def part(self, node: ast.Subscript) -> Value:
        if self.names.filled:  # reading an element may create it
            self.altered |= self.value(node.value)[0]
        return super().part(node)


def whole(value: Value) -> set[Node]:
    return set().union(*value)


def mentions(flow: Flow, methods: set[str]) -> bool:
    return any(isinstance(item, ast.Attribute) and item.attr in methods for item in ast.walk(flow.node))


def constants(nodes: Sequence[ast.stmt]) -> set[str]:
    """Return the names to which a number, a text or the like is assigned."""
    plain = [node for node in nodes if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)]
    return {root(target) for node in plain for target in node.targets}


def is_fixed(value: ast.expr | None, fixed: set[str], names: Names) -> bool:
    """Return whether nothing alters a value."""
    if isinstance(value, ast.Call):
        given = all(is_fixed(each, fixed, names) for each in arguments(value))
        return given and bool(SETTLED.match(names.path(value.func)))
    if isinstance(value, ast.Name):
        return value.id in fixed
    if isinstance(value, ast.Attribute):
        return bool(names.path(value)) or ast.unparse(value) in fixed
    if isinstance(value, (ast.Tuple, ast.BinOp, ast.UnaryOp)):
        return all(is_fixed(each, fixed, names) for each in ast.iter_child_nodes(value) if isinstance(each, ast.expr))
    return isinstance(value, (ast.Constant, ast.Lambda))


def is_flat(value: ast.expr | None) -> bool:
    """Return whether a value is a list, a set or a dict of constants."""
    items = [*value.keys, *value.values] if isinstance(value, ast.Dict) else getattr(value, "elts", [None])
    return all(isinstance(item, ast.Constant) for item in items)


def only_read(names: set[str], nodes: Sequence[ast.stmt]) -> bool:
    """Return whether code only iterates over attributes of these names, compares them, or reads their elements."""
    reading = {id(part) for node in nodes for item in ast.walk(node) for part in read_by(item)}
    found = [item for node in nodes for item in ast.walk(node) if isinstance(item, ast.Attribute)]
    return all(id(item) in reading for item in found if item.attr in names)


def read_by(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, (ast.For, ast.comprehension)):
        return [node.iter]
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        return [node.value, node.slice]
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"len", "sum", "sorted", "min", "max", "zip"}:
        return node.args
    return node.comparators if isinstance(node, ast.Compare) else []
