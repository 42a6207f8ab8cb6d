# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of the project beside its notebooks."""

from __future__ import annotations

from pathlib import Path

from ..refusal import Fault

PINS = ("requirements.lock", "requirements.txt", "environment.yml", "environment.yaml", "pylock.toml", "uv.lock")


def within(folder: Path, ignored: set[str]) -> list[Path]:
    """Return all files and links below the folder, except those in ignored folders."""
    return sorted(
        path
        for path in folder.rglob("*")
        if not ignored & set(path.relative_to(folder).parts) and (path.is_symlink() or path.is_file())
    )


def faults(folder: Path, found: list[Path]) -> list[Fault]:
    inside = folder.resolve()
    links = [
        Fault(str(path.relative_to(folder)), None, f"it is a link to {path.resolve()}", "Copy what it leads to")
        for path in found
        if path.is_symlink() and not (path.exists() and is_within(path.resolve(), inside))
    ]
    if any((folder / name).is_file() for name in PINS):
        return links
    remedy = "Run datalab deliver, which writes requirements.lock, or pip freeze > requirements.txt"
    return [*links, Fault(str(folder), None, "no file has the versions of its packages", remedy)]


def is_within(path: Path, folder: Path) -> bool:
    return folder == path or folder in path.parents
