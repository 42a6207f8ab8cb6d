# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Group the variables that have to be in one pickle, since they share something mutable."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import arrays, live
from .pickling import NotSaved, Pickler, explain, is_namespace, linking
from .recipes import Table, tensors

EACH = 60  # seconds that one variable may take


@dataclass
class Pickled:
    """Variables in one pickle."""

    names: list[str]
    data: memoryview
    buffers: list[memoryview]
    partly: dict[str, list[str]]
    holes: bool
    codes: set[str]
    arrays: dict[int, tuple[Any, set[int]]]
    shared: dict[int, Any] = field(default_factory=dict)  # by id: objects that other pickles may hold, too

    @property
    def size(self) -> int:
        return self.data.nbytes + sum(buffer.nbytes for buffer in self.buffers)


def pickled(values: Mapping[str, Any], table: Table, bases: Mapping[int, Any], *, holes: bool) -> Pickled:
    file = io.BytesIO()
    pickler = Pickler(file, table, bases, holes=holes)
    partly: dict[str, list[str]] = {}
    for name, value in values.items():
        # All variables share a stream and a memo, but each has its own pickle: this tells which of them has a hole.
        pickler.partly = []
        live.limit(EACH, name)
        try:
            pickler.save(value)
        except NotSaved as error:
            error.name = name
            raise
        if pickler.partly:
            partly[name] = pickler.partly
    shared = {key: obj for key, (_, obj) in pickler.memo.copy().items() if linking(obj)}
    shared.update({key: base for key, (base, _) in pickler.arrays.items()})
    shared.update({id(value): value for value in values.values() if linking(value)})
    return Pickled(
        list(values), file.getbuffer(), pickler.buffers, partly, holes, pickler.codes, pickler.arrays, shared
    )


def group(
    values: Mapping[str, Any], table: Table, last: Iterable[Iterable[str]] = ()
) -> tuple[list[Pickled], dict[str, str]]:
    """Return all that can be saved, and why the rest cannot. `last`: groups of the last save, which are tried first."""
    lost = {name: "the namespace itself" for name, value in values.items() if is_namespace(value)}
    rest = {name: value for name, value in values.items() if name not in lost}
    alone: list[Pickled] = []
    for names in last:
        together = {name: rest.pop(name) for name in names if name in rest}
        if together:
            alone += each(together, table, lost)
    for name, value in rest.items():
        alone += each({name: value}, table, lost)
    bases = _shared_memory(alone)
    result = []
    for several in _united(alone):
        if len(several) == 1 and not (bases.keys() & several[0].arrays.keys()):
            result.append(several[0])
            continue
        together = {name: values[name] for part in several for name in part.names}
        result += each(together, table, lost, bases, holes=any(part.holes for part in several))
    return result, lost


def each(
    values: dict[str, Any],
    table: Table,
    lost: dict[str, str],
    bases: Mapping[int, Any] = {},
    *,
    holes: bool = False,
) -> list[Pickled]:
    """Pickle variables together; or else with holes; or without a variable that is only a hole; or each by itself."""
    if not holes:
        try:
            return [pickled(values, table, bases, holes=False)]
        except Exception:
            pass
    try:
        return [pickled(values, table, bases, holes=True)] if values else []
    except NotSaved as error:
        lost[error.name] = str(error)
        rest = {name: value for name, value in values.items() if name != error.name}
        return each(rest, table, lost, bases, holes=holes)
    except Exception as error:
        if len(values) == 1:
            ((name, value),) = values.items()
            lost[name] = explain(value, error)
            return []
    return [part for name, value in values.items() for part in each({name: value}, table, lost, bases)]


def _shared_memory(parts: Iterable[Pickled]) -> dict[int, Any]:
    """Return the memory that arrays share, by the id of their base: the base itself, or the storage of tensors."""
    parts = list(parts)
    seen: dict[int, tuple[Any, set[int]]] = {}
    for part in parts:
        for key, (base, views) in part.arrays.items():
            seen.setdefault(key, (base, set()))[1].update(views)
    shared = {key: base for key, (base, views) in seen.items() if len(views) > 1}
    storages = {key: obj for part in parts for key, obj in part.shared.items() if tensors.is_storage(obj)}
    for part in parts if storages else ():
        for key, (base, _) in part.arrays.items():
            for storage in storages.values():
                if tensors.holds(storage, arrays.start(base)):
                    shared[key] = part.shared[id(storage)] = storage
    return shared


def _united(parts: list[Pickled]) -> list[list[Pickled]]:
    """Group the parts that share an object, directly or through other parts."""
    leader = list(range(len(parts)))

    def find(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    first: dict[int, int] = {}
    for index, part in enumerate(parts):
        for key in part.shared:
            other = first.setdefault(key, index)
            if other != index:
                leader[find(index)] = find(other)
    united: dict[int, list[Pickled]] = {}
    for index, part in enumerate(parts):
        united.setdefault(find(index), []).append(part)
    return list(united.values())
