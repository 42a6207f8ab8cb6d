# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Large files are written past the page cache, if the file system supports that."""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import patch

import pytest
from datalab_state import writing

BLOCK = writing.BLOCK


def written(path: Path, data: bytes, parts: int) -> bytes:
    size = len(data) // parts // writing.ALIGNED * writing.ALIGNED or len(data)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        with writing.Writer(path, descriptor, len(data)) as writer:
            for begin in range(0, len(data), size):
                writer.write(memoryview(data)[begin : begin + size], begin)
    finally:
        os.close(descriptor)
    return path.read_bytes()


@pytest.mark.parametrize("directly", [True, False])
@pytest.mark.parametrize("length", [1, writing.ALIGNED, BLOCK - 1, BLOCK, BLOCK + writing.ALIGNED + 1, 3 * BLOCK + 7])
def test_all_of_it_is_there(tmp_path: Path, length: int, *, directly: bool):
    data = os.urandom(length)
    with patch.object(writing, "_opened", writing._opened if directly else lambda path: None):
        assert [written(tmp_path / "file", data, parts) for parts in (1, 2, 3)] == [data] * 3


def test_a_short_write_is_completed(tmp_path: Path):
    data, pwrite = os.urandom(2 * BLOCK), os.pwrite

    def short(descriptor: int, view: memoryview, offset: int) -> int:
        return pwrite(descriptor, view[: max(writing.ALIGNED, view.nbytes // 2)], offset)

    with patch.object(os, "pwrite", short):
        assert written(tmp_path / "file", data, 1) == data
