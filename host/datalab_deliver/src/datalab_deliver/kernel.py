# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a notebook from top to bottom in a fresh kernel, and collect its results there."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import NoSuchKernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from . import cells
from .refusal import Fault, Refused

HERE = Path(__file__).parent
PLAIN = (HERE / "plain.py").read_text(encoding="utf-8")
# The code that collects the results. One that has no plain form is named, and the others are collected all the same.
COLLECT = """
found, wrong = {}, {}
for name in NAMES:
    try:
        found[name] = plain(NOTEBOOK[name])
    except (TypeError, ValueError, KeyError) as error:
        wrong[name] = f"{type(error).__name__}: {error}"
with open(FILE, "w", encoding="utf-8") as file:
    json.dump({"values": found, "wrong": wrong, "python": sys.executable}, file)
"""
COLLECT_CALLS = """
calls = {}
if CALL["samples"] is not None:
    found[CALL["name"]] = answers(NOTEBOOK[CALL["name"]], CALL["types"], CALL["samples"])
else:
    calls = end(NOTEBOOK, CALL["artifacts"])
with open(FILE, "w", encoding="utf-8") as file:
    json.dump({"values": found, "wrong": wrong, "python": sys.executable, "calls": calls}, file)
"""
# It runs before the first or after the last cell, in its own namespace, since the notebook's names may hide built-ins.
LAST_CELL = """
__import__("builtins").exec(
    {program!r},
    {{
        "__name__": "plain", "__package__": "", "NAMES": {names!r}, "FILE": {file!r}, "CALL": {call!r},
        "NOTEBOOK": __import__("builtins").globals(),
    }},
)
"""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Run:
    """A run of a notebook."""

    values: dict[str, Any]
    notebook: nbformat.NotebookNode
    python: str
    calls: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A function whose calls are recorded, or that is called with samples after the last cell."""

    name: str
    artifacts: list[str] = field(default_factory=list)
    types: dict[str, Any] = field(default_factory=dict)
    samples: list[dict[str, Any]] | None = None


def recorder() -> str:
    """Return the code that records calls, with the modules that it imports."""
    texts = [(HERE / f"{name}.py").read_text(encoding="utf-8") for name in ("arguments", "artifacts", "record")]
    imports = re.compile(r"^from (\.\w+|__future__) import .*\n", re.MULTILINE)
    return PLAIN + "".join(imports.sub("", text) for text in texts)


def run(path: Path, results: Sequence[str], *, seed: int, progress: Progress, call: Call | None = None) -> Run:
    """Run a notebook; `seed` sets Python's hash seed, so that an order that depends on hashes differs between runs."""
    nb = nbformat.read(path, as_version=4)
    numbers = [number for number, cell in enumerate(nb.cells, 1) if not cells.LEFT_OUT & cells.tags(cell) - {"show"}]
    nb.cells = [nb.cells[number - 1] for number in numbers]
    total = sum(1 for _ in cells.code(nb))
    with tempfile.TemporaryDirectory(prefix="datalab-") as place:
        file = Path(place) / "results.json"
        names = {"names": list(results), "file": str(file), "call": asdict(call) if call else None}
        collect = recorder() + COLLECT.rpartition("with open")[0] + COLLECT_CALLS if call else PLAIN + COLLECT
        first = (
            LAST_CELL.format(program=f"{recorder()}\nbegin(CALL['name'], __import__('IPython').get_ipython())", **names)
            if call
            else ""
        )
        nb.cells.append(nbformat.v4.new_code_cell(LAST_CELL.format(program=collect, **names)))
        execute(nb, path, numbers, seed, lambda number: progress(f"{path.name}: cell {number} of {total}"), first)
        nb.cells.pop()
        found = json.loads(file.read_text(encoding="utf-8"))
    if found["wrong"]:
        remedy = "Name numbers, texts, lists, dicts, arrays or tables; for a fitted model its predictions, or --call"
        remedy += " a function that uses it"
        raise Refused(
            *(Fault(path.name, None, f"the result {name}: {why}", remedy) for name, why in found["wrong"].items())
        )
    return Run(found["values"], nb, found["python"], found.get("calls", {}))


def execute(
    nb: nbformat.NotebookNode,
    path: Path,
    numbers: Sequence[int],
    seed: int,
    progress: Callable[[int], None],
    first: str = "",
) -> None:
    """Run the code `first`, which is in no cell, then all cells; Refused has the number of the first failing cell."""
    current: list[int] = [0]

    def started(cell: Any, cell_index: int) -> None:
        current[0] = cell_index
        if cell.cell_type == "code" and cell.source.strip() and cell_index < len(numbers):
            progress(sum(number <= cell_index + 1 for number, _ in cells.code(nb)))

    def begun(**_: Any) -> None:
        if client.kc:
            client.kc.execute(first, silent=True)

    client = NotebookClient(
        nb,
        timeout=None,
        kernel_name=nb.metadata.get("kernelspec", {}).get("name", "python3"),
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_start=started,
        on_notebook_start=begun if first else None,
        store_widget_state=False,
    )
    environment = {**os.environ, "PYTHONHASHSEED": str(seed), "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    what, remedy = "", "Repair the cell: the notebook has to run from top to bottom in a fresh kernel"
    cause: Exception | None = None
    try:
        client.execute(env=environment)
    except CellExecutionError as error:
        cause, what = error, f"it fails with {error.ename}: {first_line(error.evalue)}"
    except (DeadKernelError, CellTimeoutError) as error:
        cause, what = error, "the kernel died"
    except NoSuchKernel as error:
        remedy = "Choose a kernel that exists (jupyter kernelspec list) and save the notebook"
        raise Refused(Fault(path.name, None, f"there is no kernel {error.name}", remedy)) from error
    if cause:
        number = numbers[current[0]] if current[0] < len(numbers) else None
        raise Refused(Fault(path.name, number, what, remedy)) from cause


def first_line(text: str) -> str:
    return (str(text).strip().splitlines() or [""])[0][:200]
