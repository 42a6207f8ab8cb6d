# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The statements that the results need.

The text of the statements decides what is left out, never the data: a `dropna` that dropped nothing stays, and so does
an assert about something that stays.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from enum import Enum

from .effects import Effect
from .sharing import PROCESS
from .source import Statement
from .versions import plain, version
from .words import DRAWS


class Width(Enum):
    """How much of the notebook the project has."""

    NEEDED = "what the results need"
    COMPUTES = "all that computes"
    EVERYTHING = "everything"


def cut(statements: Sequence[Statement], effects: Sequence[Effect], wanted: set[str], width: Width) -> list[int]:
    """Return the numbers of the statements that stay."""
    if width is Width.EVERYTHING:
        return [number for number, statement in enumerate(statements) if not displays(statement)]
    forced: set[int] = set()
    if width is Width.COMPUTES:
        forced = {
            n for n, effect in enumerate(effects) if (effect.defines or effect.alters) and not draws(statements[n])
        }
    effects = [effect.numbered or effect for effect in effects]
    wanted = {last(name, effects) for name in wanted}
    while True:
        kept = backwards(effects, wanted, forced)
        guards = {number for number in guarding(effects, kept) if number not in kept}
        if not guards:
            return sorted(kept)
        forced |= guards


def last(name: str, effects: Sequence[Effect]) -> str:
    """Return the last version of a name."""
    found = {each for effect in effects for each in effect.defines if plain(each) == name}
    return max(found, key=version, default=name)


def backwards(effects: Sequence[Effect], wanted: set[str], forced: set[int]) -> set[int]:
    """Return the statements that assign or alter something that is needed later, going from the last to the first."""
    needed, kept = set(wanted) | {PROCESS}, set()
    for number in range(len(effects) - 1, -1, -1):
        effect = effects[number]
        if not (effect.defines & needed or effect.alters & needed or effect.star or number in forced):
            continue
        kept.add(number)
        if effect.binds:
            needed -= effect.defines - effect.uses
        needed -= effect.renews
        needed |= effect.uses
    return kept


def guarding(effects: Sequence[Effect], kept: set[int]) -> list[int]:
    """Return the statements that assert or raise, and use only names from statements that stay."""
    there: set[str] = set()
    ever = set().union(*(effect.defines for effect in effects)) if effects else set()
    found = []
    for number, effect in enumerate(effects):
        if effect.guards and effect.uses & ever <= there:
            found.append(number)
        if number in kept or effect.imports:
            there |= effect.defines
    return found


def draws(statement: Statement) -> bool:
    """Return whether a statement imports modules that only draw."""
    node = statement.node
    if isinstance(node, ast.ImportFrom):
        return bool(DRAWS.search(node.module or ""))
    return isinstance(node, ast.Import) and all(DRAWS.search(alias.name) for alias in node.names)


def displays(statement: Statement) -> bool:
    """Return whether a statement can do nothing outside of a notebook."""
    return statement.text.lstrip().startswith("display(")
