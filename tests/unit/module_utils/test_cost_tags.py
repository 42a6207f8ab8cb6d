# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Cost allocation tags: only what differs is set, and an error inside a successful answer is reported."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.ce.tags import ensure, set_statuses, tag_problems
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import NotebookError

if TYPE_CHECKING:
    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

KEYS = ["platform", "team"]
LISTED = {"TagKeys": KEYS, "Type": "UserDefined"}
FROM = "2026-09-01T00:00:00Z"


def lists(ce: Script, **statuses: str) -> None:
    tags = [{"TagKey": key, "Status": status, "Type": "UserDefined"} for key, status in statuses.items()]
    ce.call("list_cost_allocation_tags", LISTED, {"CostAllocationTags": tags})


def sets(ce: Script, *keys: str, errors: Any = ()) -> None:
    asked = [{"TagKey": key, "Status": "Active"} for key in keys]
    answer = {"Errors": list(errors)}
    ce.call("update_cost_allocation_tags_status", {"CostAllocationTagsStatus": asked}, answer)


def test_active_tags_get_no_call(ce: Script) -> None:
    lists(ce, platform="Active", team="Active")
    assert ensure(ce.client, KEYS, "Active", None, check_mode=False)[0] is False


def test_only_what_differs_is_set(ce: Script) -> None:
    lists(ce, platform="Active", team="Inactive")
    sets(ce, "team")
    changed, before, after = ensure(ce.client, KEYS, "Active", None, check_mode=False)
    assert (changed, before["team"], after["team"]) == (True, "Inactive", "Active")


def test_check_mode_only_looks(ce: Script) -> None:
    lists(ce, platform="Inactive")
    ce.call("list_cost_allocation_tag_backfill_history", {}, {"BackfillRequests": []})
    changed, _before, after = ensure(ce.client, KEYS, "Active", FROM, check_mode=True)
    assert (changed, after) == (True, {"platform": "Active", "team": "Active"})


def test_an_error_inside_a_success_is_an_error(ce: Script) -> None:
    lists(ce, platform="Inactive")
    sets(ce, *KEYS, errors=[{"TagKey": "team", "Code": "x", "Message": "Tag keys not found: team"}])
    with pytest.raises(NotebookError, match=r"team: Tag keys not found.*a day after.*Set all the same: platform"):
        ensure(ce.client, KEYS, "Active", None, check_mode=False)


def test_at_most_twenty_are_set_at_once(ce: Script) -> None:
    keys = [f"key{number}" for number in range(21)]
    sets(ce, *keys[:20])
    sets(ce, keys[20])
    set_statuses(ce.client, dict.fromkeys(keys, "Active"))


@pytest.mark.parametrize(
    ("history", "asks"),
    [([], True), ([("2026-09-01T00:00:00Z", "SUCCEEDED")], False), ([("2026-09-01T00:00:00Z", "FAILED")], True),
     ([("2026-08-01T00:00:00Z", "SUCCEEDED")], True)],
)  # fmt: skip
def test_a_backfill_is_asked_for_once(ce: Script, history: list[tuple[str, str]], asks: bool) -> None:
    lists(ce, platform="Active", team="Active")
    requests = [{"BackfillFrom": begin, "BackfillStatus": status} for begin, status in history]
    ce.call("list_cost_allocation_tag_backfill_history", {}, {"BackfillRequests": requests})
    if asks:
        ce.call("start_cost_allocation_tag_backfill", {"BackfillFrom": FROM}, {"BackfillRequest": {}})
    assert ensure(ce.client, KEYS, "Active", FROM, check_mode=False)[0] is asks


def test_a_member_account_is_told_whose_it_is(ce: Script) -> None:
    ce.refuse("list_cost_allocation_tags", LISTED, "AccessDeniedException", "Linked account doesn't have access")
    with pytest.raises(NotebookError, match="only the account that pays for this one"):
        ensure(ce.client, KEYS, "Active", None, check_mode=False)


@pytest.mark.parametrize(
    ("keys", "begin", "problems"),
    [
        (KEYS, None, 0),
        ([], None, 1),
        (KEYS, date(2026, 9, 2), 1),
        (KEYS, date(2025, 10, 1), 1),
        (KEYS, date(2026, 12, 1), 1),
        (KEYS, date(2025, 11, 1), 0),
    ],
)
def test_invalid_options(keys: list[str], begin: date | None, problems: int) -> None:
    assert len(list(tag_problems(keys, begin, date(2026, 11, 27)))) == problems
