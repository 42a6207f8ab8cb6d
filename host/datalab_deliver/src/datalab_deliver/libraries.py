# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Objects of libraries that do not alter their arguments: figures and their parts, and models."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import words
from .scopes import Definition, is_flat_function

if TYPE_CHECKING:
    from .sharing import Names


def draws(node: ast.AST, names: Names) -> bool:
    """Return whether a value is a figure, a part of one, or several of these."""
    if isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
        return draws(node.value, names)
    if isinstance(node, (ast.BoolOp, ast.List, ast.Tuple)):
        parts = node.values if isinstance(node, ast.BoolOp) else node.elts
        return bool(parts) and all(draws(part, names) for part in parts)
    if isinstance(node, ast.IfExp):
        return draws(node.body, names) and draws(node.orelse, names)
    if not isinstance(node, ast.Call):
        return isinstance(node, ast.Name) and node.id in names.drawn
    path, last = names.path(node.func), node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if isinstance(node.func, ast.Name) and node.func.id in names.functions:
        return all(returns_figures(each, names) for each in names.functions[node.func.id])
    if path:
        last = path.rpartition(".")[2]
        return bool(words.DRAWN.match(path)) and (last in words.MAKES_FIGURES or last[:1].isupper())
    if not isinstance(node.func, ast.Attribute) or last in names.methods or last not in words.MAKES_FIGURES:
        return False
    return draws(node.func.value, names) or last_of(node.func.value) == "plot" or last in {"plot", "boxplot"}


def returns_figures(function: Definition, names: Names) -> bool:
    """Return whether a function of the notebook returns figures only; one that may call itself does not count."""
    given = [item.value for item in ast.walk(function) if isinstance(item, ast.Return)]
    simple = isinstance(function, ast.FunctionDef) and is_flat_function(function) and function.name not in names.rebound
    inside = [item for value in given if value for item in ast.walk(value)]
    own = any(getattr(getattr(item, "func", None), "id", "") in names.functions for item in inside)
    return simple and bool(given) and not own and all(value is not None and draws(value, names) for value in given)


def fitted(node: ast.AST, names: Names) -> bool:
    """Return whether a value is a library's model that does not alter the data it is fitted to, or several of these."""
    if isinstance(node, ast.Subscript):
        return fitted(node.value, names)
    if isinstance(node, (ast.List, ast.Tuple)):
        return all(fitted(part, names) for part in node.elts) and bool(node.elts)
    if isinstance(node, ast.ListComp):
        return fitted(node.elt, names)
    if isinstance(node, ast.Attribute):
        return node.attr in words.PARTS_OF_MODELS and fitted(node.value, names)
    if not isinstance(node, ast.Call):
        return isinstance(node, ast.Name) and node.id in names.models
    path = names.path(node.func)
    if path:
        return (
            bool(words.FITTED.match(path))
            and not calls_own(node, names)
            and not any(map(may_copy_nothing, ast.walk(node)))
        )
    last = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    return (
        last in words.FITS - names.methods and isinstance(node.func, ast.Attribute) and fitted(node.func.value, names)
    )


def may_copy_nothing(node: ast.AST) -> bool:
    """Return whether a node may tell a model to alter its data in place or to return them, as an unnamed option may."""
    if isinstance(node, ast.keyword):
        return node.arg is None or copies_nothing(node)
    if isinstance(node, (ast.Tuple, ast.List)) and len(node.elts) == 2:
        name, step = (getattr(each, "value", "") for each in node.elts)
        return isinstance(name, str) and step is None  # a step of a pipeline without a model
    return isinstance(node, ast.Constant) and node.value == "passthrough"


def copies_nothing(option: ast.keyword) -> bool:
    told = bool(words.COPIES.fullmatch(str(option.arg)))
    return told and ("overwrite" in str(option.arg) or getattr(option.value, "value", False) is not True)


def may_change_models(items: Sequence[ast.AST], names: Names) -> bool:
    """Return whether a notebook may tell any existing model to copy nothing; which model is not checked."""
    made = [item for item in items if isinstance(item, ast.Call) and words.FITTED.match(names.path(item.func))]
    within = {id(part) for item in made for part in ast.walk(item)}  # `fitted` checks these
    called = {id(item.func) for item in items if isinstance(item, ast.Call)}
    return any(
        changes_a_model(item) or (last_of(item) == "set_params" and id(item) not in called)
        for item in items
        if id(item) not in within
    )


def changes_a_model(node: ast.AST) -> bool:
    """Return whether a node may set an option such as copy, or leave out a step of a pipeline."""
    if isinstance(node, ast.Call):
        method = last_of(node.func)
        if method == "set_params":
            nothing = any(getattr(each.value, "value", "") is None for each in node.keywords)
            return nothing or any(map(may_copy_nothing, ast.walk(node)))
        name = getattr(node.func, "id", "")
        unknown = name == "setattr" and not all(isinstance(each, ast.Constant) for each in node.args[1:2])
        made_again = method == "__init__" and any(map(copies_nothing, node.keywords))
        return unknown or name == "vars" or made_again
    if isinstance(node, ast.Attribute):
        is_set = isinstance(node.ctx, ast.Store) and words.COPIES.fullmatch(node.attr)
        return bool(is_set) or node.attr in {"__dict__", "__setattr__", "__setstate__"}
    text = str(node.value) if isinstance(node, ast.Constant) else ""
    return bool(words.COPIES.fullmatch(text)) or (not isinstance(node, ast.keyword) and may_copy_nothing(node))


def calls_own(node: ast.AST, names: Names) -> bool:
    """Return whether an object may call functions or methods of the notebook when it is asked."""
    called = {item.func.id for item in ast.walk(node) if isinstance(item, ast.Call) and isinstance(item.func, ast.Name)}
    own = names.callables.keys() - called | names.makers
    mentions = {getattr(item, "id", getattr(item, "attr", "")) for item in ast.walk(node)}
    lambdas = any(isinstance(item, ast.Lambda) for item in ast.walk(node))
    return lambdas or bool(mentions & (own | names.call_own | {"FunctionTransformer"}))


def last_of(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else ""
