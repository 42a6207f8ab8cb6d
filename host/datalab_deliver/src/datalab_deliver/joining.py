# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Note which names share an object because of a notebook's statements, also of those inside of its own functions."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping, Sequence
from dataclasses import replace

from . import words
from .calls import called_name, is_starred, passed
from .libraries import draws, fitted
from .scopes import Definition, decorated, functions_and_classes, own_names, parameters
from .sharing import Names, bindings, by_parts, root, values

Within = frozenset[str]
BUILTINS = frozenset(dir(builtins))
OPERATIONS = (ast.BinOp, ast.AugAssign, ast.Compare, ast.Subscript)
# Methods that get another object by an operator or an index.
OPERATORS = {
    f"__{kind}{name}__"
    for name in "add sub mul matmul truediv floordiv mod divmod pow lshift rshift and or xor".split()
    for kind in ("", "r", "i")
} | {f"__{name}__" for name in "eq ne lt le gt ge contains getitem setitem delitem missing".split()}
LEVELS = 3  # of functions that call each other; deeper, all that a function gets counts as shared


def functions(nodes: Sequence[ast.stmt]) -> dict[str, list[Definition]]:
    """Return the functions of a notebook by name, and the names that stand for lambdas and nothing else."""
    found: dict[str, list[Definition]] = {}
    for item in (item for node in nodes for item in functions_and_classes(node)):
        if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.setdefault(item.name, []).append(item)
    bound = [(root(target), value) for node in nodes for target, value in bindings(node)]
    others = {name for name, value in bound if not isinstance(value, ast.Lambda)}
    for name, value in bound:
        if isinstance(value, ast.Lambda) and name not in others:
            found.setdefault(name, []).append(value)
    return found


def join_all(names: Names, node: ast.AST, within: Within = frozenset()) -> None:
    """Note which names share because of the statements in a node; `within` are the functions that are being read."""
    for item in ast.walk(node):
        if isinstance(item, ast.Assign) and not isinstance(item.value, ast.Constant):
            names.join({root(target) for target in item.targets} - {""} - names.modules.keys())
    for target, value in by_parts(node):
        known = {
            item.id
            for item in ast.walk(target)
            if isinstance(item, ast.Name) and isinstance(item.ctx, (ast.Store, ast.Del))
        } | {root(item) for item in ast.walk(target) if isinstance(item, (ast.Attribute, ast.Subscript))}
        names.hold({root(item) for item in ast.walk(target)} - {""} - names.modules.keys(), names.read_later(value))
        shared = names.shared(value)
        if shared or not gives_new_parts(value, names):
            names.join({name for name in known - {""} if name not in names.modules} | shared)
    for item in ast.walk(node):
        if isinstance(item, ast.Call):
            join_call(names, item, within)
        elif isinstance(item, OPERATIONS) and names.methods & OPERATORS:
            names.join(set().union(*map(names.shared, ast.iter_child_nodes(item))))


def gives_new_parts(value: ast.AST, names: Names) -> bool:
    """Return whether all parts of a value are different objects."""
    path = names.path(value.func) if isinstance(value, ast.Call) else ""
    return bool(words.FRESH_MODULES.match(path)) and not path.endswith(".choice")


def join_call(names: Names, call: ast.Call, within: Within) -> None:
    """Note what may hold an argument of a call after the call."""
    given, path = set().union(*map(names.shared, values(call))), names.path(call.func)
    names.hold(names.shared(call.func), set().union(*map(names.read_later, values(call))))
    join_functions(names, call, within)
    if path:
        # A method that is called by its class gets the object as its first argument.
        of_class = path.rpartition(".")[2] in words.FITS | words.GIVES_FITTED
        names.join(given if of_class else set())
    elif isinstance(call.func, ast.Attribute):
        join_method(names, call, call.func, given)
    elif not isinstance(call.func, ast.Name):
        names.join(given | names.shared(call.func))
    elif call.func.id not in BUILTINS - names.callables.keys():
        join_by_name(names, call, call.func.id, given, within)


