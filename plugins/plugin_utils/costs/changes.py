# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The price of a change: an hour, and a month with last month's hours. A missing price is never shown as 0. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .ledger import Rates

NO_PRICE = "no price"
REMEDY = "; platform_costs_prices takes one"
TYPE, VOLUME = "instance_type", "volume_size_in_gb"
RUNS = ("started", "restarted")


@dataclass(frozen=True)
class Known:
    """The known prices and hours, to price a change."""

    rates: Rates = field(default_factory=lambda: Rates({}))
    hours: Mapping[str, float] = field(default_factory=dict)  # of last month, by instance

    @property
    def usual_hours(self) -> float:
        """The mean hours of all instances, taken for a new one."""
        return sum(self.hours.values()) / len(self.hours) if self.hours else 0


class Machine(NamedTuple):
    """The parts of an instance that cost something; None for no instance."""

    kind: str | None = None
    volume: int | None = None


def price_of(before: Machine, after: Machine, known: Known, instance: str = "") -> str:
    """The price of a change, for the end of its line; "" if it costs nothing.

    Without a volume before and with one after, the instance is new.
    """
    texts = []
    if before.kind != after.kind:
        texts.append(_an_hour(before, after, known, instance))
    if before.volume != after.volume:
        texts.append(_a_month(before.volume, after.volume, known.rates.volume))
    unknown = [text.startswith(NO_PRICE) for text in texts]
    told = NO_PRICE if texts and all(unknown) else ", ".join(texts)
    return f"{told}{REMEDY}" if any(unknown) else told


def _an_hour(before: Machine, after: Machine, known: Known, instance: str) -> str:
    prices = known.rates.instances
    if any(kind and kind not in prices for kind in (before.kind, after.kind)):
        return NO_PRICE
    usd = (prices[after.kind] if after.kind else 0) - (prices[before.kind] if before.kind else 0)
    is_new = before == Machine() and after.volume is not None
    month = _a_month_of_hours(usd, known.usual_hours, "the hours of the others") if is_new else ""
    if before.kind and after.kind:
        month = _a_month_of_hours(usd, known.hours.get(instance, 0), "last month's hours")
    return f"{usd:+,.{_digits(usd)}f} USD/h{month}"


def _a_month_of_hours(usd: float, hours: float, whose: str) -> str:
    return f", about {usd * hours:+,.0f} a month at {whose}" if hours else ""


def _digits(usd: float) -> int:
    """The digits after the point: all that the price has, and at least two."""
    return 2 if abs(usd - round(usd, 2)) < 5e-7 else 4


def _a_month(before: int | None, after: int | None, price: float | None) -> str:
    if price is None:
        return f"{NO_PRICE} for the volume"
    return f"{((after or 0) - (before or 0)) * price:+,.2f} USD a month for the volume"


def price_of_outcome(outcome: Mapping[str, Any], known: Known | None) -> str:
    """The change of price by what a run did to an instance, or would do; "" if no price is known."""
    if not known:
        return ""
    before, after, name = outcome["before"], outcome["after"], outcome["name"]
    if before.get("state") == "absent":
        return price_of(Machine(), Machine(after.get(TYPE), after.get(VOLUME)), known)
    kind = outcome.get(TYPE)
    if after.get("state") == "absent":
        return price_of(Machine(kind), Machine(), known)
    if TYPE not in after and VOLUME not in after and after.get("state") in ("started", "stopped"):
        machines = (Machine(kind), Machine())
        return price_of(*(machines if after["state"] == "stopped" else machines[::-1]), known)
    return price_of(_machine(before), _machine(after), known, name)


def price_of_pending(outcome: Mapping[str, Any], known: Known | None) -> str:
    """The price of changes that wait for a stop."""
    waits = outcome["pending"]
    before, after = (_machine({key: each[when] for key, each in waits.items()}) for when in ("before", "after"))
    return price_of(before, after, known, outcome["name"]) if known else ""


def _machine(settings: Mapping[str, Any]) -> Machine:
    return Machine(settings.get(TYPE), settings.get(VOLUME))
