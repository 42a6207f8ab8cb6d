"""Record a function's calls and answers in the notebook's kernel, and check that its artifacts can be saved.

The kernel runs the text of this module after the texts of the modules that it imports.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import functools
import json
import sys
import types
from typing import Any

from .arguments import plain_arguments, take
from .artifacts import named, packed
from .plain import brief, plain

MODULE = "datalab_calls"
MOST = 20
LARGEST = 1_000_000


class Recorder(ast.NodeTransformer):
    """A transformer that decorates the function where it is defined."""

    def __init__(self, name: str) -> None:
        self.name = name

    def visit_Module(self, node: ast.Module) -> ast.Module:
        for item in node.body:
            if isinstance(item, ast.FunctionDef) and item.name == self.name:
                decorator = ast.parse(f"__import__('sys').modules[{MODULE!r}].record", mode="eval").body
                item.decorator_list.insert(0, ast.copy_location(decorator, item))
        return ast.fix_missing_locations(node)


class Calls:
    """The calls of one function."""

    def __init__(self, count: Any) -> None:
        self.count = count  # returns how many cells have run
        self.noted: list[dict[str, Any]] = []
        self.seen: set[str] = set()
        self.wrong: list[tuple[int, str]] = []
        self.left_out = 0
        self.inside = False

    def record(self, function: Any) -> Any:
        """Return the function with a wrapper that records each call from outside."""

        @functools.wraps(function)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            if self.inside or len(self.noted) >= MOST:
                return function(*args, **kwargs)
            entry = self.note(function, args, kwargs)
            self.inside = True
            try:
                value = function(*args, **kwargs)
            finally:
                self.inside = False
            if entry:
                self.keep(entry, value)
            return value

        return recorded

    def note(self, function: Any, args: Any, kwargs: Any) -> Any:
        """Return the arguments of a call as they are before it; None if it is not recorded."""
        names = function.__code__.co_varnames
        given = {**dict(zip(names, args)), **kwargs}
        try:
            arguments = {name: plain_arguments(value) for name, value in given.items()}
        except TypeError as error:
            self.wrong.append((self.count(), f"is called with {error}, which no request can contain"))
            return None
        key = json.dumps(arguments)
        if key in self.seen:
            return None
        self.seen.add(key)
        if len(key) > LARGEST:
            self.left_out += 1
            return None
        again = functools.partial(function, **copy.deepcopy(given))
        return {"cell": self.count(), "arguments": arguments, "again": again}

    def keep(self, entry: dict[str, Any], value: Any) -> None:
        try:
            self.noted.append({**entry, "value": plain(value)})
        except (TypeError, ValueError) as error:
            self.wrong.append((entry["cell"], f"returns a value that cannot be compared: {error}"))


def begin(name: str, shell: Any) -> None:
    """Begin to record, before the first cell."""
    calls = Calls(lambda: shell.execution_count)
    module = types.ModuleType(MODULE)
    vars(module).update(record=calls.record, calls=calls)
    sys.modules[MODULE] = module
    shell.ast_transformers.append(Recorder(name))


def end(names: dict[str, Any], artifacts: list[str]) -> dict[str, Any]:
    """Return, after the last cell, the calls, their answers now, and the artifacts that cannot be saved."""
    calls = sys.modules[MODULE].calls
    calls.inside = True
    noted = []
    for entry in calls.noted:
        now = attempt(entry.pop("again"))
        noted.append({**entry, "now": now})
    unsaved: dict[str, list[str]] = {}
    made, own = {}, set()
    there = [name for name in artifacts if name in names]
    unsaved.update({name: ["it has no value at the end of the notebook"] for name in artifacts if name not in names})
    kinds = {name: kind_of(names.get(name)) for name in artifacts}
    for name in there:
        with contextlib.suppress(TypeError, ValueError):
            made[name] = brief(plain(names[name]))
        try:
            kind, content = packed(names[name])
            own |= named(content) if kind == "pickle" else set()
        except Exception as error:  # noqa: BLE001 - what goes wrong in the objects of others is not known
            told = isinstance(error, ValueError) and len(error.args) == 2
            unsaved[name] = [*error.args] if told else [f"{type(error).__name__}: {error}"]
    return {
        "calls": noted,
        "wrong": calls.wrong,
        "left_out": calls.left_out,
        "unsaved": unsaved,
        "own": sorted({each.split(".")[1] for each in own if each.startswith("__main__.")}),
        "made": made,
        "kinds": kinds,
    }


def kind_of(value: Any) -> str:
    """Return "scalar" (immutable), "flat" (its elements are), "own" (only the notebook's code can alter it), or ""."""
    np = sys.modules.get("numpy")
    scalars = (bool, int, float, complex, str, bytes, type(None), *([np.generic] if np else []))
    if isinstance(value, scalars):
        return "scalar"
    if np and isinstance(value, np.ndarray):
        return "flat" if value.ndim == 1 and value.dtype.kind in "biufUS" else ""
    if type(value).__module__ == "__main__":
        return "own"
    items = value.values() if type(value) is dict else value if type(value) in (list, tuple, set) else [[]]
    kinds = {"flat" if isinstance(item, scalars) else type(item).__module__ for item in items}
    return "flat" if kinds <= {"flat"} else "own" if kinds <= {"flat", "__main__"} else ""


def answers(function: Any, types: dict[str, Any], samples: list[dict[str, Any]]) -> list[Any]:
    """Return the answers of a function to arguments in JSON."""
    sys.modules[MODULE].calls.inside = True

    def answer(sample: dict[str, Any]) -> Any:
        return function(**take(types, sample, frozenset(types)))

    return [attempt(functools.partial(answer, sample)) for sample in samples]


def attempt(call: Any) -> Any:
    """Return the answer of a call, or its error, as JSON."""
    try:
        return plain(call())
    except Exception as error:  # noqa: BLE001 - a function may raise anything
        return {"error": f"{type(error).__name__}: {error}"}
