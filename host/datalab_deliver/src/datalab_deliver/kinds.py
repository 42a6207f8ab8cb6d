# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The values that are tables, columns, Python containers or numbers, and what a library returns for them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence

from . import words
from .depths import NOTHING, Value, blurred, either, element, holding, new
from .sharing import Names, bindings, root

TABLE, COLUMN, CONTAINER, UNKNOWN = "table", "column", "container", ""
BUILT_IN = {"list", "dict", "set", "deque", "OrderedDict", "defaultdict", "bytearray"}
LITERALS = (ast.List, ast.Tuple, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


class Kinds:
    """The kinds of a notebook's names."""

    def __init__(self, names: Names, nodes: Sequence[ast.stmt]) -> None:
        self.names = names
        parts = [item for node in nodes for item in ast.walk(node) if isinstance(item, (ast.Attribute, ast.Subscript))]
        self.tables = {
            root(item) for item in parts if getattr(item, "attr", "") in words.OF_TABLES and is_name(item.value)
        }
        self.tables -= names.modules.keys()
        self.frames = self.tables & {root(item) for item in parts if is_name(item.value) and of_frame(item)}
        self.containers = {"self", "cls"}
        self.numbers: set[str] = set()
        loops = [(pair[0], ast.Constant(None)) for node in nodes for pair in bindings(node)]
        sure = [pair for node in nodes for pair in bindings(node, loops=False)]
        targets = {id(target) for target, _ in sure}
        self.note([*sure, *(pair for pair in loops if id(pair[0]) not in targets)])

    def note(self, pairs: Sequence[tuple[ast.AST, ast.AST]]) -> None:
        """Note the kind of each name by its values; a name with values of several kinds has none."""
        given: dict[str, list[ast.AST]] = {}
        for target, value in pairs:
            plain = isinstance(target, ast.Name)
            for name in {item.id for item in ast.walk(target) if isinstance(item, ast.Name) and is_set(item)}:
                given.setdefault(name, []).append(value if plain else ast.Constant(None))
        before = None
        while before != (before := (len(self.tables), len(self.frames), len(self.containers), len(self.numbers))):
            for name, values in given.items():
                if all(self.of(value) == TABLE for value in values):
                    self.tables.add(name)
                if all(map(self.is_frame, values)):
                    self.frames.add(name)
                if name not in self.tables and all(self.of(value) == CONTAINER for value in values):
                    self.containers.add(name)
                if all(self.is_number(value) for value in values):
                    self.numbers.add(name)

    def of(self, node: ast.AST) -> str:
        if isinstance(node, ast.Name):
            return TABLE if node.id in self.tables else CONTAINER if node.id in self.containers else UNKNOWN
        if isinstance(node, LITERALS):
            return CONTAINER
        if isinstance(node, (ast.Attribute, ast.Subscript)):
            base, indexer = without_indexer(node.value)
            kind = self.of(base)
            several = isinstance(node, ast.Subscript) and any(map(selects, parts_of(node.slice)))
            if several and isinstance(getattr(node, "slice", None), ast.Tuple):
                return COLUMN if kind == TABLE else UNKNOWN
            return kind if several and kind else COLUMN if kind == TABLE and not indexer else UNKNOWN
        return self.of_call(node) if isinstance(node, ast.Call) else UNKNOWN

    def of_call(self, node: ast.Call) -> str:
        path, last = self.names.path(node.func), last_name(node.func)
        if path.startswith("pandas."):
            makes_tables = last in words.MAKES_FRAMES | words.CONCATENATES or last.startswith("read_")
            return TABLE if makes_tables else COLUMN if last == "Series" else UNKNOWN
        if isinstance(node.func, ast.Attribute) and not path:
            kind = self.of(node.func.value)
            keeps = last in words.FRESH | words.VIEWS and last not in words.GIVES_ROWS and kind in (TABLE, COLUMN)
            return kind if keeps or last == "copy" else UNKNOWN
        return CONTAINER if last in BUILT_IN | {"Counter"} | self.names.classes else UNKNOWN

    def is_frame(self, node: ast.AST) -> bool:
        """Return whether a value is a table in which an index selects one or several columns."""
        if isinstance(node, ast.Name):
            return node.id in self.frames
        if isinstance(node, ast.Subscript):
            return selects(node.slice) and self.is_frame(without_indexer(node.value)[0])
        if not isinstance(node, ast.Call):
            return False
        path, last = self.names.path(node.func), last_name(node.func)
        if path.startswith("pandas."):
            return last in words.MAKES_FRAMES or last.startswith("read_")
        return isinstance(node.func, ast.Attribute) and last in words.KEEPS_FRAMES and self.is_frame(node.func.value)

    def is_number(self, node: ast.AST) -> bool:
        """Return whether a value consists of numbers only."""
        if isinstance(node, ast.Name):
            return node.id in self.numbers
        if isinstance(node, ast.Call):
            path, last = self.names.path(node.func), last_name(node.func)
            objects = any(item.arg == "dtype" and root(item.value) == "object" for item in node.keywords)
            if path.startswith("numpy."):
                return not objects and (last in words.MAKES_NUMBERS or path.startswith("numpy.random."))
            of_numbers = isinstance(node.func, ast.Attribute) and self.is_number(node.func.value)
            return not objects and ((of_numbers and last in words.FRESH | words.VIEWS) or last in {"range", "len"})
        return isinstance(node, ast.Constant) and isinstance(node.value, (int, float))

    def ways(self, base: ast.expr, key: ast.expr, indexer: str) -> list[Callable[[Value], Value]]:
        """Return functions for what an index may give: a part of the same depth, a new object, or an element."""
        kind, parts = self.of(base), parts_of(key)
        frame = self.is_frame(base)
        if (any(map(selects, parts)) and kind != CONTAINER) or (frame and not indexer):
            return [same]
        if kind == CONTAINER:
            return [same if isinstance(key, ast.Slice) else element]
        if indexer:
            sure = len(parts) > 1 or indexer in {"at", "iat"} or kind == COLUMN
            return [element, same] if sure else [new] if frame else [new, element]
        return [same, element] if kind in (TABLE, COLUMN) else [new, element]


def same(value: Value) -> Value:
    return value


def is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Name)


