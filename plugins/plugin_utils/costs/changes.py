# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""What a change of instances costs: an hour, and a month at the hours of last month. No price is never 0. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .ledger import Rates

NO_PRICE = "no price"
TYPE, VOLUME = "instance_type", "volume_size_in_gb"
RUNS = ("started", "restarted")


@dataclass(frozen=True)
class Known:
    """What is known of prices and hours where a change is shown."""

    rates: Rates = field(default_factory=lambda: Rates({}))
    hours: Mapping[str, float] = field(default_factory=dict)  # of last month, by instance


class Machine(NamedTuple):
    """What is paid of an instance; None is nothing."""

    kind: str | None = None
    volume: int | None = None


def price_of(before: Machine, after: Machine, known: Known, instance: str = "") -> str:
    """What the change from one to the other costs, for the end of a line about it; "" if it costs nothing."""
    texts = []
    if before.kind != after.kind:
        texts.append(_an_hour(before.kind, after.kind, known, instance))
    if before.volume != after.volume:
        texts.append(_a_month(before.volume, after.volume, known.rates.volume))
    is_known = not all(text.startswith(NO_PRICE) for text in texts)
    return ", ".join(texts) if is_known else NO_PRICE if texts else ""


def _an_hour(before: str | None, after: str | None, known: Known, instance: str) -> str:
    prices = known.rates.instances
    if any(kind and kind not in prices for kind in (before, after)):
        return NO_PRICE
    usd = (prices[after] if after else 0) - (prices[before] if before else 0)
    hours = known.hours.get(instance)
    month = f", about {usd * hours:+,.0f} a month at last month's hours" if hours and before and after else ""
    return f"{usd:+,.{_digits(usd)}f} USD/h{month}"


def _digits(usd: float) -> int:
    """As many as the price has, two at least."""
    return 2 if abs(usd - round(usd, 2)) < 5e-7 else 4


def _a_month(before: int | None, after: int | None, price: float | None) -> str:
    if price is None:
        return f"{NO_PRICE} for the volume"
    return f"{((after or 0) - (before or 0)) * price:+,.2f} USD a month for the volume"


def price_of_outcome(outcome: Mapping[str, Any], known: Known | None) -> str:
    """What becomes dearer or cheaper by what was done to an instance, or would be; "" if no price is to be told."""
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
    """The same of what waits."""
    waits = outcome["pending"]
    before, after = (_machine({key: each[when] for key, each in waits.items()}) for when in ("before", "after"))
    return price_of(before, after, known, outcome["name"]) if known else ""


def _machine(settings: Mapping[str, Any]) -> Machine:
    return Machine(settings.get(TYPE), settings.get(VOLUME))
