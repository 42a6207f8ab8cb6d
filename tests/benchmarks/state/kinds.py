# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measure which kinds of variables each tool restores.

Each tool has kernels of its own, which are killed between save and restore. A kind counts as silently wrong if its
check fails after the restore, and no line of the output reports an error or a variable that is lost, wholly or partly.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from ansible_collections.datalab.notebooks.tests.state.kernels import Kernel
from ansible_collections.datalab.notebooks.tests.state.kinds import KINDS

# Kishu belongs to a notebook of JupyterLab: here its two hooks are called as its extension calls them.
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
DILL = "import dill; dill.dump_module('d')"
# For each tool, the code to run before the cell, to save, and to restore.
TOOLS = {
    "datalab_state": ("", "%state save", "%restore"),
    "dill.dump_module": ("", DILL, "import dill; dill.load_module('d')"),
    "Kishu": (
        KISHU,
        LAST_COMMIT,
        f"{KISHU}\nget_ipython().kishu.checkout(open('commit').read(), skip_notebook=True)",
    ),
}


def measure(python: Path, tool: str) -> dict[str, object]:
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
        try:
            _, more = kernel.try_run(restore)
            good, _ = kernel.try_run(f"assert {holds}")
        except TimeoutError as error:  # the kernel hangs
            return False, f"{told}Error: {error}"
    return good, told + more
