# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files that are named by their content, written once and never changed."""

from __future__ import annotations

import errno
import functools
import hashlib
import mmap
import os
import re
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Union

from . import place
from .writing import Writer, write

Data = Union[bytes, memoryview, mmap.mmap]
CHUNK = 1 << 24
RESERVE = 1 << 30  # bytes that stay free on the volume; a tenth of the volume if that is more
FULL = {errno.ENOSPC, errno.EDQUOT}


class NoSpace(Exception):
    """Raised if the volume, or the share of it for states, has no room for a file."""


class Damaged(Exception):
    """Raised if a file on the disk differs from what was written."""


def _processor() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


# The faster hash on this processor: SHA-256 if the processor has instructions for it, else BLAKE2b: without them,
# SHA-256 is half as fast.
HASHES: dict[int, Callable[[Data], Any]] = {64: hashlib.sha256, 40: functools.partial(hashlib.blake2b, digest_size=20)}
LENGTH = 64 if re.search(r"\b(sha_ni|sha2)\b", _processor()) else 40


def digest(data: Data, like: str = "") -> str:
    """Return the name of a file. Above one chunk: the digest of the chunks' digests, which all processors compute.

    `like`: an existing name, whose kind of hash is used; it may come from a machine with the other kind.
    """
    new = functools.partial(hashed, like=like)
    view = memoryview(data)
    if view.nbytes <= CHUNK:
        return new(view).hex()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        chunks = [view[begin : begin + CHUNK] for begin in range(0, view.nbytes, CHUNK)]
        return new(b"".join(pool.map(new, chunks))).hex()


def hashed(part: Data, like: str = "") -> bytes:
    """Return the digest of a chunk."""
    value: bytes = HASHES[len(like) if len(like) in HASHES else LENGTH](part).digest()
    return value


def create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def synced(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Store:
    """A directory of files that are named by their content, within its share of the volume."""

    def __init__(
        self, directory: Path, share: float, make_room: Callable[[Store, float], None] = lambda *_: None
    ) -> None:
        self.directory = directory
        self.written = 0
        self.names: set[str] = set()
        self._share, self._make_room = share, make_room
        self._sizes = {file.stat().st_size for file in directory.iterdir()}
        self._left = self._room()

    def _room(self) -> float:
        """Return how many more bytes may be written."""
        directory = self.directory
        usage = shutil.disk_usage(directory)
        used = sum(file.stat().st_size for file in directory.parent.glob("*/*") if file.is_file())
        return min(usage.free - max(RESERVE, usage.total // 10), usage.total * self._share / 100 - used)

    def known(self, data: Data) -> bool:
        view = memoryview(data)
        return view.nbytes in self._sizes and self._has(digest(view), view.nbytes)

    def put(self, data: Data) -> str:
        """Write a file and return its name. A file that exists already is not written again."""
        view = memoryview(data).cast("B")
        # If no file has this size, the content is new, and is hashed while it is written.
        name = digest(view) if view.nbytes in self._sizes else ""
        if not (name and self._has(name, view.nbytes)):
            if view.nbytes > self._left:
                self._make_room(self, view.nbytes - self._left)
                self._left = self._room()
            if view.nbytes > self._left:
                raise NoSpace(f"{size(view.nbytes)} exceed the room for states on this volume")
            name = self._written(view, name)
            self._sizes.add(view.nbytes)
            self.written += view.nbytes
            self._left -= view.nbytes
        self.names.add(name)
        return name

    def _has(self, name: str, length: int) -> bool:
        try:
            return (self.directory / name).stat().st_size == length
        except FileNotFoundError:
            return False

    def _written(self, view: memoryview, name: str) -> str:
        new = self.directory / f"{os.getpid()}.new"
        new.unlink(missing_ok=True)
        try:
            return self._write(new, view, name)
        except OSError as error:
            if error.errno in FULL:  # the volume has filled up since `_room` looked
                raise NoSpace(f"{size(view.nbytes)} exceed the free space on this volume") from error
            raise

    def _write(self, new: Path, view: memoryview, name: str) -> str:
        if not name and view.nbytes <= CHUNK:
            name = digest(view)
        with os.fdopen(create(new), "wb", buffering=0) as file:
            if view.nbytes <= CHUNK:
                write(file.fileno(), view)
            else:
                name = self._write_large(new, file.fileno(), view, name)
            os.fsync(file.fileno())
        new.rename(self.directory / name)
        return name

    def _write_large(self, new: Path, descriptor: int, view: memoryview, name: str) -> str:
        """Hash and write chunks on all processors at the same time."""

        def one(begin: int) -> bytes:
            chunk = view[begin : begin + CHUNK]
            value = b"" if name else hashed(chunk)
            writer.write(chunk, begin)
            return value

        with Writer(new, descriptor, view.nbytes) as writer, ThreadPoolExecutor(os.cpu_count()) as pool:
            values = b"".join(pool.map(one, range(0, view.nbytes, CHUNK)))
        return name or hashed(values).hex()


def read(directory: Path, name: str, length: int) -> bytes:
    with os.fdopen(_opened(directory, name, length), "rb") as file:
        data = file.read()
    if digest(data, name) != name:
        raise Damaged("is damaged on the disk")
    return data


def mapped(directory: Path, name: str, length: int) -> mmap.mmap:
    """Map a file: its pages come from the disk when they are used; changes stay in memory."""
    descriptor = _opened(directory, name, length)
    try:
        return mmap.mmap(descriptor, length, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
    finally:
        os.close(descriptor)


def check(directory: Path, files: Iterable[tuple[str, int]]) -> None:
    """Check that files are as they were written; changes in a notebook's memory do not matter."""
    for name, length in files:
        descriptor = _opened(directory, name, length)
        try:
            with mmap.mmap(descriptor, length, mmap.MAP_SHARED, mmap.PROT_READ) as data, memoryview(data) as view:
                if digest(view, name) != name:
                    raise Damaged("is damaged on the disk")
        finally:
            os.close(descriptor)


def _opened(directory: Path, name: str, length: int) -> int:
    try:
        descriptor = place.opened(directory / name)
    except OSError as error:
        raise Damaged(f"is missing on the disk ({error.strerror})") from error
    if os.fstat(descriptor).st_size != length:
        os.close(descriptor)
        raise Damaged("is truncated on the disk")
    return descriptor


def sweep(directory: Path, used: Iterable[str]) -> None:
    """Remove files that no state names, and temporary files."""
    keep = set(used)
    for file in directory.iterdir():
        if (len(file.name) in HASHES and file.name not in keep) or file.name.endswith(".new"):
            file.unlink(missing_ok=True)


def size(count: float) -> str:
    """Format a size for people, such as 1.5 MB."""
    units = ["B", "kB", "MB", "GB", "TB"]
    while count >= 1000 and len(units) > 1:
        count /= 1000
        units.pop(0)
    return f"{count:.0f} {units[0]}" if units[0] == "B" or count >= 10 else f"{count:.1f} {units[0]}"
