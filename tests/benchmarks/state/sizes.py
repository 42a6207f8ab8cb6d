# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measure how long saves and restores of 1 GB and of 10 GB take, and whether forks hang."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from ansible_collections.datalab.notebooks.tests.state.kernels import Kernel
from ansible_collections.datalab.notebooks.tests.state.test_forks import saves

from .kinds import DILL

MEGABYTES = 1000
ROUNDS = 6
PAUSES = 100
FORKS = 1000
ARRAY = f"import numpy as np\nlarge = np.random.default_rng(0).random({MEGABYTES * 125_000})"
# RAW and PAUSE leave no variable behind: dill saves all of them or nothing.
RAW = """
def _raw():
    import os, time
    view = memoryview(large).cast("B"); begun = time.perf_counter()
    with open("raw", "wb", buffering=0) as file:
        while view.nbytes: view = view[file.write(view):]
        os.fsync(file.fileno())
    print(time.perf_counter() - begun); os.unlink("raw")
_raw(); del _raw
"""


def _seconds(kernel: Kernel, code: str) -> float:
    """Run code in the kernel and return its seconds, measured there."""
    lines = "\n".join(f"    {line}" for line in code.splitlines())
    kernel.run("import time as _time")
    return float(
        kernel.run(f"_begun = _time.perf_counter()\nif True:\n{lines}\nprint(_time.perf_counter() - _begun)").split()[
            -1
        ]
    )


SAVE = "report = __import__('datalab_state').session.save()"
# Change the array and forget the saved state: the next save writes all of the array.
ANEW = "large[0] = {number}\nimport datalab_state\ndatalab_state.session.forget(datalab_state.session.notebook.name)"


def large(start: Callable[..., Kernel]) -> dict[str, object]:
    with start() as kernel:
        kernel.run(ARRAY)
        rounds = [_round(kernel, number) for number in range(ROUNDS)]
        memory = _memory_of_a_save(kernel)
        kernel.run("small = 3; large[5] = 1.0; want = float(large.sum())")
        kernel.run(SAVE)
        again = [_seconds(kernel, SAVE) for _ in range(ROUNDS)]
        written = int(kernel.run("print(report['written'])"))
        pauses = sorted(float(kernel.run(PAUSE)) for _ in range(PAUSES))
        kernel.run(DILL)
    with start() as kernel:
        kernel.run("import numpy")
        restore = _seconds(kernel, "get_ipython().run_line_magic('restore', '')")
        use = _seconds(kernel, "small + 1")
        same = kernel.run("print(float(large.sum()) == want)").strip()
    with start() as kernel:
        kernel.run("import dill, numpy")
        dill_restore = _seconds(kernel, "dill.load_module('d')")
    return {
        "first save against a raw write with fsync": _spread([each["raw"] / each["save"] for each in rounds]),
        "dill's save against it": _spread([each["dill"] / each["save"] for each in rounds]),
        "memory of the kernel and its fork against the kernel's before": round(memory, 2),
        "unchanged: seconds a GB": _spread(again),
        "unchanged: bytes of data": written,
        f"pause a GB in ms: the longest of {PAUSES}": round(pauses[-1] * 1000, 1),
        "pause a GB in ms: the median": round(statistics.median(pauses) * 1000, 1),
        "restore in seconds": round(restore, 3),
        "first use of a small variable in seconds": round(use, 4),
        "the same": same,
        "dill's restore in seconds": round(dill_restore, 2),
    }


def _round(kernel: Kernel, number: int) -> dict[str, float]:
    """Return the seconds of each tool, run one after the other, in another order for each round."""
    kernel.run(ANEW.format(number=number))
    tools = {
        "raw": lambda: float(kernel.run(RAW)),
        "save": lambda: _seconds(kernel, SAVE),
        "dill": lambda: _seconds(kernel, DILL),
    }
    seconds = {}
    for tool in [*tools][number % 3 :] + [*tools][: number % 3]:
        os.sync()  # earlier writes must not slow later ones
        seconds[tool] = tools[tool]()
    return seconds


def _spread(values: list[float]) -> dict[str, float]:
    found = {"median": statistics.median(values), "least": min(values), "most": max(values)}
    return {name: round(value, 2) for name, value in found.items()}


def _memory_of_a_save(kernel: Kernel) -> float:
    """Return the peak memory of a save (kernel and fork, shared pages counted once), relative to that before it."""
    kernel.run(ANEW.format(number=-1))
    before = most = _memory(kernel.pid)
    with ThreadPoolExecutor(1) as pool:
        saving = pool.submit(kernel.run, SAVE)
        while not saving.done():
            most = max(most, _memory(kernel.pid))
            time.sleep(0.01)
        saving.result()
    return most / before


def _memory(pid: int) -> int:
    """Return the bytes of a process and its children: their shares of all pages (proc(5), smaps_rollup, Pss)."""
    children = [child for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()]
    total = 0
    for each in (str(pid), *children):
        with suppress(OSError):  # a fork may end at any moment
            (size,) = re.findall(r"^Pss: +(\d+) kB", Path(f"/proc/{each}/smaps_rollup").read_text(), re.MULTILINE)
            total += int(size) * 1024
    return total


def huge(start: Callable[..., Kernel]) -> dict[str, object] | str:
    """Measure ten times that size, once, if this machine has room for it."""
    free = int(re.findall(r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text())[0]) * 1024
    disk = shutil.disk_usage(tempfile.gettempdir())
    if min(free, disk.free - disk.total // 10) < 12e9:
        return "not measured: it takes 12 GB of memory, and 12 GB on the disk beside the tenth that stays free"
    with start() as kernel:
        kernel.run("import numpy as np\nlarge = np.random.default_rng(0).random(1_250_000_000); small = 3", seconds=600)
        first = _seconds(kernel, SAVE)
        lost = kernel.run("print(report['lost'])").strip()
        again = _seconds(kernel, SAVE)
        written = int(kernel.run("print(report['written'])"))
    with start() as kernel:
        kernel.run("import numpy")
        begun = time.perf_counter()
        kernel.run("%restore\nprint(small + 1)")
        use = time.perf_counter() - begun
    return {
        "save in seconds": round(first, 1),
        "lost": lost,
        "unchanged: seconds": round(again, 1),
        "unchanged: bytes of data": written,
        "restore and first use of a small variable in seconds": round(use, 2),
    }


PAUSE = """
def _pause():
    import datalab_state, time
    begun = time.perf_counter(); child = datalab_state.session._start()
    print(time.perf_counter() - begun); child.join()
_pause(); del _pause
"""


def forks(start: Callable[..., Kernel]) -> dict[str, object]:
    with start(OPENBLAS_NUM_THREADS="4") as kernel:
        begun = time.monotonic()
        *bad, forks, here = saves(kernel, FORKS, at_work=False)
    hung = "none" if (forks, here) == ("True", "False") else "at least one"
    return {"forks": FORKS, "hung": hung, "failed": bad, "seconds": round(time.monotonic() - begun)}
