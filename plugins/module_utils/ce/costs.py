# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""AWS's bill by day, tag and usage type, for at most the allowed number of paid requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ..common.errors import NotebookError, is_refusal
from . import api

REFUSALS = ("AccessDeniedException", "DataUnavailableException", "BillExpirationException", "OptInRequired")
METRIC = "UnblendedCost"


@dataclass(frozen=True)
class Question:
    """The costs from `begin` to before `end` of resources with the tags of `only`, summed up by the values of `tag`."""

    begin: date
    end: date
    tag: str
    only: Mapping[str, str]
    granularity: str

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of GetCostAndUsage."""
        tags = [
            {"Tags": {"Key": key, "Values": [value], "MatchOptions": ["EQUALS"]}} for key, value in self.only.items()
        ]
        wanted = {"And": tags} if len(tags) > 1 else tags[0] if tags else None
        return {
            "TimePeriod": {"Start": self.begin.isoformat(), "End": self.end.isoformat()},
            "Granularity": self.granularity,
            "Metrics": [METRIC],
            "GroupBy": [{"Type": "TAG", "Key": self.tag}, {"Type": "DIMENSION", "Key": "USAGE_TYPE"}],
            **({"Filter": wanted} if wanted else {}),
        }


@dataclass
class Asked:
    """The number of paid requests so far, and the allowed number."""

    client: Any
    most: int
    requests: int = 0
    problem: str = ""
    tags_active: dict[str, bool] = field(default_factory=dict)


def read_costs(client: Any, question: Question, most: int) -> dict[str, Any]:
    """The costs, for at most so many requests; without them the reason is in `problem`."""
    asked = Asked(client, most)
    periods: list[dict[str, Any]] = []
    try:
        _read_active(asked, [question.tag, *question.only])
        inactive = [key for key in question.only if asked.tags_active.get(key) is False]
        if inactive:
            asked.problem = f"the tag {inactive[0]} is not active in billing, so AWS has no sums by it"
        else:
            periods = [period for page in _pages(asked, question.params) for period in page["ResultsByTime"]]
    except NotebookError as error:
        if not is_refusal(error, *REFUSALS):
            raise
        asked.problem = str(error)
    return {
        "days": [line for period in periods for line in _lines(period)],
        "currency": "USD",
        "requests": asked.requests,
        "estimated": any(period["Estimated"] for period in periods),
        "tags_active": asked.tags_active,
        "problem": asked.problem,
    }


def _read_active(asked: Asked, keys: list[str]) -> None:
    """Which of the tags are active. Only the account that pays can read that."""
    asked.requests += 1
    wanted = list(dict.fromkeys(keys))
    try:
        found = {each["TagKey"]: each["Status"] for each in api.list_cost_allocation_tags(asked.client, wanted)}
    except NotebookError as error:
        if not is_refusal(error, "AccessDeniedException"):
            raise
    else:
        asked.tags_active = {key: found.get(key) == "Active" for key in wanted}


def _pages(asked: Asked, question: dict[str, Any]) -> Iterator[dict[str, Any]]:
    token = ""
    while True:
        if asked.requests >= asked.most:
            raise NotebookError(
                f"Cost Explorer has more than {asked.most} pages of this; each request costs 0.01 USD. Allow more by"
                " max_requests, or ask for a shorter time or by month"
            )
        asked.requests += 1
        page = api.get_cost_and_usage(asked.client, {**question, **({"NextPageToken": token} if token else {})})
        yield page
        token = page.get("NextPageToken", "")
        if not token:
            return


def _lines(period: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for group in period["Groups"]:
        tagged, usage_type = group["Keys"]
        amount = float(group["Metrics"][METRIC]["Amount"])
        value = tagged.partition("$")[2]
        yield {"day": period["TimePeriod"]["Start"], "key": value, "usage_type": usage_type, "amount": amount}
