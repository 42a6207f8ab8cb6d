# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check whether the notebook was run as a whole, from top to bottom, and can be run again."""

from __future__ import annotations

import re

from nbformat import NotebookNode

from .. import cells
from ..refusal import Fault

RUN_ALL = "Choose Run > Restart Kernel and Run All Cells, and save"
INSTALLS = re.compile(r"^\s*[%!]\s*(?:pip3?|conda|mamba|uv|python3? -m pip)\s+(?:\w+\s+)?install\b.*", re.MULTILINE)


def faults(nb: NotebookNode, name: str) -> list[Fault]:
    ran = [(number, cell) for number, cell in cells.code(nb) if "skip" not in cells.tags(cell)]
    return order(ran, name) + errors(ran, name) + installs(ran, name)


def order(ran: list[tuple[int, NotebookNode]], name: str) -> list[Fault]:
    """Check that the execution counts are 1, 2, 3 …, as after one run in a fresh kernel."""
    for expected, (number, cell) in enumerate(ran, 1):
        if cell.execution_count is None:
            return [Fault(name, number, "the cell was never run", RUN_ALL)]
        if cell.execution_count != expected:
            what = f"the cell ran as number {cell.execution_count}, not {expected}: not all ran in order in one kernel"
            return [Fault(name, number, what, RUN_ALL)]
    return []


def errors(ran: list[tuple[int, NotebookNode]], name: str) -> list[Fault]:
    return [
        Fault(name, number, f"the saved output is the error {output.ename}", "Repair the cell. " + RUN_ALL)
        for number, cell in ran
        for output in cell.outputs
        if output.output_type == "error"
    ]


def installs(ran: list[tuple[int, NotebookNode]], name: str) -> list[Fault]:
    return [
        Fault(name, number, f"it installs packages: {match[0].strip()}", "Install them once, in a terminal")
        for number, cell in ran
        for match in INSTALLS.finditer(cell.source)
    ]
