# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A made-up platform of some people who have worked for two months: the input of a report."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.billed import Amount, Billed
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.facts import Facts, Prices, Usage, Wish
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.ledger import Managed, Rates
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.lives import Event, Instance
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.periods import Month, Period
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.saved import Line

NOW = datetime(2026, 11, 26, 6, tzinfo=UTC)
SINCE = datetime(2026, 9, 20, tzinfo=UTC)
NOVEMBER = Period(Month(2026, 11), Month(2026, 11), UTC)
NAMES = (
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi",
    "ivan", "judy", "karl", "laura", "mallory", "niaj", "olivia", "peggy",
    "quentin", "rupert", "sybil", "trent", "ursula", "victor", "wendy", "xavier",
    "yasmin", "zoe", "amir", "bela", "chen", "dora", "emil", "fatima",
    "george", "hana", "igor", "jana", "kofi", "lena", "marek", "nadia",
)  # fmt: skip
TEAMS = ("research", "fraud", "pricing", "interns")
KINDS = {"ml.t3.medium": 0.05, "ml.m5.xlarge": 0.23, "ml.g4dn.xlarge": 0.736, "ml.g5.xlarge": 1.41}
RATES = Rates(KINDS, 0.14)
BUDGETS = {"research": 600.0, "fraud": 250.0, "pricing": 650.0, "interns": 100.0}
HOUR = timedelta(hours=1)
SHARED = {"USE1-NatGateway-Hours": 1.25, "USE1-VpcEndpoint-Hours": 4.8, "USE1-TimedStorage-ByteHrs": 0.4}


@dataclass
class Platform:
    """The input of a report."""

    chance: random.Random
    instances: list[Instance] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    people: dict[str, tuple[str, str]] = field(default_factory=dict)
    wishes: dict[str, Wish] = field(default_factory=dict)

    def add(self, name: str, team: str, kind: str, *, days: list[date], never: bool = False) -> None:
        """Add a person who works on these days."""
        instance, volume = f"datalab-{name}", self.chance.choice([20, 50, 100])
        tags = {"owner": name, "team": team, "platform": "datalab", **({"idle": "never"} if never else {})}
        self.people[instance], self.wishes[instance] = (name, team), Wish(kind, volume, 3600)
        modified, status = SINCE - timedelta(days=30), "Stopped"
        for begin, end in self._runs(days, never):
            said = Event(begin, instance, "InService", kind, tags, volume)
            self.events.append(said)
            modified, status = begin, "InService"
            if end < NOW:
                if not self.chance.random() < 0.2:
                    self.lines.append(Line(end - timedelta(seconds=20), instance, "stop", "idle 3,612 s > 3,600 s"))
                self.events.append(replace(said, at=end, status="Stopping"))
                modified, status = end, "Stopped"
        self.instances.append(Instance(instance, status, kind, SINCE - timedelta(days=90), modified, tags, volume))

    def _runs(self, days: list[date], never: bool) -> Iterator[tuple[datetime, datetime]]:
        for day in days:
            begin = datetime(day.year, day.month, day.day, 8, tzinfo=UTC) + HOUR * self.chance.uniform(0, 3)
            begin = begin.replace(microsecond=0)
            if begin < NOW:
                yield begin, NOW + HOUR if never else begin + timedelta(seconds=self.chance.randrange(7000, 34000))
            if never:
                return

    def facts(self, period: Period = NOVEMBER) -> Facts:
        """Return the facts for a report."""
        days = [SINCE.date() + timedelta(days=number) for number in range((NOW.date() - SINCE.date()).days - 1)]
        shared = [Amount(day, "platform", kind, usd) for day in days for kind, usd in SHARED.items()]
        facts = Facts(
            period,
            NOW,
            Managed("datalab", self.people),
            self.instances,
            Usage(sorted(self.events, key=lambda event: event.at), self.lines, SINCE),
            Prices(RATES, "us-east-1", "2026-09-24", "price list"),
            budgets=BUDGETS,
            wishes=self.wishes,
        )
        ours = facts.between(SINCE, datetime(2026, 11, 25, tzinfo=UTC))
        counted = [
            Amount(entry.day, entry.whose.team, f"USE1-Notebk:{entry.kind}", (entry.usd or 0) * 1.01)
            for entry in ours
            if entry.whose.kind != "unmanaged"
        ]
        return replace(facts, billed=Billed([*shared, *counted], "", 2))


def platform(people: int = 40, teams: int = 4, seed: int = 3) -> Platform:
    """A platform of this many people, a viewer, an unmanaged instance, one that never stops and an unused one."""
    made = Platform(random.Random(seed))  # noqa: S311
    workdays = [
        day for number in range(67) if (day := SINCE.date() + timedelta(days=number)).weekday() < 5 and day < NOW.date()
    ]
    for number in range(people):
        name = NAMES[number] if number < len(NAMES) else f"person{number}"
        team = TEAMS[number % teams] if teams <= len(TEAMS) else f"team{number % teams}"
        kind = "ml.t3.medium" if team == "interns" else made.chance.choice([*["ml.t3.medium"] * 3, *KINDS])
        days = [day for day in workdays if made.chance.random() < 0.75]
        if name == "bela":
            days = [day for day in days if day.month < 10]
        made.add(name, team, kind, days=days, never=name == "trent")
    tags = {"team": "platform", "platform": "datalab"}
    since = SINCE - timedelta(days=40)
    made.people["datalab-viewer"] = ("viewer", "")
    made.instances += [
        Instance("datalab-viewer", "InService", "ml.t3.medium", since, since, tags, 20),
        Instance("experiment", "InService", "ml.g5.xlarge", NOW - 9 * 24 * HOUR, NOW - 9 * 24 * HOUR, {}, 100),
    ]
    made.wishes["datalab-niaj"] = Wish("ml.g5.xlarge", 100, 3600)
    return made
