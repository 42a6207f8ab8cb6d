# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""project.toml beside the notebook: facts for its readers, and findings that the checks allow."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .refusal import Fault, Refused

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAME = "project.toml"


@dataclass(frozen=True)
class Settings:
    """The settings in project.toml."""

    title: str = ""
    owner: str = ""
    team: str = ""
    data: list[str] | None = None
    tolerance: dict[str, float] = field(default_factory=dict)
    allow: list[dict[str, str]] = field(default_factory=list)


KINDS: dict[str, tuple[type, str]] = {
    "title": (str, "a text"),
    "owner": (str, "a text"),
    "team": (str, "a text"),
    "data": (list, "a list of texts"),
    "tolerance": (dict, "a table: result = relative tolerance"),
    "allow": (list, "a list of tables with line and reason"),
}


def read(folder: Path) -> Settings:
    """Return the settings of a project; without the file, the defaults."""
    path = folder / NAME
    if not path.is_file():
        return Settings()
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise Refused(Fault(NAME, None, f"it is not TOML: {error}", "Repair that line")) from error
    faults = list(wrong(found))
    if faults:
        raise Refused(*faults)
    return Settings(**found)


def wrong(found: dict[str, Any]) -> list[Fault]:
    """Return the faults of settings that are not valid."""
    faults = [
        Fault(NAME, None, f"it has the unknown setting {name}", f"Use only {', '.join(KINDS)}")
        for name in found
        if name not in KINDS
    ]
    faults += [
        Fault(NAME, None, f"{name} is {found[name]!r}", f"Make it {KINDS[name][1]}")
        for name in KINDS
        if name in found and not isinstance(found[name], KINDS[name][0])
    ]
    if faults:
        return faults
    faults += [
        Fault(NAME, None, f"the tolerance of {result} is {value!r}", "Make it a number between 0 and 1")
        for result, value in found.get("tolerance", {}).items()
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1
    ]
    faults += [
        Fault(
            NAME,
            None,
            f"an allow lacks a line or a reason: {entry!r}",
            "Give the whole line and why it is harmless",
        )
        for entry in found.get("allow", [])
        if not isinstance(entry, dict) or not all(str(entry.get(key, "")).strip() for key in ("line", "reason"))
    ]
    return faults
