# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Recipes for objects of which a pickle leaves out a part."""

from __future__ import annotations

import gc
import logging
import re
import struct
import sys
import weakref
from collections import OrderedDict
from typing import Any

from .. import classes
from .common import Recipe, Reduced, call, refuse


def _exception(error: Any, _: Any) -> Reduced:
    """Reduce an exception with its cause, which a pickle leaves out."""
    reduced = error.__reduce_ex__(4)
    if isinstance(reduced, str) or len(reduced) > 3:
        return None
    make, args = reduced[:2]
    if make is not type(error):
        return None
    state = dict(reduced[2]) if len(reduced) > 2 and reduced[2] else {}
    return (
        _make_exception,
        (make, args),
        (state, error.__cause__, error.__suppress_context__),
        None,
        None,
        _set_exception,
    )


def _make_exception(cls: Any, args: Any) -> Any:
    if cls.__module__ == "__main__":
        return classes.made(cls, args, init=True)
    try:
        return cls(*args)
    except TypeError:
        return cls.__new__(cls, *args)


def _set_exception(error: Any, state: Any) -> None:
    error.__dict__.update(state[0])
    error.__cause__, error.__suppress_context__ = state[1], state[2]


def _logger(logger: Any, _: Any) -> Reduced:
    """Reduce a logger with its settings; a pickle has only its name."""
    state = (logger.level, logger.propagate, logger.disabled, tuple(logger.handlers))
    return logging.getLogger, ("" if logger is logging.root else logger.name,), state, None, None, _set_logger


def _set_logger(logger: Any, state: Any) -> None:
    level, logger.propagate, logger.disabled, handlers = state
    logger.setLevel(level)
    if not logger.handlers:
        logger.handlers = list(handlers)


def _weak(reference: Any, _: Any) -> Reduced:
    if type(reference) is not weakref.ref:
        return None
    if reference() is None:
        raise TypeError("a reference to an object that no longer exists")
    return weakref.ref, (reference(),)


def _match(match: Any, _: Any) -> Reduced:
    again = match.re.match(match.string, match.start(), match.endpos)
    if again is None or again.regs != match.regs:
        raise TypeError("a match that depends on the text before it")
    return _call_method, (match.re, "match", match.string, match.start(), match.endpos)


def _frame(frame: Any, _: Any) -> Reduced:
    """Reduce a table of pandas with the attributes that a notebook has set on it, which pandas leaves out."""
    pandas = sys.modules["pandas"]
    inner = {*vars(pandas.Series(dtype=object)), *vars(pandas.DataFrame()), *OF_FRAMES, *frame._metadata}
    more = {name: value for name, value in vars(frame).items() if name not in inner}
    if not more:
        return None
    make, args, state = frame.__reduce_ex__(5)[:3]
    return make, args, (state, more), None, None, _set_frame


def _set_frame(frame: Any, state: Any) -> None:
    frame.__setstate__(state[0])
    vars(frame).update(state[1])


def _view(view: Any, _: Any) -> Reduced:
    """Reduce a view of a dictionary to a call on that dictionary; cloudpickle would make a view of a copy."""
    (mapping,) = gc.get_referents(view)
    return _call_method, (mapping, type(view).__name__.split("_")[-1])


def _struct(layout: Any, _: Any) -> Reduced:
    return struct.Struct, (layout.format,)


def _new_type(new: Any, _: Any) -> Reduced:
    if new.__module__ != "__main__":
        return None
    return call, ("typing.NewType", new.__name__, new.__supertype__), {"__module__": new.__module__}


def _call_method(obj: Any, name: str, *args: Any) -> Any:
    return getattr(obj, name)(*args)


def _shell(_: Any, __: Any) -> Reduced:
    return call, ("IPython.get_ipython",)


OF_FRAMES = ("_item_cache", "_is_copy", "_cacher", "_accessors")  # attributes of pandas itself
DICTIONARIES: list[dict[str, int]] = [{}, OrderedDict()]
VIEWS = [type(view) for made in DICTIONARIES for view in (made.keys(), made.values(), made.items())]
ALWAYS: dict[Any, Recipe] = {
    BaseException: _exception,
    logging.Logger: _logger,
    weakref.ref: _weak,
    re.Match: _match,
    **dict.fromkeys(VIEWS, _view),
    struct.Struct: _struct,
    "pandas.core.generic.NDFrame": _frame,
    "typing.NewType": _new_type,
    memoryview: refuse("a view of memory"),
    "IPython.core.interactiveshell.InteractiveShell": _shell,
    "ipywidgets.widgets.widget.Widget": refuse("a widget, which lives in the page"),
    "pyspark.sql.session.SparkSession": refuse("a session of Spark, which ends with the kernel"),
}
