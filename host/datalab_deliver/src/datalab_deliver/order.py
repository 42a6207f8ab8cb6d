# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A person's order, the part of the notebook that a project has, and the outcome of the notebook's run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from . import effects, kernel, serving, settings, source
from .slicing import Width


@dataclass(frozen=True)
class Order:
    """The delivery that a person asks for."""

    notebook: Path
    results: list[str]  # for a served function, the artifacts that it needs
    out: Path
    kind: str = ""  # job or service
    tolerance: dict[str, float] = field(default_factory=dict)
    call: str = ""  # the function that is served

    @property
    def compared(self) -> list[str]:
        """The names that golden.json has."""
        return [self.call] if self.call else self.results

    @property
    def package(self) -> str:
        """The name of the Python package."""
        name = re.sub(r"\W+", "_", self.notebook.stem).strip("_").lower()
        return name if name.isidentifier() else f"notebook_{name}"


@dataclass(frozen=True)
class Slice:
    """The part of a notebook that a project has."""

    width: Width
    statements: list[source.Statement]
    effects: list[effects.Effect]
    inputs: dict[str, str]
    parameters: dict[str, source.Literal]


@dataclass(frozen=True)
class Outcome:
    """The outcome of the notebook's run, and of the proof."""

    nb: nbformat.NotebookNode
    ran: kernel.Run
    read: source.Source
    noted: settings.Settings
    tolerance: dict[str, float]
    served: serving.Served | None
    answers: serving.Answers | None
    megabytes: int = 0

    @property
    def values(self) -> dict[str, Any]:
        """The values that golden.json has."""
        if self.served and self.answers:
            return {self.served.called.name: self.answers.values}
        return self.ran.values
