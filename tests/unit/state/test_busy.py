# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import asyncio
import hashlib
import threading

import pytest
from datalab_state import busy

DATA = bytes(50_000_000)


@pytest.mark.parametrize(
    ("name", "at_work", "computes"),
    [("model", True, True), ("model", False, False), ("IOPub", True, False)],
    ids=["computes", "waits", "the kernel's own"],
)
def test_a_thread_beside_the_notebook(name: str, at_work: bool, computes: bool):
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            hashlib.sha256(DATA) if at_work else stop.wait(1)  # hashing releases the interpreter's lock, as BLAS does

    thread = threading.Thread(target=work, name=name)
    thread.start()
    try:
        # Several checks, since threads of the test runner may compute, too.
        assert computes in {busy.computing() for _ in range(5)}
        assert computes in {asyncio.run(busy.computing_meanwhile()) for _ in range(5)}
    finally:
        stop.set()
        thread.join()
