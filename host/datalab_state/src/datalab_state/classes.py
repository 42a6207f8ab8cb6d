# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pickle the notebook's classes and objects so that a restore does not repeat the side effects of creating them.

A pickle creates a class by its metaclass and an object by the class's `__new__`; it fills a list by `append`, and a
dictionary by `__setitem__`. If the notebook defines these, a registry that they fill would hold everything twice.
"""

from __future__ import annotations

import copyreg
import enum
import types
from collections import deque
from typing import Any

HOOKS = {"__init_subclass__"}
HOOKS_OF_META = {"__new__", "__init__", "__call__", "__prepare__"}
CUSTOM = {"__reduce__", "__reduce_ex__", "__getnewargs__", "__getnewargs_ex__"}

CONTAINERS = (dict, list, set, frozenset, deque)
OF_ENUM = {"_name_", "_value_", "_sort_order_", "__objclass__"}  # attributes that every member of an enumeration has

later: list[tuple[type, dict[str, Any]]] = []  # classes, and the hooks that they get when all is loaded
_careful: dict[type, bool] = {}


def is_special(cls: type) -> bool:
    return "__slots__" in vars(cls) or issubclass(cls, enum.Enum) or bool(_hooks(cls))


def _hooks(cls: type) -> set[str]:
    """Return the names of the members that would run when other classes or objects are created."""
    return vars(cls).keys() & (HOOKS | HOOKS_OF_META if issubclass(cls, type) else HOOKS)


def reduce_class(cls: type, reduced: Any) -> Any:
    """Extend cloudpickle's reduction of a class by what it leaves out; hooks are set only when all is loaded."""
    make, args, (members, slots), *rest, setter = reduced
    more: dict[str, Any] = {}
    if issubclass(cls, enum.Enum):
        args = (*args[:3], {name: member.value for name, member in cls.__members__.items()}, *args[4:])
        members = {key: value for key, value in members.items() if key not in cls.__members__}
        more = {member.name: {k: v for k, v in vars(member).items() if k not in OF_ENUM} for member in cls}
    elif "__slots__" in vars(cls) and not any(isinstance(base, types.FunctionType) for base in args[2]):
        # Not from `members`, which lack what equals the base's. Of typing.NamedTuple, a function, they are () anyway.
        args = (*args[:3], {**args[3], "__slots__": vars(cls)["__slots__"]}, *args[4:])
        members = {key: value for key, value in members.items() if not isinstance(value, types.MemberDescriptorType)}
    hooks = {key: members.pop(key) for key in _hooks(cls) if key in members}
    return (make, args, (setter, (members, slots), hooks, more), *rest, set_class)


def set_class(cls: Any, state: Any) -> None:
    setter, rest, hooks, more = state
    setter(cls, rest)
    later.append((cls, hooks))
    for name, attributes in more.items():
        vars(cls[name]).update(attributes)


def finish() -> None:
    for cls, members in later:
        for name, member in members.items():
            type.__setattr__(cls, name, member)
    later.clear()


def reduce(obj: Any) -> Any:
    """Reduce an object so that a load skips its class's own `__new__`, `append` and the like; None: the usual way."""
    cls = type(obj)
    if cls not in _careful:
        _careful[cls] = _is_careful(cls)
    if not _careful[cls]:
        return None
    make, args, state, elements, items = (*obj.__reduce_ex__(5), None, None, None)[:5]
    if make is copyreg.__newobj__ and args[0] is cls:  # type: ignore[attr-defined,unused-ignore] # not in typeshed
        args, init = args[1:], False
    elif make is cls:
        init = True
    else:
        return None
    if isinstance(obj, tuple):
        args = (tuple(obj),)
    if state is None and issubclass(cls, CONTAINERS):
        state = getattr(obj, "__dict__", None)  # the reductions of defaultdict and Counter leave it out
    filled = (state, list(elements or ()), dict(items or ()))
    return made, (cls, args, init), filled, None, None, fill


def reduce_array(array: Any) -> Any:
    """Reduce an array of a notebook's subclass with its attributes, which NumPy leaves out."""
    (base,) = (base for base in type(array).__mro__ if base.__name__ == "ndarray" and base.__module__ == "numpy")
    return made_array, (array.view(base), type(array)), vars(array), None, None, set_attributes


def made_array(array: Any, cls: type) -> Any:
    return array.view(cls)


def set_attributes(obj: Any, attributes: dict[str, Any]) -> None:
    vars(obj).update(attributes)


def _is_careful(cls: type) -> bool:
    own = {name: each for each in reversed(cls.__mro__) if each.__module__ == "__main__" for name in vars(each)}
    if not own or issubclass(cls, (type, enum.Enum)):
        return False
    if issubclass(cls, tuple):
        return "_fields" not in vars(own.get("__new__", tuple))  # a named tuple's `__new__` has no side effects
    return not own.keys() & CUSTOM and ("__new__" in own or issubclass(cls, CONTAINERS))


def _base(cls: type) -> Any:
    return next(base for base in cls.__mro__ if base.__module__ != "__main__")


def made(cls: type, args: Any, init: bool) -> Any:
    base = _base(cls)
    obj = base.__new__(cls, *args)
    if init:
        base.__init__(obj, *args)
    return obj


def fill(obj: Any, state: Any) -> None:
    """Set elements, items and state of a new object, as pickle does."""
    rest, elements, items = state
    base = _base(type(obj))
    if elements:
        base.extend(obj, elements)
    for key, value in items.items():
        base.__setitem__(obj, key, value)
    if rest is None:
        return
    if hasattr(obj, "__setstate__"):
        obj.__setstate__(rest)
        return
    attributes, slots = rest if isinstance(rest, tuple) else (rest, None)
    if attributes:
        obj.__dict__.update(attributes)
    for name, value in (slots or {}).items():
        object.__setattr__(obj, name, value)
