# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects that a value may be or contain, by their depth.

Depth 0 of a list is the list itself, 1 its elements, 2 their elements; depth 1 of a table is the content of its cells.
A copy has a new depth 0, and shares the rest with the original.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

DEEPEST = 3  # this depth stands for all deeper ones, too
Node = tuple[str, int]  # a name, and the depth
Value = tuple["frozenset[Node]", ...]  # for each depth: the nodes that the objects there are known by
NOTHING: Value = (frozenset(),) * (DEEPEST + 1)


def of_name(name: str) -> Value:
    return tuple(frozenset({(name, depth)}) for depth in range(DEEPEST + 1))


def either(*values: Value) -> Value:
    """Return a value that may be any of these values."""
    return tuple(frozenset().union(*found) for found in zip(NOTHING, *values))


def element(value: Value) -> Value:
    """Return an element of a value."""
    return (*value[1:], value[DEEPEST])


def new(value: Value) -> Value:
    """Return another object with the same elements: a copy."""
    return (NOTHING[0], *value[1:])


def holding(value: Value) -> Value:
    """Return a new object that has a value as an element."""
    return (NOTHING[0], *value[: DEEPEST - 1], value[DEEPEST - 1] | value[DEEPEST])


def blurred(value: Value) -> Value:
    """Return the same value with elements of unknown depth."""
    inside = frozenset().union(*value[1:])
    return (value[0], *[inside] * DEEPEST)


class Groups:
    """Groups of nodes (a name and a depth) that may be the same object."""

    def __init__(self) -> None:
        self.groups: dict[Node, set[Node]] = {}
        self.changes = 0

    def of(self, node: Node) -> set[Node]:
        return self.groups.get(node, {node})

    def all(self, nodes: Iterable[Node]) -> set[Node]:
        return set().union(*map(self.of, nodes))

    def same(self, nodes: Iterable[Node]) -> None:
        """Note that these nodes may be the same object."""
        found = {id(group): group for group in (self.groups.setdefault(node, {node}) for node in nodes)}
        if len(found) > 1:
            merged = set().union(*found.values())
            self.groups.update(dict.fromkeys(merged, merged))
            self.changes += 1

    def join(self, first: Value, second: Value) -> None:
        for pair in zip(first, second):
            if all(pair):
                self.same(pair[0] | pair[1])

    def with_any(self, names: Iterable[str]) -> Iterator[set[Node]]:
        """Yield the groups that have one of these names."""
        found = [self.of((name, depth)) for name in names for depth in range(DEEPEST + 1)]
        yield from {id(group): group for group in found}.values()
