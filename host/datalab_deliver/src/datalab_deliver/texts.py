# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Texts of which only the beginning may be known, and how they are joined."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

LONGEST, MOST = 250, 200  # characters of a text, and texts that an expression may be

PLACEHOLDER = re.compile(r"%\(|%[-+# 0-9.]*[a-z]|\{")


@dataclass(frozen=True)
class Text:
    """A text that begins with `head`."""

    head: str
    whole: bool = True  # `head` is the whole text
    inside: bool = False  # it is an element of a list or a dict


Found = frozenset[Text]
NOTHING: Found = frozenset()
UNKNOWN: Found = frozenset({Text("", whole=False)})


def inside(found: Found) -> Found:
    return frozenset(replace(text, inside=True) for text in found)


def opened(found: Found) -> Found:
    """Return the texts of elements that were taken out of their container."""
    return frozenset(replace(text, inside=False) for text in found)


def with_slashes(parts: Sequence[Found]) -> list[Found]:
    return [each for number, part in enumerate(parts) for each in ([frozenset({Text("/")})] if number else []) + [part]]


def joined(parts: Sequence[Found]) -> Found:
    """Join texts one after the other, as far as each is known."""
    found: Found = frozenset({Text("")})
    for part in parts:
        ends = part or UNKNOWN
        if len(found) * len(ends) > MOST:
            return frozenset(replace(text, whole=False) for text in found)
        both = {one if not one.whole else Text((one.head + end.head), end.whole) for one in found for end in ends}
        found = frozenset(Text(t.head[:LONGEST], t.whole and len(t.head) <= LONGEST) for t in both)
    return found


def formatted(left: Found, right: Found) -> Found:
    """Return a text up to its first placeholder or, if that is empty, the placeholder's possible values."""
    found: Found = NOTHING
    for text in left:
        place = PLACEHOLDER.search(text.head)
        if place is None:
            found |= {text}
        elif place.start():
            found |= {Text(text.head[: place.start()], whole=False)}
        else:
            found |= {replace(each, whole=False, inside=False) for each in right}
    return found
