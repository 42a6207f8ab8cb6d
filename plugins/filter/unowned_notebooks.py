# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The instances that nobody in the inventory has, as a table for people."""

from __future__ import annotations

DOCUMENTATION = r"""
name: unowned_notebooks
short_description: What sagemaker_notebook_fleet returns as unowned, as rows of a table for people
version_added: 0.1.0
author: The datalab.notebooks contributors (@datalab)
description:
  - Makes of each instance a row that says whose its tags say it is, and how that person gets it if it is somebody's.
options:
  _input:
    description: The list C(unowned) that M(datalab.notebooks.sagemaker_notebook_fleet) returns.
    type: list
    elements: dict
    required: true
  everybody:
    description: The list of that name that M(datalab.notebooks.notebook_people) returns.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
rows: "{{ result.unowned | datalab.notebooks.unowned_notebooks(fleet.everybody) }}"
"""

RETURN = r"""
_value:
  description:
    - A row for each instance with C(not in the inventory) (its name), C(owner), C(team), C(type), C(state), and
      C(to adopt it).
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any


def unowned_notebooks(unowned: list[dict[str, Any]], everybody: list[dict[str, Any]]) -> list[dict[str, str]]:
    """One row for each instance."""
    people = {person["name"] for person in everybody}
    return [
        {
            "not in the inventory": instance["name"],
            "owner": (owner := instance["tags"].get("owner", "")),
            "team": instance["tags"].get("team", ""),
            "type": instance["instance_type"] or "",
            "state": instance["status"],
            "to adopt it": f"{owner}: notebook_name: {instance['name']}" if owner in people else "",
        }
        for instance in unowned
    ]


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"unowned_notebooks": unowned_notebooks}
