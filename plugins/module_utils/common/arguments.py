# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Argument specifications that modules share; doc_fragments/ documents them."""

from __future__ import annotations

from typing import Any


def once(value: Any) -> Any:
    """A list without repeated items, as AWS returns it; any other value as it is."""
    return [each for index, each in enumerate(value) if each not in value[:index]] if isinstance(value, list) else value


def tag_arguments() -> dict[str, Any]:
    """`tags` and `purge_tags` as every amazon.aws module has them."""
    return {
        "tags": {"type": "dict", "aliases": ["resource_tags"]},
        "purge_tags": {"type": "bool", "default": True},
    }


def wait_arguments() -> dict[str, Any]:
    """`wait` and `wait_timeout`; a start takes two to five minutes on AWS."""
    return {
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 900},
    }
