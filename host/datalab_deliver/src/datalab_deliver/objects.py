# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The names of objects that, each time they are used, draw random numbers or figures, or alter their arguments."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from . import words
from .calls import FIGURES, called_name, is_starred, passed, spares_no_argument, touched
from .libraries import calls_own, draws, fitted, may_change_models, returns_figures
from .scopes import (
    Definition,
    functions_and_classes,
    is_flat_function,
    mentioned,
    mentioned_otherwise,
    parameters,
    parts,
    with_defaults,
)
from .sharing import Names, by_parts, root, values

Pair = tuple[ast.AST, ast.AST]
Test = Callable[[ast.AST, Names], bool]


def note_objects(names: Names, nodes: Sequence[ast.stmt]) -> None:
    """Note these names; an object that is given such an object counts as one, too."""
    names.methods, names.makers = methods(nodes), makers(nodes)
    passed, known = arguments(names, nodes)
    bound = [*passed, *(pair for node in nodes for pair in by_parts(node))]
    always(names, nodes, bound, known, names.drawn, draws)
    drawing = [each for found in names.functions.values() for each in found if returns_figures(each, names)]
    names.returning = {id(item) for each in drawing for item in ast.walk(each) if isinstance(item, ast.Return)}
    for name in {root(part) for target, value in bound if draws(value, names) for part in parts(target)}:
        names.touches.setdefault(name, set()).add(FIGURES)
    items = [item for node in nodes for item in ast.walk(node)]
    calls = [item for item in items if isinstance(item, ast.Call)]
    by_method = [(call.func, call) for call in calls if isinstance(call.func, ast.Attribute)]
    pairs = [*bound, *by_method]
    count = -1
    while count != (count := sum(map(len, names.touches.values())) + len(names.in_place)):
        for target, value in pairs:
            note(names, target, value)
    added = [(func.value, call) for func, call in by_method if func.attr in words.ADD_ELEMENTS | {"set_params"}]
    if not may_change_models(items, names):
        always(names, nodes, bound, known, names.models, fitted)
    names.models -= {root(value) for call in calls if may_set_options(call, names) for value in values(call)}
    note_own(names, by_name([*bound, *added]))


def may_set_options(call: ast.Call, names: Names) -> bool:
    """Return whether a call is one of a library that is not known: it may tell a model to copy nothing."""
    path = names.path(call.func)
    known = words.PURE_MODULES.match(path) or words.DRAWS.search(path) or words.FITTED.match(path)
    return bool(path) and not known and not words.WRITES_FILES.match(path.rpartition(".")[2])


def note(names: Names, target: ast.AST, value: ast.AST) -> None:
    """Note what a target gets from a value: the one that is assigned to it, or a call of one of its methods."""
    inside = [item for item in ast.walk(value) if isinstance(item, ast.Call)]
    made_of = value.func if isinstance(value, ast.Call) and called_name(value) in words.FITS - {"set_params"} else value
    mentions = {item.id for item in ast.walk(made_of) if isinstance(item, ast.Name)}
    tokens = set().union(*(touched(item, names) for item in inside if makes_object(item, names)))
    if not inside or makes_object(value, names):
        tokens = tokens.union(*(names.touches.get(name, set()) for name in mentions))
    targets = {root(part) for part in parts(target)} - {""} - names.modules.keys()
    for name in targets if tokens - {FIGURES} else ():
        names.touches.setdefault(name, set()).update(tokens - {FIGURES})
    if any(map(spares_no_argument, inside)) or mentions & names.in_place:
        names.in_place |= targets


def note_own(names: Names, pairs: Sequence[tuple[str, ast.AST]]) -> None:
    """Note which names may call functions of the notebook: those that hold some, also later, and the models in them."""
    new = {""}
    while new:
        new = {name for name, value in pairs if calls_own(value, names)}
        for name, value in pairs:
            if name in names.call_own:
                new |= {item.id for item in ast.walk(value) if isinstance(item, ast.Name)} & names.models
        new -= names.call_own
        names.call_own |= new
    names.models -= names.call_own


