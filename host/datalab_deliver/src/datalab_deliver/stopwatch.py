# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The expressions whose values are only printed, such as the seconds that a loop took."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from .words import FRESH_BUILTINS

PASSES = (ast.BinOp, ast.UnaryOp, ast.JoinedStr, ast.FormattedValue, ast.keyword)
METHODS = {"format", "total_seconds", "strftime", "isoformat"}


class Printed:
    """Where the values of expressions go in a notebook's statements."""

    def __init__(self, nodes: Sequence[ast.stmt]) -> None:
        items = [item for node in nodes for item in ast.walk(node)]
        self.parents = {id(child): item for item in items for child in ast.iter_child_nodes(item)}
        self.uses: dict[str, list[ast.AST]] = {}
        for item in items:
            if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Load):
                self.uses.setdefault(item.id, []).append(item)
            elif isinstance(item, (ast.Global, ast.Nonlocal)):
                self.uses.update({name: [item] for name in item.names})

    def only(self, node: ast.AST, names: frozenset[str] = frozenset()) -> bool:
        """Return whether a value reaches nothing but prints; `names` are those that it has reached already."""
        child, parent = node, self.parents.get(id(node))
        while parent is not None and self.passes(parent, child):
            child, parent = parent, self.parents.get(id(parent))
        if isinstance(parent, ast.Call):
            discarded = isinstance(self.parents.get(id(parent)), ast.Expr)
            return discarded and getattr(parent.func, "id", "") == "print"
        if not isinstance(parent, ast.Assign) or not all(isinstance(each, ast.Name) for each in parent.targets):
            return False
        new = {each.id for each in parent.targets if isinstance(each, ast.Name)} - names
        used = all(name in self.uses for name in new)  # a name that nothing uses is a result
        return used and all(self.only(use, names | new) for name in new for use in self.uses[name])

    def passes(self, parent: ast.AST, child: ast.AST) -> bool:
        """Return whether the value of an expression becomes a part of the one around it."""
        if isinstance(parent, ast.Attribute):
            return parent.attr in METHODS
        if isinstance(parent, ast.Call) and parent.func is not child:
            return getattr(parent.func, "id", getattr(parent.func, "attr", "")) in FRESH_BUILTINS - {"print"} | METHODS
        return isinstance(parent, (*PASSES, ast.Call))
