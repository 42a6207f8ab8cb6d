"""Results as JSON, the same on every machine, and their comparison."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import hashlib
import json
import math
import pathlib
import sys
import uuid
from typing import Any

# Objects of the classes that these modules define are represented by their attributes.
OWN = {"__main__", *(f"{__package__}.{module}" for module in ("pipeline", "definitions", "serving"))}
AS_TEXT = (
    dt.date,
    dt.time,
    dt.timedelta,
    decimal.Decimal,
    fractions.Fraction,
    pathlib.Path,
    uuid.UUID,
)
LONGEST = 40


def plain(value: Any) -> Any:
    """Return a value as JSON. TypeError: it has no such form."""
    if value is None or isinstance(value, (bool, int, str)):
        return value if type(value) in (bool, int, str, type(None)) else plain_of_subclass(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"float": repr(float(value))}
    if isinstance(value, complex):
        return {"complex": [plain(value.real), plain(value.imag)]}
    if isinstance(value, dict):
        return plain_dict(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return {"set": sorted((plain(item) for item in value), key=json.dumps)}
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": hashlib.sha256(value).hexdigest(), "length": len(value)}
    return plain_of_library(value)


def plain_of_subclass(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    return next(kind(value) for kind in (bool, int, str) if isinstance(value, kind))


def plain_dict(value: dict[Any, Any]) -> Any:
    if all(type(key) is str for key in value):
        return {key: plain(item) for key, item in value.items()}
    return {
        "pairs": sorted(
            ([plain(key), plain(item)] for key, item in value.items()), key=lambda pair: json.dumps(pair[0])
        )
    }


def plain_of_library(value: Any) -> Any:
    """Convert arrays and tables, if their library was imported, and values that are written as texts."""
    pd, np = sys.modules.get("pandas"), sys.modules.get("numpy")
    if pd and (value is pd.NaT or value is pd.NA):
        return None
    if isinstance(value, AS_TEXT):
        return str(value)
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if pd and isinstance(value, (pd.DataFrame, pd.Series, pd.Index, pd.api.extensions.ExtensionArray)):
        return plain_of_pandas(value, pd)
    if pd and isinstance(value, (pd.Period, pd.Interval, pd.DateOffset)):
        return str(value)
    if np and isinstance(value, np.generic):
        return str(value) if value.dtype.kind in "mM" else plain(value.item())
    if np and isinstance(value, np.ndarray):
        items = value.astype(str) if value.dtype.kind in "mM" else value
        return {"shape": list(value.shape), "values": plain(items.tolist())}
    return plain_of_object(value)


def plain_of_pandas(value: Any, pd: Any) -> Any:
    if isinstance(value, pd.DataFrame):
        columns = [plain(list(value.iloc[:, number])) for number in range(value.shape[1])]
        return {"columns": plain(list(value.columns)), "index": plain(list(value.index)), "data": columns}
    if isinstance(value, pd.Series):
        return {"name": plain(value.name), "index": plain(list(value.index)), "data": plain(list(value))}
    return plain(list(value))


def plain_of_object(value: Any) -> Any:
    """Convert an object of a class of the notebook; TypeError for any other object."""
    own = all(base is object or base.__module__ in OWN for base in type(value).__mro__)
    if isinstance(value, type) or not own or not hasattr(value, "__dict__"):
        raise TypeError(f"{type(value).__module__}.{type(value).__qualname__} cannot be compared as JSON")
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return {name: plain(item) for name, item in vars(value).items()}


def same(first: Any, second: Any, tolerance: float = 1e-9, where: str = "") -> list[str]:
    """Return the first places in which two plain values differ; numbers within a relative tolerance are the same."""
    numbers = [type(item) in (int, float) for item in (first, second)]
    if all(numbers) and float in (type(first), type(second)):
        near = first == second or abs(first - second) <= tolerance * max(abs(first), abs(second))
        return [] if near else [f"{where}: {first!r} and {second!r}"]
    if type(first) is not type(second):
        return [f"{where}: {type(first).__name__} and {type(second).__name__}"]
    if isinstance(first, dict):
        if first.keys() != second.keys():
            return [f"{where}: only one has {', '.join(sorted(first.keys() ^ second.keys()))}"]
        return [text for key in first for text in same(first[key], second[key], tolerance, f"{where}.{key}")][:5]
    if isinstance(first, list):
        if len(first) != len(second):
            return [f"{where}: {len(first)} and {len(second)} items"]
        pairs = enumerate(zip(first, second))
        return [text for number, (a, b) in pairs for text in same(a, b, tolerance, f"{where}[{number}]")][:5]
    return [] if first == second else [f"{where}: {first!r} and {second!r}"]


def brief(value: Any) -> Any:
    """Replace each long list in a plain value by its ends, sums of its numbers, and a digest of its other items."""
    if isinstance(value, dict):
        return {key: brief(item) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    flat = list(leaves(value))
    if len(flat) <= LONGEST:
        return [brief(item) for item in value]
    numbers = [item if type(item) in (int, float) else 0 for item in flat]
    others = [item for item in flat if type(item) not in (int, float)]
    return {
        "length": len(value),
        "first": value[:3] if len(list(leaves(value[:3]))) <= LONGEST else brief(value[0]),
        "last": value[-3:] if len(list(leaves(value[-3:]))) <= LONGEST else brief(value[-1]),
        "total": math.fsum(map(abs, numbers)),
        "weighted": math.fsum(abs(number) * (place % 97 + 1) for place, number in enumerate(numbers)),
        "negative": sum(number < 0 for number in numbers),
        "other": hashlib.sha256(json.dumps(others).encode()).hexdigest() if others else "",
    }


def leaves(value: Any) -> Any:
    """Yield all items of nested lists and dicts, in order."""
    if isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, dict):
        for key in value:
            yield key
            yield from leaves(value[key])
    else:
        yield value
