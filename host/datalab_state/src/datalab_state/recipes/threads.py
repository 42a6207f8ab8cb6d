# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Recipes for threads, and for objects that they wait for."""

from __future__ import annotations

import importlib
import queue
import sys
import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

from .common import Recipe, Reduced, call, refuse


def _lock(lock: Any, _: Any) -> Reduced:
    rlock = "RLock" in type(lock).__name__
    if "locked" in repr(lock).split(" ", 1)[0] and "unlocked" not in repr(lock).split(" ", 1)[0]:
        raise TypeError("a lock that is held")
    return call, ("threading.RLock" if rlock else "threading.Lock",)


def _simple_queue(waiting: Any, _: Any) -> Reduced:
    if not waiting.empty():
        raise TypeError("a queue with something in it")
    return queue.SimpleQueue, ()


def _thread(thread: Any, _: Any) -> Reduced:
    if thread.is_alive() or isinstance(thread, threading._MainThread):  # type: ignore[attr-defined] # is there
        raise TypeError("a thread that runs")
    if not thread._started.is_set():
        raise TypeError("a thread that was not started")
    hidden = set(vars(threading.Thread()))
    state = {k: v for k, v in vars(thread).items() if k not in hidden}
    return _finished, (type(thread), thread.name, state)


def _finished(cls: Any, name: str, state: dict[str, Any]) -> Any:
    thread: Any = cls.__new__(cls)
    threading.Thread.__init__(thread, name=name)
    thread._started.set()
    if hasattr(thread, "_handle"):  # Python 3.13
        thread._handle = importlib.import_module("_thread")._ThreadHandle()
        thread._handle._set_done()
    else:
        thread._is_stopped = True
        thread._tstate_lock = None
    threading._dangling.discard(thread)  # type: ignore[attr-defined] # is there
    vars(thread).update(state)
    return thread


def _executor(pool: Any, _: Any) -> Reduced:
    if not pool._work_queue.empty():
        raise TypeError("an executor with work to do")
    return ThreadPoolExecutor, (pool._max_workers, pool._thread_name_prefix, pool._initializer, pool._initargs)


def _future(future: Any, _: Any) -> Reduced:
    if not future.done():
        raise TypeError("a future that has no result yet")
    return None


def _bar(bar: Any, _: Any) -> Reduced:
    if type(bar).__module__ != "tqdm.std":
        raise TypeError("a progress bar, which lives in the page")
    if bar.iterable is not None:
        raise TypeError("a progress bar that is iterating")
    state = {key: value for key, value in vars(bar).items() if key not in ("fp", "sp")}
    return _make_bar, (type(bar), state)


def _make_bar(cls: Any, state: dict[str, Any]) -> Any:
    bar = cls(disable=True)
    vars(bar).update(state)
    bar.fp = sys.stderr
    bar.sp = bar.status_printer(bar.fp)
    return bar


RECIPES: dict[Any, Recipe] = {
    type(threading.Lock()): _lock,
    type(threading.RLock()): _lock,
    "_queue.SimpleQueue": _simple_queue,
    ThreadPoolExecutor: _executor,
}
ALWAYS: dict[Any, Recipe] = {
    Future: _future,
    Executor: refuse("an executor, whose processes end with the kernel"),
    threading.Thread: _thread,
    "tqdm.std.tqdm": _bar,
    "threading._DummyThread": refuse("a thread of a library"),
    "subprocess.Popen": refuse("a process, which ends with the kernel"),
    "socket.socket": refuse("a connection, which ends with the kernel"),
}
