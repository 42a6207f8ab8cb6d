# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pickle one or several variables; large buffers are kept beside the pickle, without a copy."""

from __future__ import annotations
import __future__

import enum
import importlib.util
import io
import logging
import marshal
import pickle
import re
import sys
import types
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from . import arrays, classes, live
from .missing import Missing
from .place import Refused
from .recipes import Partly, Table

try:  # the archive's copy, in `vendor` so that it does not hide an environment's own cloudpickle
    from .vendor import cloudpickle
except ImportError:
    import cloudpickle

BIG = 1 << 20  # bytes; a buffer of this size or more gets its own file, which a restore maps
FIELDS = "__name__ __qualname__ __annotations__ __kwdefaults__ __defaults__ __module__ __doc__ __type_params__".split()
# Two variables may share these without having to be in one pickle: they are immutable, or come from a library.
ATOMS = (
    str,
    bytes,
    int,
    float,
    complex,
    tuple,
    frozenset,
    type(None),
    types.ModuleType,
    types.BuiltinFunctionType,
    types.CodeType,
    enum.Enum,
    logging.Logger,
    re.Pattern,
    live.Namespace,
    pickle.PickleBuffer,
)
FOREIGN = {
    "dtype",
    "device",
    "layout",
    "ZoneInfo",
    "timezone",
    "ufunc",
    "PosixPath",
    "date",
    "datetime",
    "Decimal",
    "Fraction",
}


class NotSaved(Exception):
    """A variable that cannot be saved; the text is the reason."""

    name = ""


class Pickler(cloudpickle.Pickler):  # type: ignore[misc,unused-ignore] # untyped
    """A pickler of variables. `holes`: a placeholder replaces what cannot be saved, and the rest is saved."""

    def __init__(self, file: io.BytesIO, table: Table, bases: Mapping[int, Any], *, holes: bool) -> None:
        super().__init__(file, protocol=5, buffer_callback=self._keep_in_stream)
        self.buffers: list[memoryview] = []
        self.partly: list[str] = []
        self.arrays: dict[int, tuple[Any, set[int]]] = {}  # by id of a base: the base, ids of arrays on its memory
        self.codes: set[str] = set()
        self._table, self._bases, self._holes = table, bases, holes
        self._top: Any = None

    def save(self, value: Any) -> None:
        self._top = value
        self.dump(value)

    def _keep_in_stream(self, buffer: pickle.PickleBuffer) -> bool:
        try:
            raw = buffer.raw()
        except BufferError:  # not contiguous
            return True
        if raw.nbytes < BIG:
            return True
        self.buffers.append(raw)
        return False

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        reduced = self._ours(kind, obj)
        if reduced is not None:
            return reduced
        if self._holes:
            try:
                self._usual(kind, obj)
            except Exception as error:
                return self._hole(obj, error)
        return super().reducer_override(obj)

    def _ours(self, kind: type, obj: Any) -> Any:
        if kind is types.FunctionType:
            return self._function(obj) if obj.__globals__ is live.namespace else None
        if isinstance(obj, type):
            return self._class(obj) if obj.__module__ == "__main__" else None
        if kind is types.CodeType:
            return self._code(obj)
        if kind is types.CellType:
            return self._cell(obj)
        if kind.__name__ == "ndarray" and kind.__module__ == "numpy":
            return self._array(obj)
        if kind.__module__ == "__main__" and "numpy" in sys.modules and isinstance(obj, sys.modules["numpy"].ndarray):
            return classes.reduce_array(obj)
        recipe = self._table.of(kind)
        try:
            return recipe(obj, live.namespace) if recipe else classes.reduce(obj)
        except Exception as error:
            if not self._holes:
                raise
            if isinstance(error, Partly):
                self._note(str(error))
                return error.reduced
            return self._hole(obj, error)

    def _usual(self, kind: type, obj: Any) -> None:
        """Raise an error now if the usual way of pickling would fail."""
        if kind in self.dispatch_table or isinstance(obj, (type, types.FunctionType)):
            return
        if isinstance(obj.__reduce_ex__(5), str) and getattr(obj, "__module__", "") == "__main__":
            raise TypeError("would be saved by its name only")

    def _hole(self, obj: Any, error: Exception) -> Any:
        why = explain(obj, error)
        if obj is self._top:
            raise NotSaved(why)
        self._note(why)
        return Missing, (why,)

    def _note(self, why: str) -> None:
        if why not in self.partly:
            self.partly.append(why)

    def _function(self, function: types.FunctionType) -> Any:
        """Reduce a function to one with the live namespace, so that it sees later changes there."""
        fields = {}
        for name in FIELDS:
            with suppress(Exception):  # annotations may name something that no longer exists
                fields[name] = getattr(function, name)
        args = (function.__code__, live.NAMESPACE, function.__name__, function.__closure__)
        return live.function, args, (function.__dict__, fields), None, None, live.set_function

    def _class(self, cls: type) -> Any:
        """Reduce a class with what cloudpickle 3.1 leaves out, and without side effects (classes.py)."""
        reduced = super().reducer_override(cls) if classes.is_special(cls) else NotImplemented
        return None if reduced is NotImplemented else classes.reduce_class(cls, reduced)

    def _code(self, code: types.CodeType) -> Any:
        self.codes.add(code.co_filename)
        annotations = bool(code.co_flags & __future__.annotations.compiler_flag)
        where = (code.co_filename, annotations, *live.alike(code))
        return live.code, (importlib.util.MAGIC_NUMBER, marshal.dumps(code), where)

    def _cell(self, cell: Any) -> Any:
        try:
            return live.cell, (), (cell.cell_contents,), None, None, live.set_cell
        except ValueError:  # empty
            return live.cell, ()

    def _array(self, array: Any) -> Any:
        owned = arrays.reduce_on_owner(array)
        if owned is not None:
            return owned
        base = arrays.bottom(array)
        self.arrays.setdefault(id(base), (base, set()))[1].add(id(array))
        shared = self._bases.get(id(base))
        return None if shared is None or shared is array else arrays.reduce_view(array, shared)


def explain(obj: Any, error: BaseException) -> str:
    text = (str(error).splitlines() or [""])[0][:160]
    if isinstance(error, TypeError) and text.startswith(("a ", "an ")):
        return text  # a recipe's own message
    if isinstance(error, RecursionError):
        return f"{type(obj).__name__}: nested too deeply"
    return f"{type(obj).__name__}: {text or type(error).__name__}"


def linking(obj: Any) -> bool:
    """Return whether two variables that both contain this object have to be saved together."""
    if isinstance(obj, (type, types.FunctionType)):
        return getattr(obj, "__module__", None) == "__main__"
    kind = type(obj)
    return not isinstance(obj, ATOMS) and kind.__name__ not in FOREIGN and kind.__module__ != "numpy.dtypes"


class Unpickler(pickle.Unpickler):
    """An unpickler that refuses names of the notebook: its objects are in the pickle, since the namespace is new."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "__main__":
            raise Refused(f"refers to {name} by its name only")
        return super().find_class(module, name)


def load(data: Any, buffers: Any, count: int) -> list[Any]:
    """Return the variables that `Pickler.save` was called for, in the same order."""
    unpickler = Unpickler(io.BytesIO(data), buffers=buffers)
    classes.later.clear()
    values = [unpickler.load() for _ in range(count)]
    classes.finish()
    return values


def is_namespace(value: Any) -> bool:
    return value is live.namespace or value is vars(sys.modules["__main__"])
