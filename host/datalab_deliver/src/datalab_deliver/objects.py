# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which names are of objects that draw, numbers or figures, or that alter arguments, each time they are used."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from . import words
from .calls import spares_no_argument, touched
from .sharing import Names, bindings, root


def note_objects(names: Names, nodes: Sequence[ast.stmt]) -> None:
    """Note them; an object that is given to another one makes that one do the same."""
    pairs = [pair for node in nodes for pair in bindings(node)]
    calls = [item for node in nodes for item in ast.walk(node) if isinstance(item, ast.Call)]
    pairs += [(call.func, call) for call in calls if isinstance(call.func, ast.Attribute)]
    count = -1
    while count != (count := sum(map(len, names.touches.values())) + len(names.in_place)):
        for target, value in pairs:
            note(names, target, value)


def note(names: Names, target: ast.AST, value: ast.AST) -> None:
    """What a target gets by its value: a binding's, or a call of one of its methods."""
    inside = [item for item in ast.walk(value) if isinstance(item, ast.Call)]
    mentions = {item.id for item in ast.walk(value) if isinstance(item, ast.Name)}
    tokens = set().union(*(touched(item, names) for item in inside if makes_object(item, names)))
    if not inside or makes_object(value, names):
        tokens = tokens.union(*(names.touches.get(name, set()) for name in mentions))
    targets = {root(item) for item in ast.walk(target)} - {""} - names.modules.keys()
    for name in targets if tokens else ():
        names.touches.setdefault(name, set()).update(tokens)
    if any(map(spares_no_argument, inside)) or mentions & names.in_place:
        names.in_place |= targets


def makes_object(value: ast.AST, names: Names) -> bool:
    """Whether a value is an object of a library, or what such an object gives back of itself."""
    if not isinstance(value, ast.Call):
        return False
    path = names.path(value.func)
    last = path.rpartition(".")[2]
    of_itself = isinstance(value.func, ast.Attribute) and value.func.attr in {"fit", "set_params", "partial_fit"}
    return last[:1].isupper() or last.startswith("make_") or bool(words.FIGURES.match(path)) or of_itself
