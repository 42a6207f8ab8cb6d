# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The parts of a plan of one section of the platform (network, storage, access, costs). Pure data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Action = Literal["create", "change", "remove"]


@dataclass(frozen=True)
class Change:
    """One thing that is created, changed or removed: a line of the table that people read."""

    action: Action
    text: str  # what: "subnet 10.42.0.0/22 in zone a", "policy datalab-fraud"
    before: str = ""  # for --diff; text with several lines, such as a policy as YAML
    after: str = ""


@dataclass(frozen=True)
class SectionPlan:
    """The plan from a section as AWS has it to the wanted one; empty if nothing differs.

    `changes` are all changes for people to read, also those that need something that does not exist yet. `steps` are
    those that are possible now, with every id, as the lists that the role's tasks loop over; a plan that is made after
    them has the rest.
    """

    changes: tuple[Change, ...] = ()
    refused: tuple[str, ...] = ()  # sentences; one of them stops the run before its first change
    notes: tuple[str, ...] = ()  # sentences about what is left alone
    ids: dict[str, Any] = field(default_factory=dict)  # what other sections and users need; None: it does not exist yet
    steps: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether there is a change."""
        return bool(self.changes)

    def as_dict(self) -> dict[str, Any]:
        """The plan as tasks see it."""
        return {**asdict(self), "changed": self.changed}
