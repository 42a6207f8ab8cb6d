# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Mistakes in the settings of the role platform_costs that its argument specs cannot express."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from math import inf
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.common.service_model import meant
from ansible_collections.datalab.notebooks.plugins.plugin_utils.botocore_data import load_service_model
from ansible_collections.datalab.notebooks.plugins.plugin_utils.budgets import (
    OF_ALL,
    VARIABLE,
    enforced_teams,
    read_limit,
    said_budget_problems,
    team_budget_problems,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.periods import read_period, read_zone
from ansible_collections.datalab.notebooks.plugins.plugin_utils.problems import hint, shown

from .tags import tag_problems

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,47}")  # with -instances, what EventBridge takes
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}")


def problems(settings: Mapping[str, Any], teams: Collection[str], role_arn: str = "") -> Iterator[str]:
    """One sentence for each mistake in these settings, whose types have been checked; `teams` are all teams.

    `role_arn` is platform_access_role_arn.
    """
    if not NAME.fullmatch(settings["name"]):
        yield (
            f"platform_costs_name is {shown(settings['name'])}; it must be letters, digits and _.-, 48 at most, since a"
            " rule and budgets are named after it"
        )
    if settings["events_days"] not in DAYS:
        choices = ", ".join(map(str, DAYS))
        yield f"platform_costs_events_days is {settings['events_days']}; CloudWatch Logs takes {choices}"
    topic = settings["topic_arn"]
    if topic and not TOPIC.fullmatch(topic):
        yield f"platform_costs_topic_arn is {shown(topic)}; it must be the ARN of a topic of SNS, without .fifo"
    if topic and settings["topic"]:
        yield "platform_costs_topic is true and platform_costs_topic_arn names a topic; remove one of them"
    listened = topic or ("a topic that is made" if settings["topic"] else "")
    if not read_zone(settings["timezone"]):
        yield (
            f"platform_costs_timezone is {shown(settings['timezone'])}, which this machine does not know; it must be"
            " the name of a time zone such as Europe/Berlin"
        )
    for team, values in settings["teams"].items():
        if team not in teams:
            known = ", ".join(sorted(teams)) or "none"
            yield f"{VARIABLE} has {shown(team)}, which is not a team{hint(str(team), teams, f'there are {known}')}"
        yield from team_budget_problems(str(team), values, listened)
    if settings["budget"]:
        yield from said_budget_problems(OF_ALL, settings["budget"], listened)
    yield from _enforcement_problems(settings, teams, listened, role_arn)
    yield from price_problems(settings["prices"])
    yield from tag_problems("platform_costs_tags", settings["tags"])


def _enforcement_problems(
    settings: Mapping[str, Any], teams: Collection[str], listened: str, role_arn: str
) -> Iterator[str]:
    enforced = enforced_teams(settings)
    for team in sorted(teams) if enforced else ():
        if team == "budgets" or team.startswith("over-budget-"):
            yield (
                f"{VARIABLE}: a team has enforce, for which the platform creates roles and policies, and one of them"
                f" would have the name of one of the team {shown(team)}; rename that team"
            )
    for team in enforced:
        if role_arn:
            yield (
                f"{VARIABLE}: {shown(team)} has enforce, and with platform_access_role_arn there are no groups"
                " to which AWS could deny anything; remove one of them"
            )
        if not (settings["teams"][team].get("emails") or listened):
            yield (
                f"{VARIABLE}: {shown(team)} has enforce, which needs a receiver of notifications; set"
                " emails for it, or platform_costs_topic"
            )


def month_problems(month: Any, timezone: str, now: datetime) -> Iterator[str]:
    """Mistakes in the months of a report; the spec refuses values that are not text."""
    period = read_period(month, read_zone(timezone) or UTC, now) if isinstance(month, str) else None
    if isinstance(period, str):
        yield f"costs_month is {shown(month)}; {period}"


def price_problems(prices: Mapping[Any, Any]) -> Iterator[str]:
    """Mistakes in private rates."""
    types = load_service_model().shape_for("InstanceType").metadata["enum"]
    for key, value in prices.items():
        if key != "volume" and key not in types:
            yield f"platform_costs_prices has {shown(key)}, which botocore does not know; {meant(str(key), types)}"
        price = read_limit(value)
        if price is None or not 0 <= price < inf:
            yield f"platform_costs_prices: {shown(key)} is {shown(value)}; it must be a number of USD, at least 0"
