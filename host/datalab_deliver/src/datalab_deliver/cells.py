# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cells of a notebook."""

from __future__ import annotations

from collections.abc import Iterator

from nbformat import NotebookNode

# A cell with one of these tags is not delivered.
LEFT_OUT = {"skip", "show"}


def tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def code(nb: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    """Yield each code cell that is not empty, with its number, counted from 1 over all cells."""
    for number, cell in enumerate(nb.cells, 1):
        if cell.cell_type == "code" and cell.source.strip():
            yield number, cell


def markdown(nb: NotebookNode) -> list[str]:
    return [cell.source for cell in nb.cells if cell.cell_type == "markdown"]
