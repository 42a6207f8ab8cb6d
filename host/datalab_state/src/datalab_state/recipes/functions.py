# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Recipes for functions with a cache, and for generators."""

from __future__ import annotations

import functools
import inspect
import types
from typing import Any

from ..live import NAMESPACE
from .common import Recipe, Reduced, refuse


def _lru_cache(cached: Any, _: Any) -> Reduced:
    if cached.__module__ != "__main__":
        return None
    state = {k: v for k, v in vars(cached).items() if k != "__wrapped__"}
    return _make_lru_cache, (cached.__wrapped__, _cache_options(cached), state)


def _cache_options(cached: Any) -> dict[str, Any]:
    options: dict[str, Any] = cached.cache_parameters()
    return options


def _make_lru_cache(function: Any, options: dict[str, Any], state: dict[str, Any]) -> Any:
    cached = functools.lru_cache(**options)(function)
    cached.__dict__.update(state)
    return cached


def _generator(generator: Any, namespace: dict[str, Any]) -> Reduced:
    frame, code = generator.gi_frame, generator.gi_code
    if frame is None:
        return iter, ((),)
    if inspect.getgeneratorstate(generator) != inspect.GEN_CREATED:
        raise TypeError(f"a generator that has begun (line {frame.f_lineno})")
    if frame.f_globals is not namespace or code.co_freevars:
        raise TypeError("a generator of a nested function, or of a library")
    local, count = frame.f_locals, code.co_argcount
    names = code.co_varnames
    args = [local[name] for name in names[:count]]
    keywords = {name: local[name] for name in names[count : count + code.co_kwonlyargcount]}
    rest = count + code.co_kwonlyargcount
    if code.co_flags & 4:
        args += local[names[rest]]
        rest += 1
    if code.co_flags & 8:
        keywords.update(local[names[rest]])
    return _make_generator, (code, NAMESPACE, args, keywords)


def _make_generator(code: Any, names: dict[str, Any], args: list[Any], keywords: dict[str, Any]) -> Any:
    return types.FunctionType(code, names, code.co_name)(*args, **keywords)


RECIPES: dict[Any, Recipe] = {types.GeneratorType: _generator}
ALWAYS: dict[Any, Recipe] = {
    functools._lru_cache_wrapper: _lru_cache,
    types.CoroutineType: refuse("a coroutine"),
    types.AsyncGeneratorType: refuse("an asynchronous generator"),
    types.FrameType: refuse("a frame"),
    types.TracebackType: refuse("a traceback"),
}
