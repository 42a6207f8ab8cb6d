# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether code takes data out of figures, such as the limits of an axis, and so depends on what was drawn before."""

from __future__ import annotations

import ast
from enum import IntEnum

from . import words
from .calls import called_name
from .libraries import draws
from .objects import given
from .sharing import Names, values

# Attributes of arrays of figures, which give the same figures.
SAME = {"flat", "T", "shape", "size", "ndim"}
# Built-in functions that only pass figures on, or count them.
PASSES_ON = words.SHARING_BUILTINS - {"getattr", "vars"} | {"len", "isinstance", "callable", "hasattr"}


class Goes(IntEnum):
    """What happens to a value."""

    NOWHERE = 0  # it is dropped, or drawn
    TO_FIGURE = 1  # a name gets it that stands for figures only
    ELSEWHERE = 2


def read(node: ast.AST, names: Names, goes: Goes = Goes.ELSEWHERE) -> bool:
    """Return whether a piece of code takes data out of figures."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return any(read(each, names) for each in [*node.decorator_list, node.args])
    if isinstance(node, ast.Call):
        return of_call(node, names, goes)
    path = names.path(node) if isinstance(node, ast.Attribute) else ""
    if isinstance(node, ast.Attribute) and (path or draws(node.value, names)):
        of_figure = not path or of_figures(path)
        return goes > Goes.NOWHERE and of_figure and node.attr not in SAME and isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.Name):
        return goes is Goes.ELSEWHERE and isinstance(node.ctx, ast.Load) and node.id in names.drawn
    return any(read(child, names, where) for child, where in children(node, names, goes))


def children(node: ast.AST, names: Names, goes: Goes) -> list[tuple[ast.AST, Goes]]:
    """Return the parts of a node, and what happens to the value of each."""
    if isinstance(node, ast.Expr):
        return [(node.value, Goes.NOWHERE)]
    if isinstance(node, (ast.Assign, ast.For)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        stored = {item.id for target in targets for item in ast.walk(target) if isinstance(item, ast.Name)}
        simple = all(isinstance(item, (ast.Name, ast.Tuple)) for item in targets) and bool(stored & names.drawn)
        value = node.value if isinstance(node, ast.Assign) else node.iter
        others = [(child, Goes.ELSEWHERE) for child in ast.iter_child_nodes(node) if child is not value]
        return [(value, Goes.TO_FIGURE if simple else Goes.ELSEWHERE), *others]
    if isinstance(node, ast.Compare) and all(isinstance(each, (ast.Is, ast.IsNot)) for each in node.ops):
        return [(child, Goes.NOWHERE) for child in [node.left, *node.comparators]]
    if isinstance(node, ast.Subscript):
        return [(node.value, goes), (node.slice, Goes.ELSEWHERE)]
    if isinstance(node, ast.Return) and node.value:
        return [(node.value, Goes.TO_FIGURE if id(node) in names.returning else Goes.ELSEWHERE)]
    same = isinstance(node, (ast.BoolOp, ast.IfExp, ast.Tuple, ast.List, ast.Starred))
    return [(child, goes if same else Goes.ELSEWHERE) for child in ast.iter_child_nodes(node)]


def of_call(node: ast.Call, names: Names, goes: Goes) -> bool:
    if isinstance(node.func, ast.Name) and node.func.id in PASSES_ON - names.callables.keys():
        return any(read(value, names, goes) for value in values(node))
    drawn = draws_something(node, names)
    gives_data = drawn and not draws(node, names)
    if called_name(node) == "savefig" or (drawn and goes > (Goes.NOWHERE if gives_data else Goes.TO_FIGURE)):
        return True
    shown = drawn_there(node, names)
    inside = [node.func, *values(node)]
    return any(read(each, names, Goes.NOWHERE if drawn or id(each) in shown else Goes.ELSEWHERE) for each in inside)


def drawn_there(node: ast.Call, names: Names) -> set[int]:
    """Return the ids of the arguments that a function of the notebook uses as figures; its body says what it reads."""
    functions = names.functions.get(getattr(node.func, "id", ""), [])
    pairs = [pair for function in functions for pair in given(function, node)]
    return {id(value) for name, value in pairs if getattr(name, "id", "") in names.drawn}


def draws_something(node: ast.Call, names: Names) -> bool:
    """Return whether a call is one of a library that draws, or of a method of a figure or of a table's plot."""
    path = names.path(node.func)
    if path or not isinstance(node.func, ast.Attribute):
        return of_figures(path)
    return draws(node.func.value, names) or draws(node, names)


def of_figures(path: str) -> bool:
    """Return whether a member of a library draws, or is a setting or a part of figures."""
    return bool(words.FIGURES.match(path) and not words.NO_FIGURE.search(path))
