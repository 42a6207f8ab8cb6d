# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""AWS's bill. It is the only source for shared resources, and a check for the counted costs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from .ledger import PLATFORM, Entry, Whose
from .periods import Period

OF_INSTANCES = "Notebk:"
LATE = 2  # days until Cost Explorer has all of a day
STALE = 4  # days after which its data are not fresh
MOST_DIFFERENT = 0.05

# Shared resources, by the end of the usage type.
KINDS = (
    (r"NatGateway", "NAT gateway"),
    (r"VpcEndpoint", "endpoints"),
    (r"VpcPeering|DataTransfer|InterZone|PublicIPv4", "network traffic and addresses"),
    (r"EFS|ETDataAccess|IADataAccess|TimedStorage-.*EFS", "file systems"),
    (r"TimedStorage|Requests-Tier|StorageObjectCount", "buckets"),
    (r"DataScanned", "Athena queries"),
    (r"KMS", "keys"),
    (r"CW:|VendedLog|DataProcessing-Bytes|TimedStorage-ByteHrs-CW", "logs"),
)


@dataclass(frozen=True)
class Amount:
    """The cost of one usage type for one team on one day."""

    day: date
    team: str  # "" without the tag
    usage_type: str
    usd: float


@dataclass(frozen=True)
class Billed:
    """The answer of Cost Explorer, or the reason why there is none."""

    amounts: Sequence[Amount] = ()
    problem: str = "Cost Explorer was not asked"
    requests: int = 0  # each is paid

    @property
    def until(self) -> date | None:
        """The last day with an amount."""
        return max((amount.day for amount in self.amounts if amount.usd), default=None)

    def is_fresh(self, now: datetime) -> bool:
        """Whether the bill is as recent as Cost Explorer's delay allows."""
        return self.until is not None and (now.astimezone(UTC).date() - self.until).days <= STALE

    def shared(self, period: Period) -> Iterator[Entry]:
        """The shared resources, as lines of the ledger."""
        first, end = period.first.first, period.last.plus(1).first
        for amount in self.amounts:
            if OF_INSTANCES not in amount.usage_type and first <= amount.day < end and amount.usd:
                kind = kind_of(amount.usage_type)
                whose = Whose(PLATFORM, kind, amount.team or PLATFORM)
                yield Entry(amount.day, whose, "", "shared", kind, 0, amount.usd)

    def full_days(self, since: datetime, until: datetime) -> tuple[datetime, datetime] | None:
        """The days of that time that are billed completely; AWS's days begin at midnight UTC."""
        first = (since.astimezone(UTC) + timedelta(days=1, microseconds=-1)).date()
        last = min(until.astimezone(UTC).date() - timedelta(days=LATE), self.until or date.min)
        if last < first:
            return None
        return _at(first), _at(last + timedelta(days=1))

    def of_instances(self, begin: datetime, end: datetime) -> float:
        """The cost of instances and their volumes on these days."""
        return sum(
            amount.usd
            for amount in self.amounts
            if OF_INSTANCES in amount.usage_type and begin.date() <= amount.day < end.date()
        )


def _at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def kind_of(usage_type: str) -> str:
    """What people call a usage type such as USE1-NatGateway-Hours."""
    return next((kind for pattern, kind in KINDS if re.search(pattern, usage_type)), usage_type)


def read_billed(said: Mapping[str, Any]) -> Billed:
    """What cost_info returns; with `problem` in it if it could not be asked."""
    if said.get("problem"):
        return Billed(problem=said["problem"], requests=said.get("requests", 0))
    active = said.get("tags_active", {})
    if not active.get("platform", True):
        return Billed(problem="the tag platform is not active in billing", requests=said.get("requests", 0))
    amounts = [
        Amount(date.fromisoformat(each["day"]), each["key"], each["usage_type"], float(each["amount"]))
        for each in said.get("days", ())
    ]
    problem = "" if any(amount.usd for amount in amounts) else "Cost Explorer has nothing of these days yet"
    return Billed(amounts, problem, said.get("requests", 0))
