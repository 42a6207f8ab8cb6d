# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Save the variables of a notebook. This usually runs in a fork of the kernel (background.py)."""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from . import around, journal, live, place, store, trial
from .groups import Pickled, each, group, pickled
from .pickling import load
from .recipes import Table
from .settings import Settings

SLOWEST = 20_000_000  # bytes per second that even a slow volume writes
PATIENCE = 30  # seconds to wait for the lock
TESTED = 1 << 26  # bytes; a pickle up to this size, without its buffers, is loaded once before it counts


@dataclass
class Request:
    """The data that a save needs from its kernel."""

    shell: Any
    session: str
    notebook: str
    values: dict[str, Any]
    groups: list[list[str]] = field(default_factory=list)  # of the last save
    cells: dict[str, str] = field(default_factory=dict)  # by variable: the cell that made it
    restored: frozenset[str] = frozenset()  # sessions whose states were restored here
    grouped: tuple[list[Pickled], dict[str, str]] | None = None  # set if the kernel itself has pickled
    random: Any = None  # the state of the module `random`, which a fork seeds anew
    test: bool = True


@contextmanager
def locked(directory: Path, kind: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Lock a notebook's state: no two kernels write it at the same time, and none writes it while another reads it."""
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int) -> None:
    """Take the lock, or wait for it: the last save of a kernel that has ended may still be running."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise place.Refused("Another kernel of this notebook is saving; try again when it is done.") from None
        time.sleep(0.1)


def save(request: Request, settings: Settings) -> dict[str, Any]:
    begin = time.monotonic()
    directory = place.of_notebook(settings.root, request.notebook)
    place.make(settings.root)
    place.make(directory)
    with locked(directory):
        with suppress(OSError):
            _forget_old(settings, directory)
        journal.mend(directory)
        last = _session(directory)
        keep = bool(last) and last not in {request.session, *request.restored}
        store.sweep(directory, journal.used(directory))
        files = store.Store(directory, settings.share, lambda files, needed: _make_room(directory, files, needed))
        try:
            state = _state(request, Table(settings.recipes), files)
            journal.write(directory, state, keep=keep)
            journal.forget_earlier(directory, request.restored)
        finally:
            store.sweep(directory, journal.used(directory))
    return {
        "saved": len(state.names()),
        "partly": sorted(state.partly()),
        "lost": sorted(state.lost),
        "seconds": round(time.monotonic() - begin, 2),
        "notebook": request.notebook,
        "bytes": state.bytes(),
        "written": files.written,
        "why": {**state.lost, **{name: "; ".join(why) for name, why in state.partly().items()}},
        "groups": [segment.names for segment in state.segments if len(segment.names) > 1],
    }


def _make_room(directory: Path, files: store.Store, needed: float) -> None:
    """Remove the state before the newest, if the newest is complete and the removal makes enough room."""
    if journal.is_complete(directory / journal.NEWEST):
        kept = files.names | journal.used(directory, without=journal.OLD)
        freed = sum(length for name, length in journal.parts(directory, journal.OLD).items() if name not in kept)
        if freed >= needed:
            (directory / journal.OLD).unlink(missing_ok=True)
            store.sweep(directory, kept)


def _session(directory: Path) -> str:
    with suppress(OSError, store.Damaged):
        return journal.read(directory, journal.NEWEST).session
    return ""


def _state(request: Request, table: Table, files: store.Store) -> journal.State:
    parts, lost = request.grouped or group(request.values, table, request.groups)
    if request.test:
        parts = _loadable(parts, request, table, files, lost)
    segments, short = [], False
    live.limit(60 + sum(part.size for part in parts) // SLOWEST)
    # The largest come last, so that as few as possible have no room; `lost` names those.
    for part in sorted(parts, key=lambda part: part.size):
        try:
            written = [(files.put(data), data.nbytes) for data in (part.data, *part.buffers)]
        except store.NoSpace as error:
            lost.update(dict.fromkeys(part.names, str(error)))
            short = True
        else:
            segments.append(journal.Segment(part.names, written, part.partly))
    spoiled = {*lost, *(name for segment in segments for name in segment.partly)}
    return journal.State(
        session=request.session,
        notebook=request.notebook,
        time=time.time(),
        python=platform.python_version(),
        segments=segments,
        lost=lost,
        settings=_settings(request, table, files),
        cells={name: code for name, code in request.cells.items() if name in spoiled},
        sources={name: text for part in parts for name in part.codes for text in [_source(name)] if text},
        short=short,
        inode=place.inode(request.notebook),
    )


def _settings(request: Request, table: Table, files: store.Store) -> journal.Part | None:
    with suppress(Exception):  # the variables are saved even without their surroundings
        around_it = pickled({"around": {**around.get(request.shell), "random": request.random}}, table, {}, holes=True)
        return files.put(around_it.data), around_it.data.nbytes
    return None


def _loadable(
    parts: list[Pickled], request: Request, table: Table, files: store.Store, lost: dict[str, str]
) -> list[Pickled]:
    """Return the parts that can be loaded; of a group that cannot, the variables that load alone, unless all do."""
    live.limit(120)
    new = [part for part in parts if part.data.nbytes <= TESTED and not files.known(part.data)]
    failed = {id(part): why for part, why in zip(new, trial.tried([_loader(part) for part in new])) if why}
    good = [part for part in parts if id(part) not in failed]
    for part in parts:
        if id(part) not in failed:
            continue
        alone = [
            single for name in part.names for single in each({name: request.values[name]}, table, lost, holes=True)
        ]
        reasons = trial.tried([_loader(single) for single in alone]) if len(part.names) > 1 else []
        if len(alone) == len(part.names) and not any(reasons):
            reasons = [failed[id(part)]] * len(alone)
        names = [name for single in alone for name in single.names]
        lost.update({name: f"cannot be loaded again: {why}" for name, why in zip(names, reasons) if why})
        rest = {name: request.values[name] for name, why in zip(names, reasons) if not why}
        again, _ = group(rest, table)
        good += again
    return good


loaded: list[Any] = []  # of a trial, kept since their deletion may remove a file, or close what the kernel has open


def _loader(part: Pickled) -> Callable[[], str]:
    def attempt() -> str:
        live.notes.clear()
        try:
            loaded.append(
                load(part.data, [memoryview(buffer).toreadonly() for buffer in part.buffers], len(part.names))
            )
        except Exception as error:
            return (str(error).splitlines() or [""])[0][:160] or type(error).__name__
        return live.notes[0] if live.notes and len(part.names) == 1 else ""

    return attempt


def _source(name: str) -> str:
    import linecache

    entry = linecache.cache.get(name)
    return "".join(entry[2]) if entry is not None and len(entry) == 4 else ""


def _forget_old(settings: Settings, mine: Path) -> None:
    oldest = time.time() - settings.days * 86400
    for directory in settings.root.iterdir():
        newest = directory / journal.NEWEST
        if directory != mine and newest.is_file() and newest.lstat().st_mtime < oldest:
            place.check(directory)
            shutil.rmtree(directory)
