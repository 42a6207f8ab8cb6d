# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Cost Explorer's part of the API: a retry, an error handler, one call a function. Each call may be paid."""

from __future__ import annotations

from typing import Any

from ..common.calls import retry
from ..common.errors import NotebookErrorHandler

handler = NotebookErrorHandler


@handler.common_error_handler("ask Cost Explorer")
@retry
def get_cost_and_usage(client: Any, params: dict[str, Any]) -> dict[str, Any]:
    """A page of GetCostAndUsage."""
    return dict(client.get_cost_and_usage(**params))


@handler.common_error_handler("list the cost allocation tags")
@retry
def list_cost_allocation_tags(client: Any, keys: list[str]) -> list[dict[str, Any]]:
    """What ListCostAllocationTags returns of these keys, of which it takes 100."""
    return list(client.list_cost_allocation_tags(TagKeys=keys, Type="UserDefined")["CostAllocationTags"])


@handler.common_error_handler("set the status of cost allocation tags")
@retry
def update_cost_allocation_tags_status(client: Any, statuses: dict[str, str]) -> list[dict[str, str]]:
    """The errors that UpdateCostAllocationTagsStatus returns in an answer that is a success; it takes 20 keys."""
    wanted = [{"TagKey": key, "Status": status} for key, status in statuses.items()]
    return list(client.update_cost_allocation_tags_status(CostAllocationTagsStatus=wanted).get("Errors", ()))


@handler.common_error_handler("list the backfills of cost allocation tags")
@retry
def list_backfills(client: Any) -> list[dict[str, str]]:
    """What ListCostAllocationTagBackfillHistory returns, the last one first."""
    return list(client.list_cost_allocation_tag_backfill_history().get("BackfillRequests", ()))


@handler.common_error_handler("start the backfill of cost allocation tags")
@retry
def start_backfill(client: Any, begin: str) -> dict[str, str]:
    """Calls StartCostAllocationTagBackfill."""
    return dict(client.start_cost_allocation_tag_backfill(BackfillFrom=begin)["BackfillRequest"])
