# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""All mistakes of an inventory in one message: who or what, and a sentence with variable, value, rule and remedy."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.common.credentials import masked
from ansible_collections.datalab.notebooks.plugins.module_utils.common.words import counted

NAMED = 3  # at most so many people are named; the others are counted
EVERYBODY = "everybody"
LONGEST_VALUE = 60  # characters
ONE_LETTER = 0.9  # the similarity of long names that differ in one letter
SIMILAR = 0.75  # with less, another name is a guess


@dataclass(frozen=True)
class Problem:
    """One mistake."""

    about: str  # a person, or a section of the platform
    text: str


def problems_message(
    problems: Iterable[Problem], *, people: Collection[str] = (), subject: str = "in the inventory"
) -> str:
    """One line for each mistake; one that several people share is one line. `people` is everybody in the inventory."""
    shared: dict[str, list[str]] = {}
    for problem in problems:
        shared.setdefault(problem.text, [])
        if problem.about not in shared[problem.text]:
            shared[problem.text].append(problem.about)
    rows = [(_named(abouts, people), text) for text, abouts in shared.items()]
    width = max((len(about) for about, _text in rows), default=0)
    count = f"{counted(len(rows), 'problem')} {subject}"
    lines = [f"  {about:<{width}}  {masked(text).removesuffix('.')}" for about, text in rows]
    return "\n".join([f"{count}; nothing was changed:", *lines])


def _named(abouts: list[str], people: Collection[str]) -> str:
    if EVERYBODY in abouts or (len(people) > 1 and set(people) <= set(abouts)):
        return EVERYBODY
    if len(abouts) > NAMED:
        return f"{abouts[0]} and {len(abouts) - 1} others"
    return ", ".join(abouts)


def hint(name: object, known: Collection[str], otherwise: str = "") -> str:
    """The end of a sentence about an unknown name: the name that was probably meant, or a remedy."""
    meant = closest(str(name), known)
    if meant:
        return f"; did you mean {meant}?"
    return f"; {otherwise}" if otherwise else ""


def closest(name: str, known: Collection[str]) -> str:
    """The one of these that was meant, or "": misspelt, shortened, or similar."""
    slips = _slips(name, known)
    whole = [each for each in known if each.startswith(f"{name}_") or each.endswith(f"_{name}")]
    return next(iter([*_alike(name, slips, 0), *_alike(name, known, ONE_LETTER), *whole, *_alike(name, known)]), "")


def slip_of(name: str, known: Collection[str]) -> str:
    """The one of these that was misspelt, or ""."""
    return next(iter(_alike(name, _slips(name, known), 0)), "")


def _slips(name: str, known: Collection[str]) -> list[str]:
    return [each for each in known if _has_slip(name, each)]


def _has_slip(written: str, meant: str) -> bool:
    """Whether a letter is missing, or two are swapped."""
    places = range(len(meant))
    if len(written) < len(meant):
        return any(written == meant[:place] + meant[place + 1 :] for place in places)
    return any(written == meant[:place] + meant[place : place + 2][::-1] + meant[place + 2 :] for place in places)


def differs_by_a_letter(name: str, known: Iterable[str]) -> bool:
    """Whether one of these was meant, most likely."""
    return bool(_alike(name, [each for each in known if abs(len(each) - len(name)) <= 1], ONE_LETTER))


def _alike(name: str, known: Iterable[str], likeness: float = SIMILAR) -> list[str]:
    return difflib.get_close_matches(name, list(known), 1, likeness)


def shown(value: Any) -> str:
    """A value as a message shows it: as YAML has it, without secrets, and not at any length."""
    if value is None:
        text = "empty"
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, str):
        text = value if value and value == value.strip() and value.isprintable() else repr(str(value))
    elif isinstance(value, Mapping):
        text = "{" + ", ".join(f"{shown(key)}: {shown(each)}" for key, each in value.items()) + "}"
    elif isinstance(value, list | tuple):
        text = "[" + ", ".join(shown(each) for each in value) + "]"
    else:
        text = str(value)
    text = masked(text)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
