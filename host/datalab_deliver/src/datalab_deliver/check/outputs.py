# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check whether others can read the saved outputs."""

from __future__ import annotations

import re

from nbformat import NotebookNode

from .. import cells
from ..refusal import Fault
from .text import of_output

LARGEST = 5_000_000
# A folder of one person, on an instance or a laptop; what all people share is below efs/completed.
PERSONAL = re.compile(
    r"/home/ec2-user/SageMaker/(?!efs/)[\w.-]+"
    r"|efs/teams/[\w.-]+/[\w.-]+"
    r"|/home/(?!ec2-user/)[\w.-]+/[\w.-]+"
    r"|/Users/[\w.-]+/[\w.-]+"
    r"|[A-Za-z]:\\+Users\\+[\w.-]+"
)
LEADS_OUT = re.compile(r"(?<=[\"'])((?:\.\./)+)[^\"'\s]+")


def faults(nb: NotebookNode, name: str) -> list[Fault]:
    code = list(cells.code(nb))
    found = []
    if code and not any(cell.outputs for _, cell in code):
        found.append(Fault(name, None, "no output is saved, so there is nothing to read", "Run it and save it"))
    for number, cell in code:
        found += paths(cell, name, number) or outside(cell, name, number)
        size = sum(len(of_output(output, only_text=False)) for output in cell.outputs)
        if size >= LARGEST:
            found.append(Fault(name, number, f"its output has {size / 1e6:.0f} MB", "Show less than 5 MB of it"))
    return found


def paths(cell: NotebookNode, name: str, number: int) -> list[Fault]:
    """Return the faults of paths that other people do not have."""
    remedy = "Use a path relative to the notebook, or s3://"
    found = [
        Fault(name, number, f"it names a path in one person's folder: {path}", remedy)
        for path in sorted(set(PERSONAL.findall(cell.source)))
    ]
    printed = sorted({path for output in cell.outputs for path in PERSONAL.findall(of_output(output))})
    if printed:
        what = f"its output shows a path in one person's folder: {printed[0]}"
        found.append(Fault(name, number, what, "Do not print it (warnings print paths), run the cell again and save"))
    return found


def outside(cell: NotebookNode, name: str, number: int) -> list[Fault]:
    """Return the faults of paths to files that stay behind when the project is moved."""
    if "skip" in cells.tags(cell):
        return []
    return [
        Fault(
            name,
            number,
            f"it names a path outside of the project: {match[0]}",
            "Copy it into the project, or use s3://",
        )
        for match in LEADS_OUT.finditer(cell.source)
        if match[1].count("../") > name.count("/")
    ]
