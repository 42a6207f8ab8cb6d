# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""State of notebooks, against dill.dump_module and Kishu: what comes back, how long it takes, what a fork costs.

Each tool has kernels of its own, which are killed between save and restore. A kind counts as silently wrong if it does
not hold after the restore and no line has named one of its variables.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ansible_collections.datalab.notebooks.tests.state.conftest import NEWEST, environment
from ansible_collections.datalab.notebooks.tests.state.kernels import Kernel
from ansible_collections.datalab.notebooks.tests.state.kinds import KINDS
from ansible_collections.datalab.notebooks.tests.state.test_forks import saves

MEGABYTES = 1000
FORKS = 1000
ARRAY = f"import numpy as np\nlarge = np.random.default_rng(0).random({MEGABYTES * 125_000})"
CELL = "_ = sum(i * i for i in range(300_000))"
# Neither leaves a variable: dill saves all of them or nothing.
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
# Kishu belongs to a notebook of JupyterLab: here its two hooks are called as its extension does it.
KISHU = """
def _start():
    import kishu.jupyterint as inner
    from pathlib import Path
    from kishu.notebook_id import NotebookId
    inner.enclosing_platform = lambda: "jupyternb"
    inner.KishuForJupyter.save_notebook = lambda self: None
    shell = get_ipython()
    shell.kishu = inner.KishuForJupyter(NotebookId("key", Path("book.ipynb").absolute(), "0"), shell)
    shell.events.register("pre_run_cell", shell.kishu.pre_run_cell)
    shell.events.register("post_run_cell", shell.kishu.post_run_cell)
_start(); del _start
"""
LAST_COMMIT = """
import sqlite3 as _q
_rows = _q.connect(get_ipython().kishu.database_path()).execute("select commit_id from commit_entry order by rowid")
open("commit", "w").write([row[0] for row in _rows][-1])
"""
BOOK = (
    '{"cells": [{"cell_type": "code", "id": "a", "execution_count": null, "metadata": {}, "outputs": [], "source": ""'
    "}],"
    ' "metadata": {"kishu": {"notebook_id": "key", "session_count": 1}}, "nbformat": 4, "nbformat_minor": 5}'
)
# What is run before the cell, to save, and to restore.
TOOLS = {
    "datalab_state": ("", "%state save", "%restore"),
    "dill.dump_module": ("", "import dill; dill.dump_module('d')", "import dill; dill.load_module('d')"),
    "Kishu": (
        KISHU,
        LAST_COMMIT,
        f"{KISHU}\nget_ipython().kishu.checkout(open('commit').read(), skip_notebook=True)",
    ),
}


def measure() -> dict[str, object]:
    python = environment("bench", "python3", f"{NEWEST}dill\n")
    others = subprocess.run([python, "-m", "pip", "install", "--quiet", "kishu"], check=False, capture_output=True)
    tools = [tool for tool in TOOLS if tool != "Kishu" or others.returncode == 0]
    results: dict[str, object] = {"kinds": {tool: _kinds(python, tool) for tool in tools}}
    for name, part in (("1 GB", _large), ("forks", _forks), ("overhead", _overhead)):
        with tempfile.TemporaryDirectory() as folder:
            results[name] = part(lambda folder=folder, **env: Kernel(python, Path(folder) / "work", **env))
        print(f"   {name}: {results[name]}", flush=True)
    return results


def _kinds(python: Path, tool: str) -> dict[str, object]:
    right, silent, missing = 0, [], []
    for kind, cell, holds in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            good, told = _kind(python, Path(folder) / "work", tool, cell, holds)
        right += good
        if not good:
            missing.append(kind)
        if not good and not re.search(r"^ *(lost|partly): |Error", told, re.MULTILINE):
            silent.append(kind)
    result = {"right": right, "of": len(KINDS), "silently wrong": silent, "missing": missing}
    print(f"   {tool}: {right} of {len(KINDS)}, {len(silent)} silently wrong", flush=True)
    return result


