# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The types of a function's arguments, from annotations or from the calls in the notebook."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from .arguments import Type, value_of
from .calling import Called
from .refusal import Fault, Refused

SCALARS = {"bool", "int", "float", "str"}
Seen = tuple[str, Any]  # "", "array" or "table", and the value as JSON


class Mixed(Exception):
    """The error for values of several types."""


class Untyped(Exception):
    """The error for an argument without a type: why, and the remedy."""


def types(called: Called, calls: Sequence[Mapping[str, Seen]], notebook: str) -> tuple[dict[str, Type], list[str]]:
    """Return the type of each argument, and the arguments that a request may leave out."""
    arguments = called.node.args
    defaults = dict(zip([item.arg for item in reversed(arguments.args)], reversed(arguments.defaults)))
    defaults.update({a.arg: d for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults) if d is not None})
    found, faults = {}, []
    for item in [*arguments.args, *arguments.kwonlyargs]:
        seen = [(call[item.arg][0], call[item.arg][1]) for call in calls if item.arg in call]
        try:
            found[item.arg] = one(item, seen, defaults.get(item.arg))
        except Untyped as error:
            why, remedy = error.args
            faults.append(Fault(notebook, called.cell, f"the argument {item.arg} of {called.name} {why}", remedy))
    if faults:
        raise Refused(*faults)
    return found, sorted(defaults)


def one(item: ast.arg, seen: Sequence[Seen], default: ast.expr | None) -> Type:
    """Return the type of an argument, or raise Untyped."""
    annotate = (
        f"Annotate it with bool, int, float, str, list[…] or dict[str, …] ({item.arg}: float), or call it with a value"
    )
    differs = "Correct the annotation, or call it with values of that type"
    said = annotated(item.annotation)
    if seen and said is None:
        return of_seen(seen)
    if said is None and isinstance(default, ast.Constant) and type(default.value).__name__ in SCALARS:
        return type(default.value).__name__
    if said is None:
        raise Untyped("is passed by no call, and has no annotation with its type", annotate)
    for form, value in seen:
        if form:
            what = f"is annotated with {ast.unparse(item.annotation or item)}, and called with a table or an array"
            raise Untyped(what, differs)
        try:
            value_of(said, value, item.arg)
        except ValueError as error:
            raise Untyped(f"is called with another type than its annotation says: {error}", differs) from error
    return said


def annotated(node: ast.expr | None) -> Type | None:
    """Return the type of an annotation; None if JSON has no such type."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return annotated(ast.parse(node.value, mode="eval").body)
        except SyntaxError:
            return None
    if isinstance(node, ast.Name):
        return node.id if node.id in SCALARS else {"list": ["list", "any"], "dict": ["dict", "any"]}.get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr) and ast.unparse(node.right) == "None":
        inner = annotated(node.left)
        return ["optional", inner] if inner else None
    if not isinstance(node, ast.Subscript):
        return None
    word, parts = ast.unparse(node.value).rpartition(".")[2].lower(), node.slice
    inside = annotated(parts.elts[-1] if isinstance(parts, ast.Tuple) and word == "dict" else parts)
    return [word, inside] if word in {"list", "dict", "optional"} and inside else None


def of_seen(seen: Sequence[Seen]) -> Type:
    forms = {form for form, _ in seen}
    values = [value for _, value in seen]
    try:
        if forms == {"table"}:
            rows = common([row for value in values for row in value])
            if not isinstance(rows, list) or rows[0] != "record":
                raise Untyped(
                    "is called with tables that have no rows, or different columns",
                    "Call it with the columns of a request, and at least one row",
                )
            return ["table", rows[1]]
        if len(forms) == 1:
            return ["array", common(values)] if forms == {"array"} else common(values)
    except Mixed:
        pass
    remedy = "Call it with values of one type, such as only numbers or only texts, or write two functions"
    raise Untyped("is called with values of several types", remedy)


def common(values: Sequence[Any]) -> Type:
    """Return the type that all values have, or raise Mixed."""
    some = [value for value in values if value is not None]
    if len(some) < len(values):
        inner = common(some)
        return inner if inner == "any" else ["optional", inner]
    kinds = {type(value) for value in some}
    if not kinds:
        return "any"
    if kinds == {int, float}:
        return "float"
    if len(kinds) > 1:
        raise Mixed
    kind = kinds.pop()
    if kind is list:
        return ["list", common([item for value in some for item in value])]
    if kind is not dict:
        return kind.__name__
    keys = list(some[0])
    if keys and all(value.keys() == some[0].keys() for value in some):
        return ["record", {key: common([value[key] for value in some]) for key in keys}]
    return ["dict", common([item for value in some for item in value.values()])]


def hint(kind: Type, name: str, records: dict[str, str]) -> str:
    """Return a type as Python writes it; the definition of a record is added to `records`."""
    if isinstance(kind, str):
        return "Any" if kind == "any" else kind
    word, inner = kind
    if word == "array":
        return hint(inner, name, records)
    if word in {"record", "table"}:
        fields = ", ".join(f"{key!r}: {hint(item, name, records)}" for key, item in inner.items())
        title = "".join(part.title() for part in name.split("_")) + "Row" + (str(len(records)) if records else "")
        records[title] = f"{{{fields}}}"
        return f"list[{title}]" if word == "table" else title
    return {"list": "list[{}]", "dict": "dict[str, {}]", "optional": "Optional[{}]"}[word].format(
        hint(inner, name, records)
    )


def told(kind: Type) -> str:
    """Return a type in words for a person."""
    if isinstance(kind, str):
        return kind
    word, inner = kind
    if word in {"record", "table"}:
        text = "{" + ", ".join(f"{key}: {told(item)}" for key, item in inner.items()) + "}"
        return f"a list of {text}" if word == "table" else text
    texts = {"array": "{}", "list": "a list of {}", "dict": "an object of {}", "optional": "{} or null"}
    return texts[word].format(told(inner))
