# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of assumptions: what we believe, where we rely on it, and the function that tests it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .run import Run

# What a function needs beyond the API. The sandbox may be started with machines; it never has the other two.
MACHINE, IMAGE, RIGHTS = "machines", "AWS's own image", "IAM that decides"


@dataclass(frozen=True)
class Seen:
    """The result of a function: whether AWS is as we believe (None: it could not be tested), and what was seen."""

    holds: bool | None
    text: str
    measured: str = ""  # values that differ in each run, such as seconds


Check = Callable[["Run"], Seen]


@dataclass(frozen=True)
class Assumption:
    """One thing that we believe about AWS."""

    name: str
    belief: str
    source: str  # the file of this repository that relies on it
    when: str  # the phase of the run that tests it; "" if none does
    check: Check | None
    needs: str = ""


TABLE: list[Assumption] = []


def assume(when: str, belief: str, source: str, needs: str = "") -> Callable[[Check], Check]:
    """Put a function into the table; the assumption gets the function's name, with hyphens."""

    def put(check: Check) -> Check:
        TABLE.append(Assumption(check.__name__.replace("_", "-"), belief, source, when, check, needs))
        return check

    return put


def is_equal(expected: Any, actual: Any) -> Seen:
    """Check that the actual value is the expected one."""
    return Seen(actual == expected, str(actual))
