# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files and folders that a notebook reads: the strings in its code that name an existing one."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path

from .alterations import FILES
from .calls import called_name
from .effects import Effect
from .refusal import Fault, Refused
from .source import Statement

LARGEST = 20_000_000


def find(statements: Sequence[Statement], effects: Sequence[Effect], folder: Path, taken: set[str]) -> dict[str, str]:
    """Return the argument that replaces each path in the code."""
    found: dict[str, str] = {}
    written: set[str] = set()
    for statement, effect in zip(statements, effects):
        texts = {
            item.value
            for item in ast.walk(statement.node)
            if isinstance(item, ast.Constant) and isinstance(item.value, str)
        }
        if FILES in effect.alters and FILES not in effect.uses:
            written |= texts
        written |= saved(statement.node)
        for text in sorted(texts - written - set(found)):
            if names_a_file(text, folder):
                found[text] = argument(text, taken | set(found.values()))
    return found


def saved(node: ast.AST) -> set[str]:
    """Return the texts in calls that save figures."""
    parts = [part for call in ast.walk(node) if called_name(call) == "savefig" for part in ast.walk(call)]
    return {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}


def names_a_file(text: str, folder: Path) -> bool:
    """Return whether a string names a file or folder; it needs a dot or a slash, since `data` may be a column."""
    looks_like_one = re.search(r"[./]", text.strip("./")) or text.endswith("/")
    if not looks_like_one or "\n" in text or len(text) > 250:
        return False
    try:
        return (folder / text).exists() and (folder / text).resolve() not in {
            folder.resolve(),
            *folder.resolve().parents,
        }
    except (OSError, ValueError):
        return False


def argument(text: str, taken: set[str]) -> str:
    """Return a name for the argument: sales_csv for data/sales.csv."""
    name = re.sub(r"\W+", "_", Path(text).name).strip("_").lower() or "data"
    name = f"file_{name}" if not name.isidentifier() else name
    number = 1
    while (candidate := name if number == 1 else f"{name}_{number}") in taken:
        number += 1
    return candidate


def check_size(found: dict[str, str], folder: Path, notebook: str) -> None:
    """Check that the inputs are small, since they go into the project as samples for its tests."""
    faults = []
    for text in found:
        size = sum(file.stat().st_size for file in [folder / text, *(folder / text).rglob("*")] if file.is_file())
        if size > LARGEST:
            what = f"it reads {text}, which has {size / 1e6:.0f} MB"
            faults.append(
                Fault(notebook, None, what, "Let it read a sample of less than 20 MB; production passes its own file")
            )
    if faults:
        raise Refused(*faults)
