# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""A monthly budget in USD for resources with some tags, with alerts to addresses and to a topic of SNS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import compare_aws_tags

from ..ce.api import list_cost_allocation_tags
from ..common.calls import in_parallel
from ..common.errors import InputError, NotebookError, is_refusal
from ..common.resource import Resource, State
from . import api

METRIC = "UnblendedCost"
ALERTS, ADDRESSES = 5, 10
NAME_LENGTH = 100

Subscriber = tuple[str, str]  # its type and its address


@dataclass(frozen=True, order=True)
class Alert:
    """An alert: sent once more than so many per cent of the budget are spent or forecast."""

    threshold: float
    forecast: bool = False

    @property
    def api(self) -> dict[str, Any]:
        """The alert as the API has it."""
        kind = "FORECASTED" if self.forecast else "ACTUAL"
        return {
            "NotificationType": kind,
            "ComparisonOperator": "GREATER_THAN",
            "Threshold": self.threshold,
            "ThresholdType": "PERCENTAGE",
        }

    @property
    def text(self) -> str:
        """The alert in words."""
        return f"{'forecast ' if self.forecast else ''}{self.threshold:g} %"


@dataclass(frozen=True)
class DesiredBudget:
    """A budget as it is wanted; tags that are None are left as they are."""

    name: str
    account: str
    limit: float = 0
    only: Mapping[str, str] = field(default_factory=dict)
    alerts: tuple[Alert, ...] = ()
    emails: tuple[str, ...] = ()
    topic_arn: str = ""
    tags: dict[str, str] | None = None
    purge_tags: bool = True

    @property
    def api(self) -> dict[str, Any]:
        """The budget as CreateBudget and UpdateBudget take it."""
        tags = [{"Tags": {"Key": key, "Values": [value]}} for key, value in sorted(self.only.items())]
        wanted = {"And": tags} if len(tags) > 1 else tags[0] if tags else None
        return {
            "BudgetName": self.name,
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": f"{self.limit:g}", "Unit": "USD"},
            **({"FilterExpression": wanted, "Metrics": [METRIC]} if wanted else {}),
        }

    @property
    def subscribers(self) -> set[Subscriber]:
        """The subscribers of each alert."""
        topic = {("SNS", self.topic_arn)} if self.topic_arn else set()
        return {*(("EMAIL", each) for each in self.emails), *topic}


def budget_problems(desired: DesiredBudget) -> Iterator[str]:
    """One sentence for each value that AWS would refuse."""
    name, alerts = desired.name, desired.alerts
    if not 1 <= len(name) <= NAME_LENGTH or ":" in name or "\\" in name or "/action/" in name:
        yield f"its name must have 1 to {NAME_LENGTH} characters, none of them : or \\"
    if not desired.limit > 0:
        yield f"limit is {desired.limit:g}; it must be more than 0"
    if len(alerts) > ALERTS:
        yield f"there are {len(alerts)} alerts; AWS takes {ALERTS}, so remove some"
    for alert in sorted({each for each in alerts if alerts.count(each) > 1}):
        yield f"the alert at {alert.text} is listed twice; remove one"
    for alert in alerts:
        if not alert.threshold > 0:
            yield f"the alert at {alert.text} must be at more than 0 %"
    if alerts and not desired.subscribers:
        yield "there are alerts, but neither emails nor topic_arn to send them to; set one of them"
    yield from address_problems(desired.emails)


def address_problems(emails: tuple[str, ...]) -> Iterator[str]:
    """Mistakes in addresses."""
    if len(emails) > ADDRESSES:
        yield f"there are {len(emails)} addresses; AWS takes {ADDRESSES}; use a topic of SNS for more"
    for address in emails:
        if address.count("@") != 1 or address.startswith("@") or address.endswith("@") or " " in address:
            yield f"{address} is not an e-mail address; it must be like lead@example.org"
        if emails.count(address) > 1:
            yield f"the address {address} is listed twice; remove one"
            return


