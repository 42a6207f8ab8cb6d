# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Note which names of a notebook are modules, functions and classes, and from which calls the others get values."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from .scopes import functions_and_classes, imported, keeps_state, own_values
from .sharing import Names, bindings


def note_names(names: Names, nodes: Sequence[ast.stmt], uses: Sequence[set[str]]) -> None:
    """Note the names of all statements; `uses` has what each statement takes from the notebook."""
    for node in nodes:
        names.modules.update(imported(node))
    for node in nodes:
        names.modules.update(other_name(node, names))
        note_kinds(names, node)
    for node, used in zip(nodes, uses):
        for item in functions_and_classes(node):
            names.callables[item.name] = names.callables.get(item.name, set()) | used
            if isinstance(item, ast.ClassDef):
                note_class(names, item)
            elif any(map(keeps_state, item.decorator_list)):
                names.stateful.add(item.name)


def other_name(node: ast.stmt, names: Names) -> dict[str, str]:
    """Return the alias that a statement gives to a module, or to something that draws random numbers."""
    if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
        return {}
    path = names.path(node.value)
    is_module = isinstance(node.value, ast.Name) and "." not in path and path
    return {node.targets[0].id: path} if is_module or path.startswith(("random.", "numpy.random.")) else {}


def note_kinds(names: Names, node: ast.stmt) -> None:
    """Note which names get their values from literals, and from which calls."""
    literals = {ast.List: "list", ast.ListComp: "list", ast.Dict: "dict", ast.DictComp: "dict", ast.Set: "set"}
    for target, value in bindings(node):
        if isinstance(target, ast.Name):
            kind = literals.get(type(value), "")
            if isinstance(value, ast.Call):
                kind = ast.unparse(value.func).rpartition(".")[2]
            if kind:
                names.kinds.setdefault(target.id, set()).add(kind)


def note_class(names: Names, node: ast.ClassDef) -> None:
    names.classes.add(node.name)
    bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
    if own_values(node) or bases & names.stateful:
        names.stateful.add(node.name)
