# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prints a table."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

display = Display()


def table_lines(rows: list[dict[str, Any]]) -> list[str]:
    """The rows as lines with aligned columns, under a line with the keys."""
    headings = list(rows[0])
    cells = [headings, *([str(row[key]) for key in headings] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(headings))]
    cells.insert(1, ["-" * width for width in widths])
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]


class ActionModule(ActionBase):
    """Runs on the controller only."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _unused, arguments = self.validate_argument_spec(
            {
                "rows": {"type": "list", "elements": "dict", "required": True},
                "empty": {"type": "str", "default": "(nothing)"},
            }
        )
        lines = table_lines(arguments["rows"]) if arguments["rows"] else [arguments["empty"]]
        for line in lines:
            display.display(line)
        return {**result, "changed": False, "lines": lines}
