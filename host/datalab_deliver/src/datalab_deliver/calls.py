# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Facts about a call by its own code: whether it draws, and which of its arguments it may alter."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from . import words
from .scopes import Definition
from .sharing import Names, root
from .versions import plain

RANDOM = "<random numbers>"  # numpy's, which most libraries draw from
OF_PYTHON = "<random numbers of Python>"
CHANCE = {RANDOM, OF_PYTHON}
FIGURES = "<figures>"


def repeats(node: ast.Call) -> bool:
    """Return whether the last argument is also another one or the method's object: the result may be written to it."""
    others = [node.func.value, *node.args[:-1]] if isinstance(node.func, ast.Attribute) else node.args[:-1]
    return bool(node.args and root(node.args[-1])) and ast.dump(node.args[-1]) in map(ast.dump, others)


def touched(node: ast.Call, names: Names) -> set[str]:
    """Return the state without a name that a call of a library uses: random numbers, figures."""
    path = names.path(node.func)
    if words.FIGURES.match(path) and not words.NO_FIGURE.search(path):
        return {FIGURES}
    last = path.rpartition(".")[2]
    by_chance = words.DRAWS_NUMBERS.search(path) and last not in words.NO_CHANCE and not last.startswith("cross_val")
    by_chance = by_chance and (not last.endswith(("KFold", "SearchCV")) or keyword(node, "shuffle") or "Rand" in last)
    return {RANDOM} if by_chance and not seeded(node) else set()


def generator(path: str) -> set[str]:
    """Return the global random generators that a function of a library draws from."""
    if path.rpartition(".")[2] in {"default_rng", "Generator", "RandomState", "Random"}:
        return set()
    return {OF_PYTHON} if path.startswith("random.") else {RANDOM} if path.startswith("numpy.random.") else set()


def renewed(node: ast.stmt, names: Names) -> set[str]:
    """Return the global random generators that a statement seeds, so that their earlier state does not matter."""
    call = node.value if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) else None
    if call is None or not all(isinstance(value, (ast.Constant, ast.Name)) for value in call.args):
        return set()
    path = names.path(call.func)
    return generator(path) if path in {"random.seed", "numpy.random.seed"} and not call.keywords else set()


def gives_seeds(node: ast.AST) -> bool:
    """Return whether a node may seed a global random generator, or restore its state."""
    names = [getattr(node, key, None) for key in ("attr", "name")] + [called_name(node)]
    return any(name and words.GIVES_SEEDS.search(name) for name in names)


def seeded(node: ast.Call) -> bool:
    """Return whether a call gets a seed or a generator of its own."""
    return any(keyword(node, name) for name in words.GENERATORS)


def spares_no_argument(node: ast.Call) -> bool:
    """Return whether an option tells a call, or the object that it makes, to alter its arguments in place."""
    overwrites = any(keyword(node, str(item.arg)) for item in node.keywords if str(item.arg).startswith("overwrite_"))
    return overwrites or any(refused(node, name) for name in ("copy", "copy_X", "copy_x"))


def into(node: ast.Call, path: str) -> bool:
    """Return whether a function gets an array for its result, or a False that may mean to copy nothing."""
    last, given = path.rpartition(".")[2], len(node.args)
    if not path.startswith(("numpy.", "scipy.", "sklearn.")):
        return False
    if any(isinstance(value, ast.Constant) and value.value is False for value in node.args):
        return True
    label = path.startswith("scipy.ndimage.") and names_last(node)
    return label or (last in words.ONE_OPERAND and given > 1) or (last in words.TWO_OPERANDS and given > 2)


def of_class(path: str) -> bool:
    """Return whether a method is called by its class, such as pandas.DataFrame.insert, and may alter its object."""
    _, owner, last = f"..{path}".rsplit(".", 2)
    return (owner[:1].isupper() or owner == "ndarray") and last not in words.FRESH | words.VIEWS


def names_last(node: ast.Call) -> bool:
    """Return whether the last of several arguments is a name: the result may be written to it."""
    return len(node.args) > 1 and isinstance(node.args[-1], ast.Name)


def called_name(node: ast.AST) -> str:
    """Return the last part of the called function's name; empty if the node is no call."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def refused(node: ast.Call, name: str) -> bool:
    """Return whether a keyword argument is False."""
    return any(item.arg == name and getattr(item.value, "value", None) is False for item in node.keywords)


def keyword(node: ast.Call, name: str) -> bool:
    """Return whether a keyword argument is given, and is not False or None."""
    return any(
        item.arg == name
        and not (isinstance(item.value, ast.Constant) and not item.value.value and item.value.value != 0)
        for item in node.keywords
    ) and not refused(node, name)


def consumed(node: ast.AST, assigned: set[str]) -> list[ast.expr]:
    """Return the arguments of calls that exhaust a generator, such as x of sum(x)."""
    calls = [item for item in ast.walk(node) if isinstance(item, ast.Call) and len(item.args) == 1]
    return [call.args[0] for call in calls if called_name(call) in words.CONSUMES - assigned]


def is_starred(call: ast.Call) -> bool:
    """Return whether the order or the names of some arguments are not known: f(*x), f(**y)."""
    return any(isinstance(each, ast.Starred) for each in call.args) or any(each.arg is None for each in call.keywords)


def passed(function: Definition, call: ast.Call, skip: int = 0) -> Iterator[tuple[str, ast.expr]]:
    """Yield the named arguments of a function, each with the value that a call without stars gives it.

    The first `skip` of them are not in the call, such as self.
    """
    arguments = function.args
    places = [each.arg for each in [*arguments.posonlyargs, *arguments.args]]
    yield from zip(places[skip:], call.args)
    by_name = {plain(name): name for name in [*places, *(each.arg for each in arguments.kwonlyargs)]}
    yield from ((by_name[each.arg], each.value) for each in call.keywords if each.arg in by_name)
