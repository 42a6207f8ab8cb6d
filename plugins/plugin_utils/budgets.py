# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The budgets in platform_costs_budget and platform_costs_teams. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.budgets.action import APPROVALS
from ansible_collections.datalab.notebooks.plugins.module_utils.budgets.budget import (
    Alert,
    DesiredBudget,
    address_problems,
    budget_problems,
)

from .problems import hint, shown

VARIABLE = "platform_costs_teams"
OF_ALL = "platform_costs_budget"
KEYS = ("budget", "alerts", "emails")
OF_TEAM = (*KEYS, "enforce", "enforce_at")
ENFORCED = ("never", *APPROVALS)
ALERT = re.compile(r"(?P<forecast>forecast +)?(?P<threshold>[0-9]+(\.[0-9]+)?) *%?")


def read_alert(value: Any) -> Alert | None:
    """An alert such as 80 or forecast 100; None for any other value."""
    found = None if isinstance(value, bool) else ALERT.fullmatch(str(value).strip())
    return Alert(float(found["threshold"]), bool(found["forecast"])) if found else None


def read_limit(value: Any) -> float | None:
    """A number of USD; None if it is none."""
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def team_budget_problems(team: str, settings: Any, topic_arn: str) -> Iterator[str]:
    """One sentence for each mistake in the budget of a team."""
    yield from said_budget_problems(f"{VARIABLE}: {shown(team)}", settings, topic_arn, OF_TEAM)


def said_budget_problems(about: str, settings: Any, topic_arn: str, keys: tuple[str, ...] = KEYS) -> Iterator[str]:
    """One sentence for each mistake in a budget; `about` names its variable."""
    if not isinstance(settings, Mapping):
        example = "{budget: 1200, alerts: [80, forecast 100], emails: [lead@example.org]}"
        yield f"{about} is {shown(settings)}; it must have a budget, for example {example}"
        return
    for key in settings:
        if key not in keys:
            otherwise = f"there are {', '.join(keys)}"
            yield f"{about}: {shown(key)} is not known{hint(str(key), keys, otherwise)}"
    limit = read_limit(settings.get("budget"))
    if limit is None:
        yield f"{about}: budget is {shown(settings.get('budget'))}; it must be a number of USD a month, more than 0"
    yield from (f"{about}: {text}" for text in _enforcement_problems(settings))
    lists = {key: settings.get(key, []) for key in ("alerts", "emails")}
    wrong = [key for key, value in lists.items() if not isinstance(value, list)]
    yield from (f"{about}: {key} is {shown(lists[key])}; it must be a list" for key in wrong)
    unread = [each for each in lists["alerts"] if read_alert(each) is None] if "alerts" not in wrong else []
    for each in unread:
        yield f"{about}: alerts has {shown(each)}; it must be a number of per cent, or such as forecast 100"
    if limit is not None and not wrong and not unread:
        wrong_budget = budget_problems(desired_budget("x", settings, topic_arn=topic_arn))
        yield from (f"{about}: {_in_words_of_the_role(text)}" for text in wrong_budget)
    elif "emails" not in wrong:
        yield from (f"{about}: {text}" for text in address_problems(tuple(map(str, lists["emails"]))))


def _enforcement_problems(settings: Mapping[str, Any]) -> Iterator[str]:
    enforce, share = settings.get("enforce", "never"), read_limit(settings.get("enforce_at", 100))
    if enforce not in ENFORCED:
        yield f"enforce is {shown(enforce)}; it must be {', '.join(ENFORCED[:-1])} or {ENFORCED[-1]}"
    if share is None or not 0 < share < inf:
        yield f"enforce_at is {shown(settings['enforce_at'])}; it must be a number of per cent, more than 0"


def enforced_teams(settings: Mapping[str, Any]) -> dict[Any, Any]:
    """The teams that are denied to start instances once their budget is spent, and who decides on it."""
    chosen = {
        team: said.get("enforce", settings["enforce"])
        for team, said in settings["teams"].items()
        if isinstance(said, Mapping)
    }
    return {team: enforce for team, enforce in chosen.items() if enforce != "never"}


def _in_words_of_the_role(text: str) -> str:
    return text.replace("limit is", "budget is").replace("topic_arn", "platform_costs_topic_arn")


def desired_budget(name: str, settings: Mapping[str, Any], *, account: str = "", **more: Any) -> DesiredBudget:
    """The budget of a team whose settings have no mistakes."""
    alerts = [read_alert(each) for each in settings.get("alerts", [])]
    return DesiredBudget(
        name,
        account,
        limit=read_limit(settings["budget"]) or 0,
        alerts=tuple(alert for alert in alerts if alert),
        emails=tuple(map(str, settings.get("emails", []))),
        purge_tags=False,
        **more,
    )
