# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Link restored objects to the namespace of the kernel, and functions to the cells that they come from."""

from __future__ import annotations
import __future__

import ast
import importlib.util
import marshal
import types
from collections.abc import Iterator
from typing import Any, Callable

from .missing import Missing

namespace: dict[str, Any] = {}
sources: dict[str, str] = {}  # code of cells, by the file name that IPython gives a cell
notes: list[str] = []  # why the present load could not restore something


def limit(seconds: int, what: str = "") -> None:
    """Do nothing; in a fork of the kernel, Watch.limit replaces this and limits the time of the next step."""


def get_namespace() -> dict[str, Any]:
    return namespace


class Namespace:
    """The placeholder for the namespace in a pickle."""

    def __reduce__(self) -> Any:
        return get_namespace, ()


NAMESPACE = Namespace()


def attempt(what: str, make: Callable[..., Any], *args: Any) -> Any:
    """Return the object of a recipe, or a placeholder if the recipe fails: a missing file affects only one object."""
    try:
        return make(*args)
    except Exception as error:
        why = f"{what}: {str(error) or type(error).__name__}"
        notes.append(why)
        return Missing(why)


def function(code: types.CodeType, names: dict[str, Any], name: str, closure: Any) -> types.FunctionType:
    return types.FunctionType(code, names, name, None, closure)


def set_function(made: types.FunctionType, state: Any) -> None:
    attributes, fields = state
    made.__dict__.update(attributes)
    for key, value in fields.items():
        setattr(made, key, value)


def cell() -> Any:
    return types.CellType()


def set_cell(made: Any, state: Any) -> None:
    made.cell_contents = state[0]


def code(magic: bytes, data: bytes, where: tuple[Any, ...]) -> types.CodeType:
    """Return a function's code: the saved one in the same version of Python; in another, compiled from its cell."""
    if magic == importlib.util.MAGIC_NUMBER:
        loaded: types.CodeType = marshal.loads(data)
        return loaded
    filename, annotations, *like = where
    if filename in sources:
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | (__future__.annotations.compiler_flag if annotations else 0)
        module = compile(sources[filename], filename, "exec", flags, dont_inherit=True)
        for other in _codes(module):
            if alike(other) == tuple(like):
                return other
    return _stub(like[0], like[3])


def alike(made: types.CodeType) -> tuple[Any, ...]:
    """Return the properties of a code object that are the same in every version of Python."""
    return made.co_name, made.co_firstlineno, made.co_varnames[: made.co_argcount], made.co_freevars


def _codes(made: types.CodeType) -> Iterator[types.CodeType]:
    yield made
    for constant in made.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _stub(name: str, free: tuple[str, ...]) -> types.CodeType:
    why = f"function {name}: was made by another version of Python"
    notes.append(why)
    text = (
        f"def {name if name.isidentifier() else '_'}(*_, **__): raise RuntimeError({'This was not restored: ' + why!r})"
    )
    scope: dict[str, Any] = {}
    exec(text, scope)
    made: types.CodeType = next(v for k, v in scope.items() if k != "__builtins__").__code__.replace(co_freevars=free)
    return made
