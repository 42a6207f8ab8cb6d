# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of instances."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.status import HEADINGS, status_rows, table
from ansible_collections.datalab.notebooks.tests.unit.plugins.outcomes import outcome, pending

LIMITS = {"datalab": 3600, "datalab-never": 0}


def row(planned: bool = False, **more: Any) -> dict[str, str]:
    """Return Alice's row, by heading."""
    (made,) = status_rows([outcome(**more)], LIMITS, planned=planned)
    return dict(zip(HEADINGS, made, strict=True))


def test_a_row() -> None:
    assert row() == {
        "owner": "alice",
        "team": "research",
        "type": "ml.t3.medium",
        "state": "InService",
        "idle": "3600 s",
        "configuration": "datalab",
        "changes": "",
    }


def test_a_row_for_each_in_their_order() -> None:
    rows = status_rows([outcome("bob"), outcome("alice")], LIMITS, planned=True)
    assert [made[0] for made in rows] == ["bob", "alice"]


@pytest.mark.parametrize(
    ("config", "tag", "idle"),
    [
        ("datalab", None, "3600 s"),
        ("datalab", "600", "600 s (tag)"),
        ("datalab", "0", "0 (tag)"),
        ("datalab", "never", "never (tag)"),
        ("datalab-never", None, "never"),
        ("datalab-never", "600", "600 s (tag)"),
        ("datalab-viewer", "600", "never"),
        (None, "600", "never"),
    ],
)
def test_when_it_stops_by_itself(config: str | None, tag: str | None, idle: str) -> None:
    assert row(lifecycle_config_name=config, tags={"idle": tag} if tag else {})["idle"] == idle


WAITS = "instance_type ml.t3.medium → ml.m5.xlarge at the next stop"


@pytest.mark.parametrize(
    ("changes", "planned", "done"),
    [
        ({"pending": pending()}, WAITS, WAITS),
        ({"before": {"state": "stopped"}, "after": {"state": "started"}}, "started by the next run", ""),
        (
            {"pending": pending(), "before": {"tags": {}}, "after": {"tags": {"b": "2", "a": "1"}}},
            f"{WAITS}; tags none → a=1,b=2 by the next run",
            WAITS,
        ),
        (
            {"before": {"instance_type": "a", "state": "Stopped"}, "after": {"instance_type": "b", "state": "started"}},
            "started by the next run",
            "",
        ),
        ({"failed": True, "msg": "alice: it cannot shrink"}, "it cannot shrink", "it cannot shrink"),
        (
            {"pending": pending(), "failed": True, "msg": "datalab-alice is Failed"},
            f"{WAITS}; datalab-alice is Failed",
            f"{WAITS}; datalab-alice is Failed",
        ),
    ],
)
def test_changes_that_were_made_are_no_longer_listed(changes: dict[str, Any], planned: str, done: str) -> None:
    assert row(planned=True, **changes)["changes"] == planned
    assert row(planned=False, **changes)["changes"] == done


def test_who_is_not_there() -> None:
    made = row(
        name="datalab-alice", status=None, instance_type=None, lifecycle_config_name=None, tags={}, owner=None,
        failed=True, msg="datalab-alice: it is not there",
    )  # fmt: skip
    assert list(made.values()) == ["datalab-alice", "", "", "none", "never", "", "it is not there"]


def test_a_table_has_a_line_under_its_headings() -> None:
    assert table(["owner", "state", "x"], [["alice", "InService", ""], ["b", "none", "y"]]) == [
        "owner  state      x",
        "-----  ---------  -",
        "alice  InService",
        "b      none       y",
    ]
    assert table(["a"], []) == ["a", "-"]
