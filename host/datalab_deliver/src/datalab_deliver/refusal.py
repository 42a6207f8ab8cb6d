# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The faults of a notebook, in the words of the person who has to repair it."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong: in which file and cell (counted from 1), what, and the remedy."""

    file: str
    cell: int | None
    what: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}, cell {self.cell}" if self.cell else self.file
        return f"{where}: {self.what}. {self.remedy}."

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


class Refused(Exception):
    """The error for a notebook or project that is refused, with its faults."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = list(faults)
