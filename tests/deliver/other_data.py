# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run notebooks and their projects with the data that is beside the notebooks now: other_data.py < JOBS > RESULTS

One process imports the slow libraries; each run is a fork of it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Job = dict[str, Any]
SLOW = ["pandas", "matplotlib.pyplot", "sklearn.pipeline", "IPython.core.interactiveshell"]


def plain(job: Job, values: dict[str, Any]) -> Any:
    return importlib.import_module(f"{job['name']}.plain").plain(values)


def notebook(job: Job) -> Any:
    """Run the cells as a kernel does; return their results."""
    path = Path(job["notebook"])
    os.chdir(path.parent)
    shell = importlib.import_module("IPython.core.interactiveshell").InteractiveShell.instance()
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code" and "skip" not in cell["metadata"].get("tags", []):
            shell.run_cell("".join(cell["source"])).raise_error()
    return plain(job, {name: shell.user_ns[name] for name in job["results"]})


def project(job: Job) -> Any:
    os.chdir(tempfile.mkdtemp())
    return plain(job, importlib.import_module(f"{job['name']}.pipeline").run(**job["arguments"]))


def forked(work: Callable[[Job], Any], job: Job) -> Any:
    """Run `work` in a fork of this process; return its result, or its error as a text."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.path.insert(0, str(Path(job["project"]) / "src"))
        try:
            text = json.dumps(work(job))
        except BaseException as error:
            text = json.dumps(f"{type(error).__name__}: {error}")
        with os.fdopen(writer, "w") as file:
            file.write(text)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        text = file.read()
    os.wait()
    return json.loads(text)


if __name__ == "__main__":
    os.environ["MPLBACKEND"] = "Agg"
    for module in SLOW:
        importlib.import_module(module)
    found = {job["name"]: [forked(notebook, job), forked(project, job)] for job in json.load(sys.stdin)}
    json.dump(found, sys.stdout)