@dataclass(frozen=True)
class BudgetPlan:
    """The plan of one budget."""

    desired: DesiredBudget
    before: State | None
    set_tags: dict[str, str] = field(default_factory=dict)
    delete_tags: list[str] = field(default_factory=list)

    @property
    def updates(self) -> bool:
        """Whether the budget itself differs. An update makes AWS forget the costs so far."""
        before = self.before
        return before is not None and any(before[key] != value for key, value in _settings(self.desired).items())

    @property
    def alert_calls(self) -> list[tuple[str, tuple[Any, ...]]]:
        """The calls that correct the alerts: the function of api.py, and its arguments after the budget."""
        return list(_alert_calls(self.desired, self.before)) if self.before else []

    @property
    def changed(self) -> bool:
        """Whether a call has to be made."""
        differs = self.updates or bool(self.alert_calls)
        return self.before is None or differs or bool(self.set_tags or self.delete_tags)

    @property
    def after(self) -> State:
        """The budget as it will be."""
        desired, before = self.desired, self.before or {"tags": {}}
        tags = {**before["tags"], **self.set_tags}
        return {
            **before,
            "name": desired.name,
            **_settings(desired),
            "alerts": [_shown(alert.api, desired.subscribers) for alert in sorted(desired.alerts)],
            "tags": {key: value for key, value in tags.items() if key not in self.delete_tags},
        }


def _settings(desired: DesiredBudget) -> State:
    return {"limit": float(desired.limit), "only": dict(desired.only), "is_plain": True}


def _alert_calls(desired: DesiredBudget, before: State) -> Iterator[tuple[str, tuple[Any, ...]]]:
    has = {_key(each): each for each in before["alerts"]}
    wanted = {_key(_shown(alert.api, set())): alert.api for alert in desired.alerts}
    gone = [key for key in has if key not in wanted]
    new = [key for key in wanted if key not in has]
    kept = [(wanted[key], has[key]) for key in wanted if key in has]
    for old, key in zip(gone, new, strict=False):
        yield "update_notification", (_api(has[old]), wanted[key])
        kept.append((wanted[key], has[old]))
    for key in gone[len(new) :]:
        yield "delete_notification", (_api(has[key]),)
    subscribers = desired.subscribers
    for key in new[len(gone) :]:
        yield "create_notification", (wanted[key], _as_api(subscribers))
    for alert, current in kept:
        of = set(map(tuple, current["subscribers"]))
        yield from (("create_subscriber", (alert, each)) for each in _as_api(subscribers - of))
        yield from (("delete_subscriber", (alert, each)) for each in _as_api(of - subscribers))


def _as_api(subscribers: set[Subscriber]) -> list[dict[str, str]]:
    return [{"SubscriptionType": kind, "Address": address} for kind, address in sorted(subscribers)]


def _shown(alert: Mapping[str, Any], subscribers: set[Subscriber]) -> State:
    return {
        "threshold": float(alert["Threshold"]),
        "forecast": alert["NotificationType"] == "FORECASTED",
        "threshold_type": alert.get("ThresholdType", "PERCENTAGE"),
        "comparison_operator": alert["ComparisonOperator"],
        "subscribers": [list(each) for each in sorted(subscribers)],
    }


def _key(shown: State) -> tuple[Any, ...]:
    return tuple(shown[key] for key in ("threshold", "forecast", "threshold_type", "comparison_operator"))


def _api(shown: State) -> dict[str, Any]:
    return {
        "NotificationType": "FORECASTED" if shown["forecast"] else "ACTUAL",
        "ComparisonOperator": shown["comparison_operator"],
        "Threshold": shown["threshold"],
        "ThresholdType": shown["threshold_type"],
    }


def read_budget(client: Any, account: str, arn: str, name: str) -> State | None:
    """The budget with its alerts, their subscribers, and its tags; None if it does not exist."""
    found = api.describe_budget(client, account, name)
    if not found:
        return None
    return complete_budget(client, account, arn, found)


def complete_budget(client: Any, account: str, arn: str, found: Mapping[str, Any]) -> State:
    """A budget of DescribeBudget or DescribeBudgets, completed with alerts, subscribers and tags."""
    name = found["BudgetName"]

    def alert(each: dict[str, Any]) -> State:
        asked = {key: value for key, value in each.items() if key != "NotificationState"}
        subscribers = api.describe_subscribers(client, account, name, asked)
        return _shown(each, {(who["SubscriptionType"], who["Address"]) for who in subscribers})

    alerts = in_parallel(alert, api.describe_notifications(client, account, name))
    spent = found.get("CalculatedSpend", {})
    return {
        "name": name,
        "arn": arn,
        **filter_of(found),
        "limit": float(found.get("BudgetLimit", {}).get("Amount", 0)),
        "spent": float(spent.get("ActualSpend", {}).get("Amount", 0)),
        "forecast": float(spent.get("ForecastedSpend", {}).get("Amount", 0)),
        "alerts": sorted(alerts, key=_key),
        "tags": api.list_tags(client, arn),
    }


