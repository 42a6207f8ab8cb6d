# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The costs of instances in the sandbox: a small price list, and the hours and volumes from the recorded states.

The list is the same in all regions: that of us-east-1. A type that is not in it costs nothing and has no price.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .sagemaker.history import Change

LIST_DATE = "2026-09-24T00:00:00Z"
SERVICE = "Amazon SageMaker"
HOURLY = {
    "ml.t3.medium": 0.05,
    "ml.t3.large": 0.10,
    "ml.m5.large": 0.115,
    "ml.m5.xlarge": 0.23,
    "ml.m5.2xlarge": 0.461,
    "ml.m5.4xlarge": 0.922,
    "ml.r5.4xlarge": 1.21,
    "ml.g4dn.xlarge": 0.736,
    "ml.g5.xlarge": 1.41,
    "ml.p3.2xlarge": 3.825,
}
VOLUME = 0.14  # per GB-month
REGION = re.compile(r"([a-z]+)-(?:[a-z]+-)?([a-z])[a-z]+-([0-9])")
# AWS's table of the billing codes of regions; only those that do not follow from the name.
PREFIXES = {
    "ap-south-1": "APS3",
    "ap-south-2": "APS5",
    "ap-southeast-3": "APS4",
    "ap-southeast-4": "APS6",
    "ap-southeast-5": "APS7",
    "ap-southeast-6": "APS8",
    "ap-southeast-7": "APS9",
    "ca-central-1": "CAN1",
    "ca-west-1": "CAN2",
    "cn-northwest-1": "CNW1",
    "eu-west-1": "EU",
    "us-gov-east-1": "UGE1",
    "us-gov-west-1": "UGW1",
}


@dataclass(frozen=True)
class Usage:
    """The usage of one usage type by one instance on one day."""

    day: date
    account: str
    region: str
    usage_type: str
    tags: tuple[tuple[str, str], ...]
    quantity: float
    cost: float


def prefix(region: str) -> str:
    """Return the prefix of a region's usage types, such as EUC1 for eu-central-1; "" if it is no region's name."""
    found = REGION.fullmatch(region)
    return PREFIXES.get(region) or ("".join(found.groups()).upper() if found else "")


def used(changes: Iterable[Change], now: datetime) -> Iterator[Usage]:
    """Yield all usage until now.

    An instance is billed from InService until StopNotebookInstance is called, its volume from creation to deletion.
    """
    by_arn: dict[str, list[Change]] = {}
    for change in changes:
        by_arn.setdefault(change.detail["NotebookInstanceArn"], []).append(change)
    for own in by_arn.values():
        for change, following in zip(own, [*own[1:], None], strict=True):
            until = following.time if following else now
            yield from _between(change, until)


def _between(change: Change, until: datetime) -> Iterator[Usage]:
    where = prefix(change.region)
    for day, hours in days(change.time, until):
        if change.status == "InService" and change.instance_type in HOURLY:
            cost = hours * HOURLY[change.instance_type]
            yield _usage(change, day, f"{where}-Notebk:{change.instance_type}", hours, cost)
        if change.status not in {"Deleting", "Deleted"}:
            month = hours / 24 / monthrange(day.year, day.month)[1] * change.volume_size
            yield _usage(change, day, f"{where}-Notebk:VolumeUsage.gp2", month, month * VOLUME)


def _usage(change: Change, day: date, usage_type: str, quantity: float, cost: float) -> Usage:
    return Usage(day, change.account, change.region, usage_type, tuple(change.tags.items()), quantity, cost)


def days(begin: datetime, end: datetime) -> Iterator[tuple[date, float]]:
    """Yield each day in UTC between two times, with the hours that belong to it."""
    begin, end = begin.replace(tzinfo=UTC), end.replace(tzinfo=UTC)
    while begin < end:
        midnight = datetime(begin.year, begin.month, begin.day, tzinfo=UTC) + timedelta(days=1)
        yield begin.date(), (min(midnight, end) - begin).total_seconds() / 3600
        begin = midnight
