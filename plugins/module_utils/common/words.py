# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Words of messages."""

from __future__ import annotations


def counted(number: int, one: str, several: str = "") -> str:
    """A number and what it counts: 1 person, 2 people."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"
