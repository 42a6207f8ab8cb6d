# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What people read of a fleet: the rows of its tables."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.filter.notebook_status import notebook_status
from ansible_collections.datalab.notebooks.plugins.filter.unowned_notebooks import unowned_notebooks

STEPS = {"notebook_host_steps": ["efs", "autostop"], "notebook_host_idle_timeout": 3600}
CONFIGS = [
    {"name": "datalab", "settings": STEPS},
    {"name": "never", "settings": {**STEPS, "notebook_host_idle_timeout": 0}},
    {"name": "viewer", "settings": {"notebook_host_steps": ["efs"]}},
]


def instance(**more: Any) -> dict[str, Any]:
    """What the fleet module returns of Alice's."""
    return {
        "name": "datalab-alice",
        "owner": "alice",
        "status": "InService",
        "instance_type": "ml.t3.medium",
        "lifecycle_config_name": "datalab",
        "tags": {"team": "research"},
        "before": {},
        "after": {},
        "pending": {},
        **more,
    }


def row(planned: bool = False, **more: Any) -> dict[str, str]:
    (made,) = notebook_status([instance(**more)], CONFIGS, planned)
    return made


def test_a_row() -> None:
    assert row() == {
        "owner": "alice",
        "team": "research",
        "type": "ml.t3.medium",
        "state": "InService",
        "idle": "3600 s",
        "configuration": "datalab",
        "pending changes": "",
    }


@pytest.mark.parametrize(
    ("config", "tag", "idle"),
    [
        ("datalab", "600", "600 s (tag)"),
        ("datalab", "0", "0 (tag)"),
        ("datalab", "never", "never (tag)"),
        ("never", None, "never"),
        ("viewer", "600", "never"),
        (None, "600", "never"),
    ],
)
def test_when_it_stops_by_itself(config: str | None, tag: str | None, idle: str) -> None:
    assert row(lifecycle_config_name=config, tags={"idle": tag} if tag else {})["idle"] == idle


PENDING = {"instance_type": {"before": "ml.t3.medium", "after": "ml.m5.xlarge"}}
WAITS = "instance_type ml.t3.medium → ml.m5.xlarge at the next stop"


@pytest.mark.parametrize(
    ("changes", "planned", "done"),
    [
        ({"pending": PENDING}, WAITS, WAITS),
        ({"before": {"state": "stopped"}, "after": {"state": "started"}}, "started by the next run", ""),
        (
            {"pending": PENDING, "before": {"tags": {}}, "after": {"tags": {"b": "2", "a": "1"}}},
            f"{WAITS}; tags none → a=1,b=2 by the next run",
            WAITS,
        ),
    ],
)
def test_what_has_been_done_is_no_longer_to_come(changes: dict[str, Any], planned: str, done: str) -> None:
    assert row(planned=True, **changes)["pending changes"] == planned
    assert row(planned=False, **changes)["pending changes"] == done


def test_who_is_not_there() -> None:
    made = row(status=None, instance_type=None, lifecycle_config_name=None, tags={}, owner=None)
    assert (made["owner"], made["state"], made["type"], made["configuration"]) == ("datalab-alice", "none", "", "")


def test_what_nobody_has() -> None:
    found: list[dict[str, Any]] = [
        {"name": "by-hand", "status": "InService", "instance_type": "ml.p3.2xlarge", "tags": {"owner": "alice"}},
        {"name": "stray", "status": "Stopped", "instance_type": None, "tags": {"owner": "mallory", "team": "x"}},
        {"name": "bare", "status": "Failed", "instance_type": "ml.t3.medium", "tags": {}},
    ]
    rows = unowned_notebooks(found, [{"name": "alice"}])
    assert [list(made.values()) for made in rows] == [
        ["by-hand", "alice", "", "ml.p3.2xlarge", "InService", "alice: notebook_name: by-hand"],
        ["stray", "mallory", "x", "", "Stopped", ""],
        ["bare", "", "", "ml.t3.medium", "Failed", ""],
    ]
