# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check whether a project can be read and delivered. Nothing is run; a notebook takes less than two seconds."""

from __future__ import annotations

from pathlib import Path

import nbformat

from ..project import RECORD
from ..refusal import Fault, Refused
from ..settings import Settings
from ..settings import read as read_settings
from . import files, leaks, outputs, running, words

# What is in these folders is not checked.
IGNORED = {".ipynb_checkpoints", ".git", "__pycache__", ".venv"}


def project(path: Path) -> list[Fault]:
    """Return all faults of a folder, or of one notebook in its folder."""
    if not path.exists():
        raise Refused(
            Fault(str(path), None, "there is no such file or folder", "Name a notebook or a project's folder")
        )
    folder = path if path.is_dir() else path.parent
    try:
        settings = read_settings(folder)
    except Refused as refused:
        return refused.faults
    found = within(folder) if path.is_dir() else [path]
    own = notebooks(found)
    faults = files.faults(folder, found) + words.about_project(settings)
    if not own:
        faults.append(Fault(str(folder), None, "there is no notebook", "Name a notebook or a folder that has one"))
    for file in own:
        faults += notebook(file, str(file.relative_to(folder)), settings)
    for file in set(found) - set(own):
        faults += leaks.in_file(file, str(file.relative_to(folder)), settings.allow)
    return sorted(faults, key=lambda fault: (fault.file, fault.cell or 0, fault.what))


def within(folder: Path) -> list[Path]:
    return files.within(folder, IGNORED)


def notebooks(found: list[Path]) -> list[Path]:
    """Return the notebooks that a person wrote, without the copies in delivered projects."""
    return [file for file in found if file.suffix == ".ipynb" and not (file.parent / Path(RECORD).name).is_file()]


def notebook(file: Path, name: str, settings: Settings) -> list[Fault]:
    """Return all faults of a notebook."""
    nb = load(file)
    if nb is None:
        return [Fault(name, None, "it is not a notebook of format 4", "Open it in JupyterLab and save it")]
    faults: list[Fault] = []
    for rule in (running.faults, outputs.faults, words.faults):
        faults += rule(nb, name)
    return faults + leaks.in_notebook(nb, name, settings.allow)


def load(file: Path) -> nbformat.NotebookNode | None:
    """Return a notebook; None if the file is not a valid one."""
    if not file.is_file():
        raise Refused(Fault(str(file), None, "there is no such file", "Name a notebook or a folder that has one"))
    try:
        nb: nbformat.NotebookNode = nbformat.read(file, as_version=4)
    except (ValueError, KeyError, AttributeError, TypeError, nbformat.ValidationError):
        return None
    return nb
