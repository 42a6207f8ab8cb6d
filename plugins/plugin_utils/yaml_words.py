# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Plain words that YAML turns into something else: 0770 into 504, 1_000 into 1000, 3.10 into 3.1, and dates."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from ansible._internal._datatag._tags import Origin  # no public API returns the origin of a value

from .problems import shown

PLAIN = re.compile(r"[-+]?[.\d](?:[\w.+-]|:(?=\d))*")
VAULT = "$ANSIBLE_VAULT"


def misread_words(name: str, value: Any, numbers: Collection[str] = (), *, is_number: bool = False) -> Iterator[str]:
    """A sentence for each number or date in a variable, at any depth, that may have been meant as text.

    `numbers` are the names of what is a number: there 1_000 is as good as 1000, and 0.50 as 0.5.
    """
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from misread_words(f"{name}: one of the keys", key)
            yield from misread_words(f"{name}: {shown(key)}", each, numbers, is_number=is_number or key in numbers)
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from misread_words(f"{name}[{index}]", each, numbers, is_number=is_number)
    elif isinstance(value, date):
        yield f"{name} is {_written(value) or value}, which YAML takes for a date; put it in quotes"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        written = _written(value)
        if written and not _means(written, value, is_number):
            yield f"{name} is {value}, which YAML made of {written}; put it in quotes"


def _means(written: str, value: Any, is_number: bool) -> bool:
    if not is_number:
        return written == str(value)
    digits = written.replace("_", "")
    if isinstance(value, int):
        return re.fullmatch(r"[-+]?\d+", digits) is not None and int(digits) == value
    return bool(float(digits) == value)


def _written(value: Any) -> str:
    """The text that a value was read from; "" if no YAML file has it as it is."""
    origin = Origin.get_tag(value)
    if origin is None or not origin.path or not origin.line_num or not origin.col_num:
        return ""
    lines = _lines(str(origin.path))
    line = lines[origin.line_num - 1] if origin.line_num <= len(lines) else ""
    found = PLAIN.match(line, origin.col_num - 1)
    return found[0] if found else ""


@cache
def _lines(path: str) -> list[str]:
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [] if lines and lines[0].startswith(VAULT) else lines
