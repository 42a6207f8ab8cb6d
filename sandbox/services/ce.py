# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Cost Explorer, with what moto lacks: the costs from the recorded states of instances, and cost allocation tags.

An activated tag counts at once, also for earlier costs; AWS takes a day or two.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import moto.ce.urls
from moto.ce.models import ce_backends
from moto.ce.responses import CostExplorerResponse
from moto.core.exceptions import JsonRESTError
from moto.core.utils import utcnow
from moto.organizations.models import organizations_backends

from . import billing
from .sagemaker import changes
from .sagemaker.constraints import violations
from .sagemaker.listing import page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .billing import Usage

GROUPS_PER_PAGE = 5000
KEYS = {"Dimensions", "Tags", "CostCategories", "And", "Or", "Not"}
METRICS = {"UnblendedCost": "USD", "BlendedCost": "USD", "AmortizedCost": "USD", "UsageQuantity": "N/A"}
LINKED = "Linked account doesn't have access to cost allocation tags."


class ValidationError(JsonRESTError):
    """Cost Explorer's refusal of a request."""

    code = 400

    def __init__(self, message: str, kind: str = "ValidationException"):
        super().__init__(kind, message)


class CostsResponse(CostExplorerResponse):
    """moto's Cost Explorer, with costs and with cost allocation tags."""

    def get_cost_and_usage(self) -> str:
        """GetCostAndUsage."""
        asked = self._asked()
        check(asked)
        active = {key for key, tag in self._cost_tags().items() if tag["Status"] == "Active"}
        found = [each for each in self._usage(active) if matches(each, asked.get("Filter"))]
        return json.dumps(answer(asked, found))

    def list_cost_allocation_tags(self) -> str:
        """ListCostAllocationTags."""
        self._refuse_members()
        asked = self._asked()
        tags = [
            tag
            for tag in self._cost_tags().values()
            if tag["TagKey"] in asked.get("TagKeys", [tag["TagKey"]])
            and tag["Status"] == asked.get("Status", tag["Status"])
            and tag["Type"] == asked.get("Type", tag["Type"])
        ]
        query = {key: value for key, value in asked.items() if key not in ("MaxResults", "NextToken")}
        size = asked.get("MaxResults", 100)
        found, token = page(tags, lambda tag: (tag["TagKey"],), size, asked.get("NextToken"), query)
        return json.dumps({"CostAllocationTags": found, **({"NextToken": token} if token else {})})

    def update_cost_allocation_tags_status(self) -> str:
        """UpdateCostAllocationTagsStatus; an answer with status 200 lists the tags that failed."""
        self._refuse_members()
        tags, errors = self._cost_tags(), []
        for wanted in self._asked()["CostAllocationTagsStatus"]:
            if tag := tags.get(wanted["TagKey"]):
                tag |= {"Status": wanted["Status"], "LastUpdatedDate": _time()}
            else:
                message = f"Tag keys not found: {wanted['TagKey']}"
                errors.append({"TagKey": wanted["TagKey"], "Code": "TagKeysNotFoundException", "Message": message})
        return json.dumps({"Errors": errors})

    def start_cost_allocation_tag_backfill(self) -> str:
        """StartCostAllocationTagBackfill."""
        self._refuse_members()
        begin = datetime.fromisoformat(self._asked()["BackfillFrom"])
        first = datetime.now(UTC).date().replace(day=1)
        if begin.day != 1 or (first - begin.date()).days > 366 or begin.date() > first:
            raise ValidationError("BackfillFrom must be the first day of a month, at most 12 months ago.")
        if self._backfills:
            raise ValidationError("You can request a backfill once every 24 hours.", "BackfillLimitExceededException")
        asked = self._asked()
        request = {"BackfillFrom": asked["BackfillFrom"], "RequestedAt": _time(), "BackfillStatus": "PROCESSING"}
        self._backfills.insert(0, request)
        return json.dumps({"BackfillRequest": request})

    def list_cost_allocation_tag_backfill_history(self) -> str:
        """ListCostAllocationTagBackfillHistory; a backfill has succeeded at once."""
        self._refuse_members()
        return json.dumps({"BackfillRequests": [_succeeded(each) for each in self._backfills]})

    def _asked(self) -> dict[str, Any]:
        asked: dict[str, Any] = json.loads(self.body)
        if message := violations("ce", self._get_action(), asked):
            raise ValidationError(message)
        return asked

    def _refuse_members(self) -> None:
        if self.current_account in organizations_backends.master_accounts:
            raise ValidationError(LINKED, "AccessDeniedException")

    def _payer(self) -> str:
        return str(organizations_backends.master_accounts.get(self.current_account, (self.current_account,))[0])

    @property
    def _backfills(self) -> list[dict[str, Any]]:
        backfills: list[dict[str, Any]] = vars(self.ce_backend).setdefault("backfills", [])
        return backfills

    def _cost_tags(self) -> dict[str, dict[str, Any]]:
        """Return the tags of everything billed to this account's payer, with the status that the payer has set."""
        payer = ce_backends[self._payer()][self.partition]
        tags: dict[str, dict[str, Any]] = vars(payer).setdefault("cost_tags", {})
        for change in changes():
            if self._billed_to_payer(change.account):
                for key in change.tags:
                    tags.setdefault(key, {"TagKey": key, "Type": "UserDefined", "Status": "Inactive"})
        return tags

    def _billed_to_payer(self, account: str) -> bool:
        return str(organizations_backends.master_accounts.get(account, (account,))[0]) == self._payer()

    def _usage(self, active: set[str]) -> Iterator[Usage]:
        """Yield the usage that this account may see: its own, and that of the accounts for which it pays."""
        sees_all = self.current_account == self._payer()
        for each in billing.used(changes(), utcnow()):
            if each.account == self.current_account or (sees_all and self._billed_to_payer(each.account)):
                tags = tuple((key, value) for key, value in each.tags if key in active)
                yield billing.Usage(**{**vars(each), "tags": tags})


