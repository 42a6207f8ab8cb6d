# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Outputs as text."""

from __future__ import annotations

import json

from nbformat import NotebookNode


def of_output(output: NotebookNode, *, only_text: bool = True) -> str:
    """Return the text that a reader sees of an output; with only_text, without images."""
    parts = [joined(output.get("text", "")), "\n".join(output.get("traceback", []))]
    for kind, value in output.get("data", {}).items():
        if not only_text or kind.startswith("text/") or "json" in kind:
            parts.append(joined(value))
    return "\n".join(filter(None, parts))


def joined(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    return json.dumps(value)
