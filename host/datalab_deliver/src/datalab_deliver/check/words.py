# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check whether a reader learns what the project is about, who made it and from which data."""

from __future__ import annotations

import re

from nbformat import NotebookNode

from .. import cells
from ..refusal import Fault
from ..settings import NAME, Settings

WORDS_PER_CELL = 5


def faults(nb: NotebookNode, name: str) -> list[Fault]:
    found = []
    first = nb.cells[0] if nb.cells else None
    if first is None or first.cell_type != "markdown" or not title(first.source):
        found.append(Fault(name, 1, "there is no title", "Begin with a Markdown cell whose first line is '# Title'"))
    words = sum(len(source.split()) for source in cells.markdown(nb))
    code = sum(1 for _ in cells.code(nb))
    if words < WORDS_PER_CELL * code:
        what = f"it has {words} words for {code} code cells"
        found.append(Fault(name, None, what, f"Say what each part is for: {WORDS_PER_CELL * code} words at least"))
    return found


def title(source: str) -> str:
    """Return the title in a Markdown cell; empty if it has none."""
    match = re.search(r"^# +(\S.*)|<h1[^>]*>(.+?)</h1>", source, re.MULTILINE)
    return (match[1] or match[2]).strip() if match else ""


def about_project(settings: Settings) -> list[Fault]:
    examples = {
        "title": 'title = "Clusters of logons"',
        "owner": 'owner = "alice"',
        "team": 'team = "research"',
        "data": 'data = ["s3://bucket/prefix"], or [] if it makes its own',
    }
    return [
        Fault(NAME, None, f"it does not say the {name if name != 'data' else 'data sources'}", f"Add {example}")
        for name, example in examples.items()
        if getattr(settings, name) in ("", None)
    ]
