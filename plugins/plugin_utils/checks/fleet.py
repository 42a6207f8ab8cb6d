# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Mistakes in the settings of the role notebook_fleet that its argument specs cannot express."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.datalab.notebooks.plugins.plugin_utils.problems import shown


def problems(settings: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for each mistake in these settings, whose types have been checked."""
    if not re.fullmatch(r"[a-zA-Z0-9]+(-+[a-zA-Z0-9]+)*", settings["prefix"]):
        yield (
            f"notebook_fleet_prefix is {shown(settings['prefix'])}; it must consist of letters, digits and hyphens"
            " between them, for example datalab"
        )
    for name, least in (("upgrade_batch", 1), ("wait_timeout", 0)):
        if settings[name] < least:
            yield f"notebook_fleet_{name} is {settings[name]}; it must be at least {least}"
    if not settings["max_requests_per_second"] > 0:
        yield (
            f"notebook_fleet_max_requests_per_second is {settings['max_requests_per_second']}; it must be more than 0,"
            " for example 30"
        )
