# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""List what is saved of all notebooks."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import Any

from . import journal, place
from .settings import Settings
from .store import size


def old_name(settings: Settings, notebook: str) -> str:
    """Return the old path, relative to the new one, of a notebook that was renamed without its kernel; else nothing."""
    mine = place.inode(notebook)
    for directory in settings.root.iterdir() if mine else ():
        with suppress(place.Refused, OSError, ValueError, IndexError):
            state = journal.states(directory)[0]
            if state.inode == mine and not os.path.exists(state.notebook):
                return os.path.relpath(state.notebook, os.path.dirname(notebook))
    return ""


def entries(settings: Settings) -> list[dict[str, Any]]:
    """Return an entry for each state of each notebook, the newest first."""
    place.check(settings.root)
    found = []
    for directory in settings.root.iterdir() if settings.root.is_dir() else ():
        try:
            states = journal.states(directory)
        except (place.Refused, OSError, ValueError) as error:
            found.append({"notebook": str(directory), "error": str(error), "time": 0.0})
            continue
        found += [
            {
                "notebook": state.notebook,
                "time": state.time,
                "saved": len(state.names()),
                "partly": state.partly(),
                "lost": state.lost,
                "bytes": state.bytes(),
            }
            for state in states
        ]
    return sorted(found, key=lambda entry: -entry["time"])


def line(entry: dict[str, Any]) -> str:
    if "error" in entry:
        return f"{entry['notebook']}: {entry['error']}"
    text = f"{entry['notebook']}: {entry['saved']} of {stamp(entry['time'])}, {size(entry['bytes'])}"
    for key in ("partly", "lost"):
        if entry[key]:
            text += f"; {key}: {', '.join(sorted(entry[key]))}"
    return text


def stamp(when: float) -> str:
    return time.strftime("%d %b %H:%M", time.localtime(when))
