# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write large files without the page cache: that takes half the time, and leaves the cache for what people read."""

from __future__ import annotations

import mmap
import os
import threading
from pathlib import Path
from types import TracebackType

BLOCK = 1 << 22  # bytes that are copied and written at a time
ALIGNED = 4096  # bytes; direct writes need data at multiples of this, in memory and in the file: open(2), O_DIRECT


class Writer:
    """A writer of a new file of `length` bytes; several threads may write parts of it at the same time."""

    def __init__(self, path: Path, descriptor: int, length: int) -> None:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, length)  # fails now if the volume is too small
        self._descriptor = descriptor
        self._direct = _opened(path)
        self._own = threading.local()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._direct is not None:
            os.close(self._direct)

    def write(self, view: memoryview, offset: int) -> None:
        """Write data at an offset, which is a multiple of ALIGNED."""
        whole = 0
        if self._direct is not None:
            whole = view.nbytes - view.nbytes % ALIGNED
            for begin in range(0, whole, BLOCK):
                self._write_block(self._direct, view[begin : min(begin + BLOCK, whole)], offset + begin)
        write(self._descriptor, view[whole:], offset + whole)

    def _write_block(self, direct: int, view: memoryview, offset: int) -> None:
        if not hasattr(self._own, "block"):
            self._own.block = memoryview(mmap.mmap(-1, BLOCK))  # begins at a page, so it is aligned
        block = self._own.block[: view.nbytes]
        block[:] = view
        if os.pwrite(direct, block, offset) != view.nbytes:
            write(self._descriptor, view, offset)


def write(descriptor: int, view: memoryview, offset: int = 0) -> None:
    """Write all data, through the page cache."""
    while view.nbytes:
        count = os.pwrite(descriptor, view, offset)
        view, offset = view[count:], offset + count


def _opened(path: Path) -> int | None:
    """Open the file for direct writes; None if the system does not support them."""
    try:
        return os.open(path, os.O_WRONLY | os.O_DIRECT | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (AttributeError, OSError):
        return None