def join_by_name(names: Names, call: ast.Call, name: str, given: set[str], within: Within) -> None:
    """Note what the function or object of the notebook that is called by this name may hold afterwards."""
    if name in names.keeps:
        names.join(names.keeps[name] | given)
    if name in names.classes:
        names.join(given)
    elif name in names.rebound or name not in names.callables.keys() | names.functions.keys() | names.spared:
        names.join(given | names.shared(call.func))
    for function in names.functions.get(name, []):
        join_inside(names, name, function, bound(names, function, call), within)


def join_method(names: Names, call: ast.Call, func: ast.Attribute, given: set[str]) -> None:
    """Note that an object may hold what its method is given."""
    if draws(func.value, names):
        return
    if fitted(func.value, names) and not any(map(names.is_function, values(call))):
        names.hold(names.shared(func.value), given)
    elif func.attr not in words.SPARES or func.attr in names.methods:
        names.join(names.shared(func.value) | given)


def join_functions(names: Names, call: ast.Call, within: Within) -> None:
    """Note what a function may hold that is passed to a function such as map, which calls it."""
    calls_methods = called_name(call) in words.CALLS
    for function in values(call):
        name = function.id if isinstance(function, ast.Name) else ""
        known = [function] if isinstance(function, ast.Lambda) else names.functions.get(name, [])
        is_method = calls_methods and isinstance(function, ast.Attribute) and root(function) not in BUILTINS
        if not known and not is_method:
            continue
        given = [*values(call), *([call.func.value] if isinstance(call.func, ast.Attribute) else [])]
        rest = set().union(*(names.shared(value) for value in given if value is not function))
        if is_method:
            names.join(rest | names.shared(function))
        for each in known:
            join_inside(names, name, each, dict.fromkeys(parameters(each), rest), within)


def join_inside(names: Names, name: str, function: Definition, given: Mapping[str, set[str]], within: Within) -> None:
    """Note which arguments and outside names share because of a function, as if its body stood where it is called."""
    known = names.modules.keys() | names.callables.keys() | BUILTINS | given.keys()
    free = {item.id for item in ast.walk(function) if isinstance(item, ast.Name)} - own_names(function) - known
    if name in within or len(within) == LEVELS:
        names.join(free.union(*given.values()))
        return
    given = {each: shared | defaults(names, function).get(each, set()) for each, shared in given.items()}
    models = {each for each, shared in given.items() if shared and shared <= names.models}
    local = replace(names, parents={}, holders=[], models=(names.models - given.keys()) | models)
    join_all(local, function, within | {name} - {""})
    seen = {**given, **{each: {each} for each in free}}
    groups: dict[str, set[str]] = {}
    for each, shared in seen.items():
        groups.setdefault(local.leader(each), set()).update(shared)
    for group in groups.values():
        names.join(group)
    for holding, held in local.holders:
        outside = [[groups.get(local.leader(each), set()) for each in part] for part in (holding, held)]
        names.holders.append((set().union(*outside[0]), set().union(*outside[1])))


def defaults(names: Names, function: Definition) -> dict[str, set[str]]:
    """Return the names that each argument shares with when it is not given."""
    arguments = function.args
    places = [*arguments.posonlyargs, *arguments.args]
    by_place = zip(reversed(places), reversed(arguments.defaults))
    pairs = [*by_place, *zip(arguments.kwonlyargs, arguments.kw_defaults)]
    return {each.arg: names.shared(value) for each, value in pairs if value}


def bound(names: Names, function: Definition, call: ast.Call) -> dict[str, set[str]]:
    """Return the names that each argument of a function shares with in a call; a method's object is left out."""
    everything = set().union(*map(names.shared, values(call)))
    if is_starred(call):
        return dict.fromkeys(parameters(function), everything)
    rest = {each.arg for each in (function.args.vararg, function.args.kwarg) if each}
    found = {name: everything if name in rest else set() for name in parameters(function)}
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    skips = {0} if owner is None or decorated(function, "staticmethod") else {1} if is_object(owner, names) else {0, 1}
    for name, value in (pair for skip in skips for pair in passed(function, call, skip)):
        found[name] = found[name] | names.shared(value)
    return found


def is_object(node: ast.expr, names: Names) -> bool:
    """Return whether a name stands for an object, and not for its class, whose calls pass the object as well."""
    kinds = names.kinds.get(root(node), set())
    return isinstance(node, ast.Name) and (node.id == "self" or bool(kinds and kinds <= names.classes))