def filter_of(found: Mapping[str, Any]) -> State:
    """The tags of a budget's filter, and whether this module could have created its other settings."""
    expression = found.get("FilterExpression") or {}
    parts = expression.get("And", [expression] if expression else [])
    tags = [part.get("Tags", {}) for part in parts]
    simple = all(set(part) == {"Tags"} and len(part["Tags"].get("Values", ())) == 1 for part in parts)
    usual = (found.get("BudgetType"), found.get("TimeUnit")) == ("COST", "MONTHLY") and not found.get("CostFilters")
    only = {tag["Key"]: tag["Values"][0] for tag in tags} if simple else {}
    return {"only": only, "is_plain": simple and usual}


def plan_budget(desired: DesiredBudget, current: State | None) -> BudgetPlan:
    """The plan from `current`, the result of `read_budget`, to `desired`."""
    has = current["tags"] if current else {}
    to_set, to_delete = compare_aws_tags(has, desired.tags or {}, desired.purge_tags and desired.tags is not None)
    return BudgetPlan(desired, current, to_set, to_delete)


def apply_budget(client: Any, arn: str, plan: BudgetPlan) -> None:
    """Makes the calls that the plan asks for."""
    desired = plan.desired
    if plan.before is None:
        subscribers = _as_api(desired.subscribers)
        alerts = [{"Notification": each.api, "Subscribers": subscribers} for each in sorted(desired.alerts)]
        api.create_budget(client, desired.account, desired.api, alerts, plan.set_tags)
        return
    if plan.updates:
        api.update_budget(client, desired.account, desired.api)
    of = {"AccountId": desired.account, "BudgetName": desired.name}
    for name, given in plan.alert_calls:
        partial(getattr(api, name), client, of)(*given)
    if plan.set_tags:
        api.tag_resource(client, arn, plan.set_tags)
    if plan.delete_tags:
        api.untag_resource(client, arn, plan.delete_tags)


def require_active(client: Any, only: Mapping[str, str]) -> None:
    """Raises InputError for a tag that billing does not sum up by: a budget on it would stay at 0 USD."""
    try:
        found = {each["TagKey"]: each["Status"] for each in list_cost_allocation_tags(client, sorted(only))}
    except NotebookError as error:
        if is_refusal(error, "AccessDeniedException"):
            return  # a member account does not know
        raise
    problems = [
        f"the tag {key} is not active in billing, so the budget would stay at 0 USD; activate it in the account that"
        " pays (datalab.notebooks.cost_allocation_tags), and wait a day"
        for key in only
        if found.get(key) != "Active"
    ]
    if problems:
        raise InputError(problems)


@dataclass
class Budget(Resource[BudgetPlan]):
    """The budget of the module budget."""

    client: Any
    billing: Any  # a client of Cost Explorer
    desired: DesiredBudget
    partition: str

    key = "budget"

    @property
    def arn(self) -> str:
        """The ARN that its tags are set by."""
        return budget_arn(self.partition, self.desired.account, self.desired.name)

    def problems(self) -> list[str]:
        return [f"budget {self.desired.name}: {text}" for text in budget_problems(self.desired)]

    def read(self) -> State | None:
        return read_budget(self.client, self.desired.account, self.arn, self.desired.name)

    def plan(self, current: State | None) -> BudgetPlan:
        plan = plan_budget(self.desired, current)
        if self.desired.only and (current is None or current["only"] != dict(self.desired.only)):
            require_active(self.billing, self.desired.only)
        return plan

    def apply(self, plan: BudgetPlan) -> None:
        apply_budget(self.client, self.arn, plan)

    def delete(self, current: State) -> None:
        api.delete_budget(self.client, self.desired.account, self.desired.name)


def budget_arn(partition: str, account: str, name: str) -> str:
    """The ARN of a budget."""
    return f"arn:{partition}:budgets::{account}:budget/{name}"
