# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No save hangs in a kernel with open sockets and with threads that work with BLAS, pyarrow and logging."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .kernels import Kernel

THREADS = """
import threading, socket, numpy as np, pyarrow as pa, pyarrow.compute as pc, logging
_a = np.random.rand(300, 300); _t = pa.array(np.arange(100_000)); ends = socket.socketpair(); stop = []
def work():
    while not stop: _a @ _a; pc.sum(_t); logging.getLogger("x").debug("x")
_threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
[t.start() for t in _threads]
"""


def saves(kernel: Kernel, count: int, *, at_work: bool) -> list[str]:
    """Save `count` times, while threads compute or afterwards; return the errors, then session.forks and ._here."""
    kernel.run(THREADS)
    kernel.run("import datalab_state as _d; _bad = []")
    if not at_work:
        kernel.run("stop.append(1); [t.join() for t in _threads]; del stop[:]")
    for _ in range(count // 50):
        save = "_report = _d.session.save(); _bad += [_report['error']] if 'error' in _report else []"
        kernel.run(f"for _ in range(50): {save}", seconds=600)
    return kernel.run("stop.append(1); print(*_bad, _d.session.forks, _d.session._here, sep='\\n')").splitlines()


@pytest.mark.parametrize("at_work", [True, False], ids=["threads compute", "threads have computed"])
def test_a_hundred_saves(start: Callable[..., Kernel], at_work: bool):
    # The session still forks, and never had to pickle in the kernel itself: nothing hung.
    assert saves(start(OPENBLAS_NUM_THREADS="4"), 100, at_work=at_work) == ["True", "False"]
