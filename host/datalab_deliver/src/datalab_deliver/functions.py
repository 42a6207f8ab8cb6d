# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The effects of a call of a notebook's own function on the objects inside of its arguments."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .depths import DEEPEST, NOTHING, Groups, Node, Value, either, element, holding, new
from .scopes import Definition, decorated, parameters
from .versions import plain


@dataclass
class Flow:
    """A function: what it alters, what it returns, and what it makes a part of another object."""

    node: Definition
    scope: str  # the prefix of its own names
    of_class: str = ""
    altered: set[Node] = field(default_factory=set)
    perhaps: set[Node] = field(default_factory=set)
    given: Value = NOTHING
    joined: list[set[Node]] = field(default_factory=list)
    defaults: dict[str, Value] = field(default_factory=dict)
    outer: tuple[str, ...] = ("",)  # the prefixes of the names in the functions around it

    @property
    def parameters(self) -> list[str]:
        arguments = self.node.args
        return [each.arg for each in [*arguments.posonlyargs, *arguments.args]]

    @property
    def takes_object(self) -> bool:
        """Whether the first argument is the method's object."""
        return bool(self.of_class) and not decorated(self.node, "staticmethod")

    @property
    def alters_itself(self) -> bool:
        """Whether a method alters its object."""
        return self.takes_object and any(
            name == self.scope + first for name, _ in self.altered for first in self.parameters[:1]
        )

    def arguments(self) -> list[str]:
        return parameters(self.node)

    def close(self, groups: Groups) -> None:
        """Keep, after the body was read, what the groups say of the arguments and of names outside."""
        own = {self.scope + name for name in self.arguments()}
        self.altered = {node for node in groups.all(self.altered) if self.seen(node, own)}
        self.perhaps = {node for node in groups.all(self.perhaps) if self.seen(node, own)}
        self.given = tuple(frozenset(n for n in groups.all(nodes) if self.seen(n, own)) for nodes in self.given)
        seen = [{node for node in group if self.seen(node, own)} for group in groups.with_any(own)]
        self.joined = [nodes for nodes in seen if len(nodes) > 1]

    def seen(self, node: Node, own: set[str]) -> bool:
        """Return whether a node is of an argument, or of a name outside."""
        scope = node[0].rpartition(":")[0]
        return node[0] in own or (f"{scope}:" if scope else "") in self.outer

    def binding(self, call: ast.Call, values: Mapping[int, Value], receiver: Value | None) -> dict[str, Value]:
        """Return the value of each argument in a call."""
        names = self.parameters
        found = {name: [self.defaults.get(name, NOTHING)] for name in self.arguments()}
        by_name = {plain(name): name for name in found}
        if receiver is not None and names:
            found[names.pop(0)].append(receiver)
        for number, item in enumerate(call.args):
            value = values[id(item)]
            if isinstance(item, ast.Starred):
                several(found, names[number:], value, self.node.args.vararg)
            elif number < len(names):
                found[names[number]].append(value)
            else:
                several(found, [], holding(value), self.node.args.vararg)
        for keyword in call.keywords:
            value = values[id(keyword.value)]
            if keyword.arg is None:
                several(found, names, value, self.node.args.kwarg)
            elif keyword.arg in by_name:
                found[by_name[keyword.arg]].append(value)
            else:
                several(found, [], holding(value), self.node.args.kwarg)
        return {name: either(*given) for name, given in found.items()}

    def all_bound(self, value: Value) -> dict[str, Value]:
        """Return the value of each argument if only the values of a call are known, and not their order."""
        return {name: either(value, self.defaults.get(name, NOTHING)) for name in self.arguments()}

    def called(self, binding: Mapping[str, Value], groups: Groups) -> tuple[set[Node], Value]:
        """Return what a call alters and what it returns; note what becomes a part of another object."""

        def put(nodes: Sequence[Node] | set[Node] | frozenset[Node]) -> frozenset[Node]:
            return frozenset().union(*(self.put(node, binding) for node in nodes))

        for nodes in self.joined:
            groups.same(put(nodes))
        return set(put(self.altered | self.perhaps)), tuple(put(self.given[depth]) for depth in range(DEEPEST + 1))

    def put(self, node: Node, binding: Mapping[str, Value]) -> frozenset[Node]:
        name, depth = node
        if name.startswith(self.scope):
            return binding.get(name[len(self.scope) :], NOTHING)[depth]
        return frozenset({node})


def several(found: dict[str, list[Value]], names: Sequence[str], value: Value, rest: ast.arg | None) -> None:
    """Give each of the names an element of a value, and the starred argument all elements."""
    for name in names:
        found[name].append(element(value))
    if rest:
        found[rest.arg].append(new(value))
