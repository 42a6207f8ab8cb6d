# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Results of the fleet module."""

from __future__ import annotations

from typing import Any


def outcome(owner: str = "alice", **more: Any) -> dict[str, Any]:
    """Return the fleet module's result for a person's instance that needed no change."""
    return {
        "name": f"datalab-{owner}",
        "owner": owner,
        "changed": False,
        "status": "InService",
        "instance_type": "ml.t3.medium",
        "lifecycle_config_name": "datalab",
        "tags": {"owner": owner, "team": "research"},
        "before": {},
        "after": {},
        "pending": {},
        "failed": False,
        **more,
    }


def pending(**changes: tuple[Any, Any]) -> dict[str, dict[str, Any]]:
    """Return pending changes with the values before and after; by default a larger machine."""
    said = changes or {"instance_type": ("ml.t3.medium", "ml.m5.xlarge")}
    return {option: {"before": before, "after": after} for option, (before, after) in said.items()}
