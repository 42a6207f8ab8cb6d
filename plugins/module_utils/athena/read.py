# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The workgroups of the platform with their tags and, for a removal, with the queries that would be lost."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..common.calls import in_parallel
from .workgroup import read_workgroup, workgroup_arn, workgroup_contents, workgroup_names


def read_workgroups(clients: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The workgroups in `wanted`; in a removal all whose names begin like the platform's."""
    names = list(wanted["workgroups"])
    if wanted["removal"]:
        begins = f"{wanted['name']}-"
        names = [name for name in workgroup_names(clients["athena"]) if name.startswith(begins)]
    if not names:
        return []
    found = in_parallel(partial(_read, clients["athena"], wanted["account"], wanted["queries"]), names)
    return [group for group in found if group]


def _read(client: Any, account: Mapping[str, str], with_contents: bool, name: str) -> dict[str, Any] | None:
    arn = workgroup_arn(client, name, account["account"], account["partition"])
    group = read_workgroup(client, name, arn)
    return {**group, "contents": workgroup_contents(client, name)} if group and with_contents else group
