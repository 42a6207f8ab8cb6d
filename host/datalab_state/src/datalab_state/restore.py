# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restore the variables of a state."""

from __future__ import annotations

import fcntl
import linecache
import platform
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import around, journal, live, store
from .missing import Missing
from .pickling import load
from .save import locked

AT_ONCE = 1 << 28  # bytes of buffers that are checked before use; the others are checked afterwards


@dataclass
class Report:
    state: journal.State
    back: list[str] = field(default_factory=list)
    lost: dict[str, str] = field(default_factory=dict)
    partly: dict[str, list[str]] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def restore(directory: Path, state: journal.State, shell: Any, mine: dict[str, Any], *, force: bool) -> Report:
    """Restore a state. `mine`: the variables of this session, which stay unless `force` is set."""
    report = Report(state, lost=dict(state.lost), partly=dict(state.partly()))
    with locked(directory, fcntl.LOCK_SH):
        for name, text in state.sources.items():
            lines = text.splitlines(keepends=True)
            linecache.cache.setdefault(name, (len(text), None, lines, name))
            live.sources[name] = text
        settings: dict[str, Any] = {}
        if state.settings:
            try:
                (settings,) = load(store.read(directory, *state.settings), (), 1)
                report.notes += around.put(shell, settings)
            except Exception as error:
                report.notes.append(f"settings: {error}")
        room = AT_ONCE
        later: list[journal.Segment] = []
        for segment in state.segments:
            length = sum(part[1] for part in segment.files[1:])
            at_once = length <= room
            room -= length if at_once else 0
            if not at_once:
                later.append(segment)
            _segment(directory, segment, report, mine, check=at_once, force=force)
    if settings:
        around.seed(settings)
    ours, theirs = platform.python_version().rpartition(".")[0], state.python.rpartition(".")[0]
    if ours != theirs:
        report.notes.append(f"saved by Python {theirs}, restored in {ours}: functions are compiled from their cells")
    if later:
        threading.Thread(target=_check, args=(directory, later), daemon=True, name="datalab-state-check").start()
    return report


def _segment(
    directory: Path, segment: journal.Segment, report: Report, mine: dict[str, Any], *, check: bool, force: bool
) -> None:
    live.notes.clear()
    try:
        first, *rest = segment.files
        if check:
            store.check(directory, rest)
        values = load(
            store.read(directory, *first), [store.mapped(directory, *part) for part in rest], len(segment.names)
        )
    except Exception as error:
        why = (str(error).splitlines() or [""])[0][:200] or type(error).__name__
        if isinstance(error, ImportError):
            why = f"needs what is not installed here: {why}"
        report.lost.update(dict.fromkeys(segment.names, why))
        for name in segment.names:
            report.partly.pop(name, None)
        return
    for name, value in zip(segment.names, values):
        if isinstance(value, Missing):
            report.lost[name] = repr(value)[len("<not restored: ") : -1]
            continue
        if live.notes:
            report.partly[name] = [*report.partly.get(name, []), *live.notes]
        if name in mine and not force:
            if mine[name] is not value:
                report.kept.append(name)
            continue
        live.namespace[name] = value
        report.back.append(name)


damaged: list[str] = []  # variables that the check in the background found damaged; the next cell names them


def _check(directory: Path, segments: list[journal.Segment]) -> None:
    for segment in segments:
        try:
            store.check(directory, segment.files[1:])
        except store.Damaged:
            damaged.extend(segment.names)
