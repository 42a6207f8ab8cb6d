# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check that a notebook's outputs in another run are the saved ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from . import cells, kernel
from .check.text import joined
from .refusal import Fault

# These numbers differ in each run and mean nothing to a reader: addresses of objects, durations.
VARIES = re.compile(
    r"\b0x[0-9a-f]{6,}\b|^\s*(CPU times|Wall time|time):.*$|^.* per loop \(mean.*$", re.MULTILINE | re.IGNORECASE
)
PLAIN = "text/plain"
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
REMEDY = "Set a seed, sort elements of sets, do not show today's date; then Restart Kernel and Run All Cells, and save"


def faults(path: Path, name: str, progress: Callable[[str], None]) -> list[Fault]:
    """Run a notebook where it is, from top to bottom in a fresh kernel, and compare all outputs."""
    saved = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    numbers = [number for number, cell in enumerate(saved.cells, 1) if "skip" not in cells.tags(cell)]
    saved.cells, fresh.cells = ([nb.cells[number - 1] for number in numbers] for nb in (saved, fresh))
    total = sum(1 for _ in cells.code(fresh))
    kernel.execute(fresh, path, numbers, 0, lambda number: progress(f"{name}: cell {number} of {total}"))
    return differences(saved.cells, fresh.cells, numbers, name)


def differences(
    saved: Sequence[NotebookNode], fresh: Sequence[NotebookNode], numbers: Sequence[int], name: str
) -> list[Fault]:
    return [
        Fault(name, number, f"its output differs in another run: {what}", REMEDY)
        for number, before, after in zip(numbers, saved, fresh)
        if before.cell_type == "code"
        for what in difference(seen(before), seen(after))[:1]
    ]


def seen(cell: NotebookNode) -> list[tuple[str, str]]:
    """Return what a reader sees below a cell, by kind, except stderr: warnings and progress may differ."""
    printed = [joined(o.text) for o in cell.outputs if o.output_type == "stream" and o.name == "stdout"]
    found = [("text", VARIES.sub("…", "".join(printed)))] if printed else []
    for output in cell.outputs:
        kinds = output.get("data", {})
        # HTML and SVG have identifiers that differ each time; the same output is also saved as text or as a picture.
        if PLAIN in kinds:
            found.append((PLAIN, VARIES.sub("…", joined(kinds[PLAIN]))))
        found += [(kind, "".join(joined(kinds[kind]).split())) for kind in PICTURES if kind in kinds]
    return found


def difference(before: Sequence[tuple[str, str]], after: Sequence[tuple[str, str]]) -> list[str]:
    """Return where two lists of outputs differ."""
    if [kind for kind, _ in before] != [kind for kind, _ in after]:
        return [f"it was saved with {kinds(before)}, and now has {kinds(after)}"]
    found = []
    for (kind, old), (_, new) in zip(before, after):
        if old == new:
            continue
        if kind in PICTURES:
            found.append("the picture is not the same")
            continue
        lines = zip([*old.splitlines(), ""], [*new.splitlines(), ""])
        one, other = next(((a, b) for a, b in lines if a != b), (old, new))
        found.append(f"it was saved with {one.strip()[:80]!r}, and now says {other.strip()[:80]!r}")
    return found


def kinds(outputs: Sequence[tuple[str, str]]) -> str:
    return ", ".join(kind for kind, _ in outputs) or "no output"
