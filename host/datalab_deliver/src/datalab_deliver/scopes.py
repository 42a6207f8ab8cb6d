# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Facts about names in a piece of Python from its syntax alone: the scopes they belong to, and where they are used."""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Union

from . import words
from .source import names

Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]
Definition = Union[Function, ast.Lambda]
LATER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.GeneratorExp)


class Generators(ast.NodeTransformer):
    """A transformer of comprehensions to generators, which have their own scope in symtable also after Python 3.11."""

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, (ast.ListComp, ast.SetComp)):
            node = ast.GeneratorExp(node.elt, node.generators)
        elif isinstance(node, ast.DictComp):
            node = ast.GeneratorExp(ast.Tuple([node.key, node.value], ast.Load()), node.generators)
        return self.generic_visit(node)


def outside(node: ast.stmt) -> tuple[set[str], set[str]]:
    """Return the names that a statement takes from the notebook, and those that it defines there."""
    uses: set[str] = set()
    text = ast.unparse(Generators().visit(deepcopy(node)))
    table = symtable.symtable(text, "cell", "exec")
    defines = {item.get_name() for item in table.get_symbols() if item.is_assigned() or item.is_imported()}
    todo = [table]
    while todo:
        scope = todo.pop()
        for item in scope.get_symbols():
            if scope.get_type() == "module":
                uses |= {item.get_name()} if item.is_referenced() else set()
            elif item.is_global():
                uses |= {item.get_name()}
                defines |= {item.get_name()} if item.is_declared_global() and scope.get_type() != "function" else set()
        todo += scope.get_children()
    for part in outer(node):
        if isinstance(part, ast.NamedExpr):
            defines.add(part.target.id)  # also in a comprehension
        elif isinstance(part, ast.AugAssign):
            uses |= {item.id for item in ast.walk(part.target) if isinstance(item, ast.Name)}
    return uses, defines


def local_names(node: Definition) -> set[str]:
    """Return the names that are a function's own and to which it gives values."""
    body = {
        item.id for item in ast.walk(node) if isinstance(item, ast.Name) and isinstance(item.ctx, (ast.Store, ast.Del))
    }
    return body - declared(node)


def mentioned(node: ast.AST) -> set[str]:
    """Return all names in a piece of code, including those of attributes and functions."""
    return {getattr(item, key) for item in ast.walk(node) for key in ("id", "attr", "name") if hasattr(item, key)}


def declared(node: ast.AST) -> set[str]:
    """Return the names of the notebook to which functions may give values."""
    return {name for item in ast.walk(node) if isinstance(item, ast.Global) for name in item.names}


def imported(node: ast.stmt) -> dict[str, str]:
    """Return the names that a statement imports, also inside of try and if, and from where."""
    found = {}
    for item in outer(node):
        if isinstance(item, ast.Import):
            found.update(
                {a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0] for a in item.names}
            )
        elif isinstance(item, ast.ImportFrom):
            found.update({a.asname or a.name: f"{item.module or ''}.{a.name}" for a in item.names if a.name != "*"})
    return found


def functions_and_classes(node: ast.stmt) -> list[Function | ast.ClassDef]:
    return [item for item in outer(node) if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))]