def check(asked: dict[str, Any]) -> None:
    """Refuse a request that AWS would refuse."""
    if len(asked.get("GroupBy", [])) > 2:
        raise ValidationError("Only two GroupBy definitions are allowed.")
    begin, end = (date.fromisoformat(asked["TimePeriod"][key][:10]) for key in ("Start", "End"))
    if begin >= end:
        raise ValidationError("Start date (and hour) should be before end date (and hour)")
    if unknown := set(asked.get("Metrics", [])) - set(METRICS):
        raise ValidationError(f"Unsupported metrics: {', '.join(sorted(unknown))}")
    if not asked.get("Metrics"):
        raise ValidationError("Metrics should not be empty")
    today = datetime.now(UTC)
    months = (today.year - begin.year) * 12 + today.month - begin.month
    if months > 13:
        raise ValidationError("You haven't enabled historical data beyond 14 months")
    if "Filter" in asked:
        _check_filter(asked["Filter"])


def _check_filter(expression: dict[str, Any]) -> None:
    if len(set(expression) & KEYS) != 1:
        raise ValidationError("Expression should have exactly one of And, Or, Not, Dimensions, Tags, CostCategories")
    inner = [expression["Not"]] if "Not" in expression else []
    for each in [*expression.get("And", []), *expression.get("Or", []), *inner]:
        _check_filter(each)


def matches(usage: Usage, expression: dict[str, Any] | None) -> bool:
    """Return whether a usage passes a filter."""
    if not expression:
        return True
    ((kind, value),) = expression.items()
    if kind == "And":
        return all(matches(usage, each) for each in value)
    if kind == "Or":
        return any(matches(usage, each) for each in value)
    if kind == "Not":
        return not matches(usage, value)
    found = _dimension(usage, value["Key"]) if kind == "Dimensions" else dict(usage.tags).get(value["Key"], "")
    if "ABSENT" in value.get("MatchOptions", []):
        return not found
    return found in value["Values"]


def _dimension(usage: Usage, key: str) -> str:
    known = {
        "SERVICE": billing.SERVICE,
        "USAGE_TYPE": usage.usage_type,
        "REGION": usage.region,
        "LINKED_ACCOUNT": usage.account,
        "RECORD_TYPE": "Usage",
    }
    if key not in known:
        raise ValidationError(f"The sandbox has no dimension {key}.")
    return known[key]


def answer(asked: dict[str, Any], found: list[Usage]) -> dict[str, Any]:
    """Return a page of the periods with their sums."""
    begin, end = (date.fromisoformat(asked["TimePeriod"][key][:10]) for key in ("Start", "End"))
    by = asked.get("GroupBy", [])
    first, periods = int(asked.get("NextPageToken") or 0), list(_periods(begin, end, asked["Granularity"]))
    results: list[dict[str, Any]] = []
    size = 0
    for period in periods[first:]:
        result = _result(period, by, asked["Metrics"], [each for each in found if period[0] <= each.day < period[1]])
        size += len(result["Groups"])
        if results and size > GROUPS_PER_PAGE:
            return {"ResultsByTime": results, "GroupDefinitions": by, "NextPageToken": str(first + len(results))}
        results.append(result)
    return {"ResultsByTime": results, "GroupDefinitions": by, "DimensionValueAttributes": []}


def _periods(begin: date, end: date, granularity: str) -> Iterator[tuple[date, date]]:
    while begin < end:
        following = begin + timedelta(days=1)
        if granularity == "MONTHLY":
            following = (begin.replace(day=28) + timedelta(days=4)).replace(day=1)
        yield begin, min(following, end)
        begin = following


def _result(
    period: tuple[date, date], by: list[dict[str, str]], metrics: list[str], found: list[Usage]
) -> dict[str, Any]:
    sums: dict[tuple[str, ...], dict[str, float]] = defaultdict(lambda: dict.fromkeys(metrics, 0.0))
    for usage in found:
        for metric in metrics:
            sums[_keys(usage, by)][metric] += usage.quantity if metric == "UsageQuantity" else usage.cost

    def shown(amounts: dict[str, float]) -> dict[str, Any]:
        return {name: {"Amount": f"{value:.10f}", "Unit": METRICS[name]} for name, value in amounts.items()}

    total = sums.get((), dict.fromkeys(metrics, 0.0))
    return {
        "TimePeriod": {"Start": period[0].isoformat(), "End": period[1].isoformat()},
        "Total": {} if by else shown(total),
        "Groups": [{"Keys": list(keys), "Metrics": shown(sums[keys])} for keys in sorted(sums)] if by else [],
        "Estimated": period[1] > datetime.now(UTC).date().replace(day=1),
    }


def _keys(usage: Usage, by: list[dict[str, str]]) -> tuple[str, ...]:
    tags = dict(usage.tags)
    return tuple(
        f"{each['Key']}${tags.get(each['Key'], '')}" if each["Type"] == "TAG" else _dimension(usage, each["Key"])
        for each in by
    )


def _succeeded(request: dict[str, Any]) -> dict[str, Any]:
    when = request["RequestedAt"]
    return {**request, "BackfillStatus": "SUCCEEDED", "CompletedAt": when, "LastUpdatedAt": when}


def _time() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def install() -> None:
    """Install the operations in moto, before its first Cost Explorer request."""
    moto.ce.urls.url_paths["{0}/$"] = CostsResponse.dispatch
