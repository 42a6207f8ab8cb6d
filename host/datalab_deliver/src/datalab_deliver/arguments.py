"""The arguments of a function, converted from JSON to the types that the notebook has called it with."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any

Type = Any  # "float", or a list of a word and the type inside: ["list", "float"], ["table", {"hour": "int"}]
SCALARS: dict[str, tuple[type, ...]] = {"bool": (bool,), "int": (int,), "float": (int, float), "str": (str,)}
# The dtypes of columns and arrays; for texts, pandas and numpy choose.
COLUMNS = {"bool": "bool", "int": "int64", "float": "float64"}


def take(types: Mapping[str, Type], given: Mapping[str, Any], optional: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the arguments for a call. A ValueError names the wrong argument and the rule."""
    unknown = sorted(given.keys() - types.keys())
    missing = sorted(types.keys() - given.keys() - optional)
    if unknown or missing:
        raise ValueError(
            "; ".join([f"{name} is unknown" for name in unknown] + [f"{name} is missing" for name in missing])
        )
    return {name: value_of(types[name], value, name) for name, value in given.items()}


def value_of(kind: Type, value: Any, where: str) -> Any:
    """Convert a value from JSON to its type."""
    if kind == "any":
        return value
    if isinstance(kind, str):
        fits = isinstance(value, SCALARS[kind]) and (kind == "bool" or not isinstance(value, bool))
        if not fits:
            raise ValueError(f"{where} must be {kind}, not {shown(value)}")
        return float(value) if kind == "float" else value
    word, inner = kind
    if word == "optional":
        return None if value is None else value_of(inner, value, where)
    if word == "table":
        return table(inner, value_of(["list", ["record", inner]], value, where))
    if word == "array":
        return array(inner, value_of(inner, value, where))
    if word == "list":
        check(isinstance(value, list), where, "a list", value)
        return [value_of(inner, item, f"{where}[{number}]") for number, item in enumerate(value)]
    check(isinstance(value, dict), where, "an object", value)
    if word == "dict":
        return {key: value_of(inner, item, f"{where}.{key}") for key, item in value.items()}
    check(value.keys() == inner.keys(), where, f"an object with {', '.join(inner)}", value)
    return {key: value_of(inner[key], value[key], f"{where}.{key}") for key in inner}


def check(fits: bool, where: str, wanted: str, value: Any) -> None:
    if not fits:
        raise ValueError(f"{where} must be {wanted}, not {shown(value)}")


def shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def table(columns: Mapping[str, Type], rows: list[dict[str, Any]]) -> Any:
    pd: Any = importlib.import_module("pandas")
    made = {}
    for name, kind in columns.items():
        scalar = kind[1] if isinstance(kind, list) else kind
        dtype = COLUMNS.get(scalar) if scalar in {str(kind), "float"} else None
        made[name] = pd.Series([row[name] for row in rows], dtype=dtype)
    return pd.DataFrame(made)


def array(kind: Type, value: list[Any]) -> Any:
    """Return an array in which numbers have their type, whatever the request writes: 3 may be a float."""
    np: Any = importlib.import_module("numpy")
    while isinstance(kind, list):
        kind = kind[1]
    return np.array(value, dtype=COLUMNS.get(kind))


def plain_arguments(value: Any) -> tuple[str, Any]:
    """Return an argument's form ("array", "table" or "") and its value as JSON. TypeError: JSON has no such value."""
    pd, np = sys.modules.get("pandas"), sys.modules.get("numpy")
    if np and isinstance(value, np.ndarray):
        check_dtype(value.dtype, "an array")
        return "array", jsonable(value.tolist())
    if pd and isinstance(value, pd.DataFrame):
        names = list(value.columns)
        if not all(type(name) is str for name in names) or len(set(names)) < len(names):
            raise TypeError("a table in which two columns have the same name, or a name is no text")
        for name in names:
            check_dtype(value[name].dtype, f"a table with the column {name}")
        columns = [
            [None if pd.isna(item) is True else jsonable(item) for item in value[name].tolist()] for name in names
        ]
        return "table", [dict(zip(names, row)) for row in zip(*columns)]
    return "", jsonable(value)


def check_dtype(dtype: Any, what: str) -> None:
    """Raise TypeError for a dtype whose values cannot be restored from JSON."""
    if str(dtype) not in {"bool", "int64", "float64", "object", "str", "string"} and getattr(dtype, "kind", "") != "U":
        raise TypeError(f"{what} of {dtype}")


def jsonable(value: Any) -> Any:
    np = sys.modules.get("numpy")
    if np and isinstance(value, np.generic):
        value = value.item()
    if value is None or type(value) in (bool, int, str) or (type(value) is float and value - value == 0):
        return value
    if type(value) is list:
        return [jsonable(item) for item in value]
    if type(value) is dict and all(type(key) is str for key in value):
        return {key: jsonable(item) for key, item in value.items()}
    if type(value) is float:
        raise TypeError(f"the number {value}")
    raise TypeError(f"an object of {type(value).__module__}.{type(value).__qualname__}".replace("builtins.", ""))