def outer(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a statement and what is in it, but not what is inside of functions and classes."""
    yield node
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        for child in ast.iter_child_nodes(node):
            yield from outer(child)


def in_queries(node: ast.stmt, texts: set[str]) -> set[str]:
    """Return the names in the texts of query and eval, which pandas takes from the notebook.

    If the text is not written in the call, it may be made of any of the notebook's texts.
    """
    calls = [item for item in ast.walk(node) if isinstance(item, ast.Call) and is_query(item.func)]
    plain = {id(call.func): call for call in calls if call.args and isinstance(call.args[0], ast.Constant)}
    found: set[str] = set()
    for item in ast.walk(node):
        if is_query(item):
            found |= in_texts(plain[id(item)]) if id(item) in plain else texts
    return found


def is_query(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in {"query", "eval"}


def in_texts(node: ast.AST) -> set[str]:
    """Return what may be a name in the texts of a piece of code."""
    texts = [item.value for item in ast.walk(node) if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    return {name for text in texts for name in re.findall(r"[A-Za-z_]\w*", text)}


def own_names(node: Definition) -> set[str]:
    """Return the names that belong to a function, including its arguments."""
    return local_names(node) | set(parameters(node))


def parameters(node: Definition) -> list[str]:
    """Return the names of a function's arguments, including those after * and **."""
    return [item.arg for item in ast.walk(node.args) if isinstance(item, ast.arg)]


def given_anew(node: Definition) -> list[ast.Assign]:
    """Return the assignments after which an argument's name stands for another value, each time and everywhere."""
    found = []
    taken: set[str] = set()  # names in inner functions, which see the value at the time of their call
    arguments = set(parameters(node))
    for item in [] if isinstance(node, ast.Lambda) else node.body:
        taken |= {name for part in ast.walk(item) if isinstance(part, LATER) for name in mentioned(part)}
        if isinstance(item, ast.Assign) and all(isinstance(target, ast.Name) for target in item.targets):
            new = stored(item.targets)
            found += [item] if new <= arguments - taken else []
            arguments -= new
    return found


def with_defaults(arguments: ast.arguments) -> list[tuple[ast.arg, ast.expr | None]]:
    """Return the arguments that have a default, and all keyword-only ones, each with its default or None."""
    placed = [*arguments.posonlyargs, *arguments.args]
    return [*zip(reversed(placed), reversed(arguments.defaults)), *zip(arguments.kwonlyargs, arguments.kw_defaults)]


def stored(nodes: Sequence[ast.AST]) -> set[str]:
    return set().union(*(names(node, ast.Store) for node in nodes))


def own_values(node: ast.ClassDef) -> list[ast.expr]:
    """Return the values of a class's own attributes, except constants and lambdas."""
    found = [item.value for item in node.body if isinstance(item, (ast.Assign, ast.AnnAssign)) and item.value]
    return [value for value in found if not isinstance(value, (ast.Constant, ast.Lambda))]


def keeps_state(decorator: ast.expr) -> bool:
    """Return whether a decorator may change the function between calls: a cache, a counter, an unknown one."""
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(function).rpartition(".")[2] not in words.STATELESS


def decorated(node: Definition, name: str) -> bool:
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    return any(isinstance(each, ast.Name) and each.id == name for each in decorators)


def implicit(node: Function) -> bool:
    """Return whether a method runs without being called by its name: an operator, an index, a property."""
    if node.name.startswith("__"):
        return node.name not in {"__init__", "__post_init__"}
    return bool(node.decorator_list)


def is_flat_function(node: ast.AST) -> bool:
    """Return whether a node is a function without functions inside, whose value is complete after the call."""
    inside = (
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.ClassDef,
        ast.Lambda,
        ast.GeneratorExp,
        ast.Yield,
        ast.YieldFrom,
    )
    others = [item for item in ast.walk(node) if isinstance(item, inside) and item is not node]
    return isinstance(node, ast.FunctionDef) and not node.decorator_list and not others


def mentioned_otherwise(node: ast.AST) -> set[str]:
    """Return the names that a piece of code uses in another way than by calling them."""
    called = {id(item.func) for item in ast.walk(node) if isinstance(item, ast.Call)}
    return {item.id for item in ast.walk(node) if isinstance(item, ast.Name) and id(item) not in called}


def parts(target: ast.AST) -> list[ast.AST]:
    """Return the parts of a target that get a value of their own: a, b[0] and c of (a, (b[0], *c))."""
    if isinstance(target, (ast.Tuple, ast.List)):
        return [part for each in target.elts for part in parts(each)]
    return parts(target.value) if isinstance(target, ast.Starred) else [target]
