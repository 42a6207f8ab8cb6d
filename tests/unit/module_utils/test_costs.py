# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The costs that AWS has billed: which paid requests are made, and the message if there are no amounts."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.ce.costs import Question, read_costs
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import NotebookError
from ansible_collections.datalab.notebooks.plugins.modules.cost_info import check

if TYPE_CHECKING:
    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

QUESTION = Question(date(2026, 11, 1), date(2026, 12, 1), "owner", {"platform": "datalab"}, "DAILY")
TAGS = {"TagKeys": ["owner", "platform"], "Type": "UserDefined"}


def tags(ce: Script, **statuses: str) -> None:
    found = [{"TagKey": key, "Status": status, "Type": "UserDefined"} for key, status in statuses.items()]
    ce.call("list_cost_allocation_tags", TAGS, {"CostAllocationTags": found})


def page(ce: Script, day: str, token: str = "", following: str = "") -> None:
    group = {"Keys": ["owner$alice", "EUC1-Notebk:ml.t3.medium"], "Metrics": {"UnblendedCost": {"Amount": "1.25"}}}
    result = {"TimePeriod": {"Start": day, "End": day}, "Groups": [group], "Estimated": day == "2026-11-30"}
    asked = {**QUESTION.params, **({"NextPageToken": token} if token else {})}
    answer: dict[str, Any] = {"ResultsByTime": [result]}
    ce.call("get_cost_and_usage", asked, answer | ({"NextPageToken": following} if following else {}))


def test_amounts_are_read_by_all_pages_and_counted(ce: Script) -> None:
    tags(ce, owner="Active", platform="Active")
    page(ce, "2026-11-01", following="x")
    page(ce, "2026-11-30", token="x")
    found = read_costs(ce.client, QUESTION, 5)
    assert (found["requests"], found["estimated"], found["problem"]) == (3, True, "")
    assert found["tags_active"] == {"owner": True, "platform": True}
    line = {"key": "alice", "usage_type": "EUC1-Notebk:ml.t3.medium", "amount": 1.25}
    assert found["days"] == [{"day": day, **line} for day in ("2026-11-01", "2026-11-30")]


def test_no_more_is_paid_than_allowed(ce: Script) -> None:
    tags(ce, owner="Active", platform="Active")
    page(ce, "2026-11-01", following="x")
    with pytest.raises(NotebookError, match=r"more than 2 pages.*0\.01 USD.*max_requests"):
        read_costs(ce.client, QUESTION, 2)


def test_a_tag_that_is_not_active_is_not_paid_for(ce: Script) -> None:
    tags(ce, owner="Active", platform="Inactive")
    found = read_costs(ce.client, QUESTION, 5)
    assert (found["requests"], found["days"]) == (1, [])
    assert found["problem"] == "the tag platform is not active in billing, so AWS has no sums by it"


def test_a_member_account_does_not_know_which_tags_are_active(ce: Script) -> None:
    ce.refuse("list_cost_allocation_tags", TAGS, "AccessDeniedException", "Linked account doesn't have access")
    page(ce, "2026-11-01")
    found = read_costs(ce.client, QUESTION, 5)
    assert (found["tags_active"], len(found["days"]), found["problem"]) == ({}, 1, "")


def test_without_cost_explorer_it_is_said(ce: Script) -> None:
    tags(ce, owner="Active", platform="Active")
    text = "User not enabled for cost explorer access"
    ce.refuse("get_cost_and_usage", QUESTION.params, "AccessDeniedException", text)
    found = read_costs(ce.client, QUESTION, 5)
    assert text in found["problem"]
    assert found["requests"] == 2


def test_another_error_is_one(ce: Script) -> None:
    tags(ce, owner="Active", platform="Active")
    ce.refuse("get_cost_and_usage", QUESTION.params, "ValidationException", "no")
    with pytest.raises(NotebookError, match="ask Cost Explorer"):
        read_costs(ce.client, QUESTION, 5)


@pytest.mark.parametrize(
    ("begin", "end", "text"),
    [
        (date(2026, 11, 2), date(2026, 11, 1), "before end"),
        (date(2026, 12, 2), date(2026, 12, 3), "future"),
        (date(2025, 9, 30), date(2026, 11, 1), "13 months"),
    ],
)
def test_months_that_cost_explorer_lacks_are_not_requested(begin: date, end: date, text: str) -> None:
    with pytest.raises(NotebookError, match=text):
        check(begin, end, date(2026, 11, 27))


def test_the_13th_month_back_is_there() -> None:
    check(date(2025, 10, 1), date(2025, 11, 1), date(2026, 11, 27))
