# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manifests of states: each is written to a temporary file, synced and renamed; the previous one stays until the next.

`manifest` is the newest, `manifest.old` the previous one, in case the newest is damaged. A kernel does not replace a
state that it has not restored: `before.1` and `before.2` are the last states of earlier kernels. A state that had no
room for all variables does not replace the last complete one, which stays as `manifest.old` and is listed after it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import place, store

VERSION = 2  # version 2 added the inode
NEWEST, OLD, BEFORE = "manifest", "manifest.old", ("before.1", "before.2")
Part = tuple[str, int]  # a file's name and length


@dataclass
class Segment:
    """One variable, or several that share something, in one pickle: the first file. The other files are its buffers."""

    names: list[str]
    files: list[Part]
    partly: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class State:
    session: str
    notebook: str
    time: float
    python: str
    segments: list[Segment]
    lost: dict[str, str]
    settings: Part | None
    cells: dict[str, str]  # by variable: the cell that made it, if it is lost or partly saved
    sources: dict[str, str]  # by file name: the cell that a function comes from
    short: bool = False  # whether there was no room for some variables
    inode: int = 0  # of the notebook's file; a new name does not change it

    def files(self) -> Iterator[Part]:
        for segment in self.segments:
            yield from segment.files
        if self.settings:
            yield self.settings

    def names(self) -> list[str]:
        return [name for segment in self.segments for name in segment.names]

    def partly(self) -> dict[str, list[str]]:
        return {name: why for segment in self.segments for name, why in segment.partly.items()}

    def bytes(self) -> int:
        return sum(dict(self.files()).values())


def write(directory: Path, state: State, *, keep: bool) -> None:
    """Write the manifest. `keep`: the existing one is of an earlier kernel and was not restored, so it stays."""
    raw = json.dumps({"version": VERSION, **asdict(state)}).encode()
    new = directory / "manifest.new"
    new.unlink(missing_ok=True)
    with os.fdopen(store.create(new), "wb") as file:
        file.write(store.digest(raw).encode() + b"\n" + raw)
        file.flush()
        os.fsync(file.fileno())
    newest, old, first, second = (directory / name for name in (NEWEST, OLD, *BEFORE))
    old_is_better = is_complete(old) and not is_complete(newest)
    if keep and newest.exists() and not (first.exists() and first.samefile(newest)):
        if old_is_better:
            _link(old, second)
        elif first.exists():
            first.replace(second)
        _link(newest, first)
    if newest.exists() and (keep or not old_is_better):
        _link(newest, old)
    new.replace(newest)
    store.synced(directory)


def _link(file: Path, name: Path) -> None:
    aside = name.parent / "old.new"
    aside.unlink(missing_ok=True)
    os.link(file, aside)
    aside.replace(name)


def is_complete(file: Path) -> bool:
    """Return whether a state can be read and had room for all variables."""
    with suppress(FileNotFoundError, store.Damaged):
        return not read(file.parent, file.name).short
    return False


def read(directory: Path, name: str) -> State:
    with os.fdopen(place.opened(directory / name), "rb") as file:
        head, _, raw = file.read().partition(b"\n")
    if store.digest(raw, head.decode("ascii", "replace")).encode() != head:
        raise store.Damaged("is damaged on the disk")
    document = json.loads(raw)
    version = document.pop("version")
    if version > VERSION:
        raise place.Refused(f"The state is of a newer datalab_state (version {version}; this one reads {VERSION}).")
    document["segments"] = [
        Segment(entry["names"], [(name, length) for name, length in entry["files"]], entry["partly"])
        for entry in document["segments"]
    ]
    if document["settings"]:
        document["settings"] = tuple(document["settings"])
    return State(**document)


def states(directory: Path) -> list[State]:
    """Return the newest state of each kernel, newest first; if it is short, also the kernel's last complete one."""
    place.check(directory.parent)
    place.check(directory)
    found: list[State] = []
    for name in (NEWEST, OLD, *BEFORE):
        if name == OLD and found and not found[0].short:
            continue  # only needed if the newest is short or cannot be read
        with suppress(FileNotFoundError, store.Damaged):
            state = read(directory, name)
            if all(other.session != state.session or (other.short and not state.short) for other in found):
                found.append(state)
    return found


def mend(directory: Path) -> None:
    """If the newest manifest is damaged, replace it by the previous one, so that this stays when another is written."""
    newest, old = directory / NEWEST, directory / OLD
    try:
        read(directory, NEWEST)
    except (FileNotFoundError, store.Damaged):
        if old.exists():
            old.replace(newest)


def forget_earlier(directory: Path, sessions: Container[str]) -> None:
    """Remove the states of earlier kernels that were restored: the newest state has what was restored of them."""
    for name in BEFORE:
        with suppress(FileNotFoundError, store.Damaged):
            if read(directory, name).session in sessions:
                (directory / name).unlink()


def used(directory: Path, *, without: str = "") -> set[str]:
    """Return the names of the files of all states that can be read, except the manifest `without`."""
    manifests = (name for name in (NEWEST, OLD, *BEFORE) if name != without)
    return {file for name in manifests for file in parts(directory, name)}


def parts(directory: Path, name: str) -> dict[str, int]:
    """Return the files of a state and their lengths; nothing if it cannot be read."""
    with suppress(FileNotFoundError, store.Damaged):
        return dict(read(directory, name).files())
    return {}