def of_frame(node: ast.Attribute | ast.Subscript) -> bool:
    """Return whether code shows that a table has several columns: it reads the columns, or sets one by its name."""
    if isinstance(node, ast.Attribute):
        return node.attr in words.OF_FRAMES
    return isinstance(node.ctx, ast.Store) and isinstance(getattr(node.slice, "value", None), str)


def is_set(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def parts_of(key: ast.expr) -> list[ast.expr]:
    return key.elts if isinstance(key, ast.Tuple) else [key]


def selects(key: ast.AST) -> bool:
    """Return whether an index selects several elements, not one."""
    if isinstance(key, ast.UnaryOp):
        return isinstance(key.op, ast.Invert)
    if isinstance(key, ast.BinOp):
        return isinstance(key.op, (ast.BitAnd, ast.BitOr))
    if isinstance(key, ast.Call):
        return last_name(key.func) in words.SAYS_WHICH
    return isinstance(key, (ast.Slice, ast.List, ast.Compare, ast.BoolOp, ast.ListComp))


def without_indexer(node: ast.expr) -> tuple[ast.expr, str]:
    """Return the table before an indexer such as loc, and the indexer."""
    if isinstance(node, ast.Attribute) and node.attr in {"loc", "iloc", "at", "iat"}:
        return node.value, node.attr
    return node, ""


def last_name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def keeps_functions(call: ast.Call) -> bool:
    """Return whether the result of a library call may later call a function that was passed to it."""
    last = last_name(call.func)
    return (
        last in {"partial", "partialmethod", "vectorize", "frompyfunc"}
        or last[:1].isupper()
        or last.startswith("make_")
    )


def is_dict(node: ast.AST, names: Names) -> bool:
    made = names.kinds.get(root(node), set()) if isinstance(node, ast.Name) else set()
    return isinstance(node, (ast.Dict, ast.DictComp)) or bool(made and made <= {"dict", "defaultdict"})


def gives_tables(node: ast.Call, kinds: Kinds) -> bool:
    """Return whether a call passes a new row or table to its function each time."""
    grouped = {"groupby", "resample", "rolling", "expanding", "pipe"}
    parts = {last_name(item) for item in ast.walk(node.func)}
    by_name = grouped & kinds.names.kinds.get(root(node.func), set())
    by_row = any(item.arg == "axis" and getattr(item.value, "value", 0) in (1, "columns") for item in node.keywords)
    return bool(grouped & parts or by_name or by_row)


def result(call: ast.Call, receiver: Value | None, values: Mapping[int, Value], names: Names, kinds: Kinds) -> Value:
    """Return the value that a library call may return."""
    last, path = last_name(call.func), names.path(call.func)
    if last in words.SCALARS | words.SHOWS | words.ALWAYS_NEW or last.startswith("read_"):
        return NOTHING
    labels = words.LABELS if path.startswith("pandas.") else set()
    everything = either(
        *(values[id(item)] for item in call.args),
        *(values[id(item.value)] for item in call.keywords if item.arg not in labels),
    )
    if path or isinstance(call.func, ast.Name):
        return of_function(call, names, [values[id(item)] for item in call.args], everything)
    if isinstance(call.func, ast.Attribute) and {"str", "dt"} & {last_name(call.func.value)}:
        return NOTHING
    return of_method(call, last, receiver or NOTHING, everything, kinds)


def of_function(call: ast.Call, names: Names, given: Sequence[Value], everything: Value) -> Value:
    path, last = names.path(call.func), last_name(call.func)
    if last in {"enumerate", "zip"} or path.startswith("itertools.zip"):
        return holding(holding(element(everything)))
    if last == "dict":
        return either(new(everything), element(new(everything)), holding(everything))
    if last in words.GIVE_ELEMENTS | {"max", "min", "getattr", "nth", "reduce", "sum"}:
        return either(element(everything), new(everything), *given[1:])
    if last in {"copy", "list", "tuple", "sorted", "set", "frozenset", "reversed", "iter", "filter"}:
        return new(everything)
    if last in {"vars", "nullcontext", "asarray"}:
        return everything
    return of_library(call, names, given, everything)


def of_library(call: ast.Call, names: Names, given: Sequence[Value], everything: Value) -> Value:
    path, last = names.path(call.func), last_name(call.func)
    first = given[0] if given else NOTHING
    if path.startswith(("numpy.linalg.", "numpy.random.", "numpy.fft.", "scipy.")):
        return NOTHING
    if path == "pandas.DataFrame" and call.args and is_dict(call.args[0], names):
        return either(element(new(first)), *map(new, map(blurred, given[1:])))
    if last in words.CONCATENATES:
        return either(new(blurred(element(first))), *map(new, map(blurred, given[1:])))
    if path.startswith(("pandas.", "numpy.", "copy.", "itertools.", "heapq.", "collections.", "dataclasses.")):
        return new(blurred(everything))
    if last[:1].isupper() or last.startswith("make_"):
        return blurred(holding(everything))
    inside = blurred(everything)[1]
    none = NOTHING[0]
    return (none, none, inside, inside)


def of_method(call: ast.Call, last: str, receiver: Value, given: Value, kinds: Kinds) -> Value:
    inside = blurred(either(receiver, given))[1]
    none = NOTHING[0]
    kind = kinds.of(call.func.value) if isinstance(call.func, ast.Attribute) else UNKNOWN
    if last in {"iterrows", "groupby"}:
        return (none, none, none, inside)
    if last == "itertuples":
        return (none, none, inside, inside)
    if last == "items":
        rows = holding(element(receiver))
        return either(holding(rows), *([holding(holding(new(receiver)))] if kind != CONTAINER else []))
    if last == "keys":
        return NOTHING
    if last == "copy" or (last == "values" and kind == CONTAINER):
        return new(receiver)
    if kind != TABLE and last in words.GIVE_ELEMENTS | {"max", "min", "item", "popleft", "popitem"}:
        return either(element(receiver), given, *([] if kind == CONTAINER else [new(blurred(receiver))]))
    if last in {"reshape", "ravel", "squeeze", "to_numpy", "view", "transpose", "pipe"}:
        return blurred(either(receiver, new(given)))
    if last in words.FRESH | words.VIEWS:
        return (none, *[inside] * 3)
    return (none, none, inside, inside)
