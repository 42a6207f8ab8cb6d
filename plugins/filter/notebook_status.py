# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fleet's result as a table for people."""

from __future__ import annotations

DOCUMENTATION = r"""
name: notebook_status
short_description: What sagemaker_notebook_fleet returns, as rows of a table for people
version_added: 0.1.0
author: The datalab.notebooks contributors (@datalab)
description:
  - Makes of each instance a row with what people ask for, and with what waits to be changed.
options:
  _input:
    description: The list C(instances) that M(datalab.notebooks.sagemaker_notebook_fleet) returns, in check mode or not.
    type: list
    elements: dict
    required: true
  lifecycle_configs:
    description: The list of that name that M(datalab.notebooks.notebook_people) returns.
    type: list
    elements: dict
    required: true
  planned:
    description: Whether the instances come of a run in check mode, so that what it found is still to be done.
    type: bool
    default: false
"""

EXAMPLES = r"""
rows: "{{ result.instances | datalab.notebooks.notebook_status(fleet.lifecycle_configs) }}"
"""

RETURN = r"""
_value:
  description:
    - A row for each instance with C(owner), C(team), C(type), C(state), C(idle) (when it stops by itself),
      C(configuration), and C(pending changes).
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any


def notebook_status(
    instances: list[dict[str, Any]], lifecycle_configs: list[dict[str, Any]], planned: bool = False
) -> list[dict[str, str]]:
    """One row for each instance."""
    settings = {config["name"]: config["settings"] for config in lifecycle_configs}
    return [
        {
            "owner": instance["owner"] or instance["name"],
            "team": instance["tags"].get("team", ""),
            "type": instance["instance_type"] or "",
            "state": instance["status"] or "none",
            "idle": _idle(instance, settings.get(instance["lifecycle_config_name"], {})),
            "configuration": instance["lifecycle_config_name"] or "",
            "pending changes": "; ".join(_waiting(instance) + (_planned(instance) if planned else [])),
        }
        for instance in instances
    ]


def _idle(instance: dict[str, Any], settings: dict[str, Any]) -> str:
    """After how long the instance stops by itself, and who says so."""
    if "autostop" not in settings.get("notebook_host_steps", []):
        return "never"
    tag = instance["tags"].get("idle")
    if tag is not None:
        return f"{tag} s (tag)" if tag.isdecimal() and int(tag) else f"{tag} (tag)"
    timeout = int(settings["notebook_host_idle_timeout"])
    return f"{timeout} s" if timeout else "never"


def _waiting(instance: dict[str, Any]) -> list[str]:
    """What waits for a stop."""
    return [
        f"{option} {_text(change['before'])} → {_text(change['after'])} at the next stop"
        for option, change in instance["pending"].items()
    ]


def _planned(instance: dict[str, Any]) -> list[str]:
    """What the next run would do at once."""
    if "state" in instance["after"]:
        return [f"{instance['after']['state']} by the next run"]
    return [
        f"{option} {_text(instance['before'].get(option))} → {_text(after)} by the next run"
        for option, after in instance["after"].items()
    ]


def _text(value: Any) -> str:
    if isinstance(value, dict) and value:
        return ",".join(f"{key}={text}" for key, text in sorted(value.items()))
    return "none" if value in (None, "", [], {}) else str(value)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"notebook_status": notebook_status}