def _kind(python: Path, place: Path, tool: str, cell: str, holds: str) -> tuple[bool, str]:
    before, save, restore = TOOLS[tool]
    place.mkdir()
    (place / "book.ipynb").write_text(BOOK, encoding="utf-8")
    env = {"HOME": str(place), "KISHU_PATH_ROOT": str(place)}
    with Kernel(python, place, **env) as kernel:
        if before:
            kernel.try_run(before)
        kernel.run(cell)
        _, told = kernel.try_run(save)
    with Kernel(python, place, **env) as kernel:
        _, more = kernel.try_run(restore)
        good, _ = kernel.try_run(f"assert {holds}")
    return good, told + more


def _seconds(kernel: Kernel, code: str) -> float:
    """As the kernel measures it."""
    lines = "\n".join(f"    {line}" for line in code.splitlines())
    kernel.run("import time as _time")
    return float(
        kernel.run(f"_begun = _time.perf_counter()\nif True:\n{lines}\nprint(_time.perf_counter() - _begun)").split()[
            -1
        ]
    )


SAVE = "report = __import__('datalab_state').session.save()"


def _large(start: Callable[..., Kernel]) -> dict[str, object]:
    with start() as kernel:
        kernel.run(ARRAY)
        raw = min(float(kernel.run(RAW)) for _ in range(3))
        before = _memory(kernel)
        first = _seconds(kernel, SAVE)
        grown = _memory(kernel) / before
        again = _seconds(kernel, SAVE)
        written = int(kernel.run("print(report['written'])"))
        kernel.run("large[5] = 1.0; want = float(large.sum()); small = 3")
        kernel.run(SAVE)
        pauses = sorted(float(kernel.run(PAUSE)) for _ in range(20))
        dill = _seconds(kernel, "import dill; dill.dump_module('d')")
    with start() as kernel:
        kernel.run("import numpy")
        restore = _seconds(kernel, "get_ipython().run_line_magic('restore', '')")
        use = _seconds(kernel, "small + 1")
        same = kernel.run("print(float(large.sum()) == want)").strip()
    with start() as kernel:
        kernel.run("import dill, numpy")
        dill_restore = _seconds(kernel, "dill.load_module('d')")
    return {
        "first save against a raw write with fsync": round(raw / first, 2),
        "memory of the kernel after it": round(grown, 2),
        "dill's save against it": round(dill / first, 2),
        "unchanged: seconds a GB": round(again, 2),
        "unchanged: bytes of data": written,
        "pause a GB in ms: the longest of 20": round(pauses[-1] * 1000, 1),
        "restore in seconds": round(restore, 3),
        "first use of a small variable in seconds": round(use, 4),
        "the same": same,
        "dill's restore in seconds": round(dill_restore, 2),
    }


PAUSE = """
def _pause():
    import datalab_state, time
    begun = time.perf_counter(); child = datalab_state.session._start()
    print(time.perf_counter() - begun); child.join()
_pause(); del _pause
"""


def _memory(kernel: Kernel) -> int:
    return int(kernel.run("print(__import__('resource').getrusage(__import__('resource').RUSAGE_SELF).ru_maxrss)"))


def _forks(start: Callable[..., Kernel]) -> dict[str, object]:
    with start(OPENBLAS_NUM_THREADS="4") as kernel:
        begun = time.monotonic()
        *bad, forks, here = saves(kernel, FORKS, at_work=False)
    hung = "none" if (forks, here) == ("True", "False") else "at least one"
    return {"forks": FORKS, "hung": hung, "failed": bad, "seconds": round(time.monotonic() - begun)}


def _overhead(start: Callable[..., Kernel]) -> dict[str, object]:
    """CPU-seconds of the kernel for 200 cells, with what it saves and without."""
    spent = {}
    for name, env in (("with", {"DATALAB_STATE_EVERY": "1"}), ("without", {"DATALAB_STATE": "off"})):
        with start(**env) as kernel:
            kernel.run("import time, numpy as np; data = np.random.rand(1_000_000)")
            begun = float(kernel.run("print(time.process_time())"))
            for _ in range(200):
                kernel.run(CELL)
            spent[name] = float(kernel.run("print(time.process_time())")) - begun
    return {"cells": 200, "overhead in percent": round(100 * (spent["with"] / spent["without"] - 1), 1)}