def arguments(names: Names, nodes: Sequence[ast.stmt]) -> tuple[list[Pair], set[str]]:
    """Return the arguments of functions of which all calls are known, each with its values, and their names."""
    items = [item for node in nodes for item in ast.walk(node)]
    calls = [item for item in items if isinstance(item, ast.Call) and isinstance(item.func, ast.Name)]
    called = {id(call.func) for call in calls}
    otherwise = {item.id for item in items if isinstance(item, ast.Name) and id(item) not in called}
    pairs: list[Pair] = []
    known: set[str] = set()
    for name, (function, *others) in names.functions.items():
        its = [call for call in calls if getattr(call.func, "id", "") == name]
        if (
            others
            or not isinstance(function, ast.FunctionDef)
            or function.decorator_list
            or name in otherwise
            or not its
        ):
            continue
        rest = {each.arg for each in (function.args.vararg, function.args.kwarg) if each}
        known |= set(parameters(function)) - rest
        pairs += [pair for call in its for pair in given(function, call)]
        pairs += [
            (ast.Name(argument.arg), default)
            for argument, default in with_defaults(function.args)
            if default is not None and not (isinstance(default, ast.Constant) and default.value is None)
        ]
    return pairs, known


def given(function: Definition, call: ast.Call) -> list[Pair]:
    """Return the arguments of a function with the values that a call gives them; with None if they are not known."""
    if is_starred(call):
        return [(ast.Name(name), ast.Constant(None)) for name in parameters(function)]
    return [(ast.Name(name), value) for name, value in passed(function, call)]


def always(
    names: Names, nodes: Sequence[ast.stmt], pairs: Sequence[Pair], known: set[str], kind: set[str], test: Test
) -> None:
    """Add to the set `kind` the names that stand for this kind of object, and never for anything else.

    Arguments of functions do only if they are `known`, that is, if the pairs have all their values.
    """
    bound = by_name([(part, value) for target, value in pairs for part in parts(target) if isinstance(part, ast.Name)])
    items = [item for node in nodes for item in ast.walk(node) if not isinstance(item, ast.keyword)]
    others = {getattr(item, key, None) for item in items for key in ("arg", "name", "rest")}
    kind |= {name for name, _ in bound} - (others - known) - names.modules.keys() - names.in_place
    while wrong := {name for name, value in bound if name in kind and not test(value, names)}:
        kind -= wrong


def by_name(pairs: Sequence[Pair]) -> list[tuple[str, ast.AST]]:
    """Return the names that targets begin with, and the values."""
    return [(root(part), value) for target, value in pairs for part in parts(target)]


def makes_object(value: ast.AST, names: Names) -> bool:
    """Return whether a value is a new object of a library, or a call such as fit, which returns its own object."""
    if not isinstance(value, ast.Call):
        return False
    path = names.path(value.func)
    last = path.rpartition(".")[2]
    of_itself = isinstance(value.func, ast.Attribute) and value.func.attr in {"fit", "set_params", "partial_fit"}
    return last[:1].isupper() or last.startswith("make_") or bool(words.FIGURES.match(path)) or of_itself


def methods(nodes: Sequence[ast.stmt]) -> set[str]:
    """Return the names of the methods of a notebook's own classes."""
    classes = [item for node in nodes for item in functions_and_classes(node) if isinstance(item, ast.ClassDef)]
    return {
        part.name for item in classes for part in item.body if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef))
    }


def makers(nodes: Sequence[ast.stmt]) -> set[str]:
    """Return the classes, and the functions that may return an object of them, or a function."""
    items = [item for node in nodes for item in functions_and_classes(node)]
    found = {item.name for item in items if not is_flat_function(item)} | {"FunctionTransformer"}
    found |= {item.name for item in items if mentioned_otherwise(item) & {each.name for each in items}}
    while new := {item.name for item in items if mentioned(item) & found} - found:
        found |= new
    return found
