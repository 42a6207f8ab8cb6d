# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The sources of a report's figures, and doubts about them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta

from .billed import MOST_DIFFERENT
from .facts import Facts, time_of
from .ledger import UNMANAGED, entries_of, total, unpriced


def sources(facts: Facts) -> Iterator[str]:
    """The counted hours and AWS's bill, for the page's second line."""
    what = "CloudTrail's records of calls" if facts.usage.source == "cloudtrail" else "AWS's events"
    if facts.usage.since is None:
        yield "no events yet: nothing is counted"
    elif facts.usage.since >= facts.until:
        yield f"nothing was recorded before {time_of(facts.usage.since, facts)}: no hours are counted"
    elif facts.usage.since > facts.period.begin:
        yield f"counted since {time_of(facts.since, facts)} from {what}: what ran before is not in it"
    else:
        yield f"counted from {what}"
    yield from _billed(facts)


def _billed(facts: Facts) -> Iterator[str]:
    billed = facts.billed
    if billed.problem:
        yield f"{billed.problem}: network, file systems and buckets are not in it"
        return
    if not billed.is_fresh(facts.until):
        yield f"what AWS has billed is old: it ends on {billed.until}"
    compared = _compared(facts)
    if compared:
        until, theirs, ours = compared
        yield (
            f"billed by AWS from {max(facts.since.date(), facts.period.first.first)} to {until} for instances and"
            f" volumes: {theirs:,.2f}, counted here: {ours:,.2f}{f' ({ours / theirs - 1:+.1%})' if theirs else ''}"
        )


def _compared(facts: Facts) -> tuple[str, float, float] | None:
    """The cost of instances and volumes on the days that AWS has billed: the last day, AWS's amount, and ours."""
    days = facts.billed.full_days(facts.since, facts.until)
    if not days:
        return None
    lines = entries_of(facts.lives, facts.prices.rates, facts.managed, *days, UTC)
    ours = total(entry for entry in lines if entry.whose.kind != UNMANAGED)  # only what has our tag is read
    return str((days[1] - timedelta(days=1)).date()), facts.billed.of_instances(*days), ours


def warnings(facts: Facts) -> Iterator[str]:
    """The teams that are denied now, and doubts about figures."""
    yield from facts.denied if facts.is_current else ()
    compared = None if facts.billed.problem else _compared(facts)
    if compared:
        until, theirs, ours = compared
        if abs(theirs - ours) > MOST_DIFFERENT * max(theirs, ours):
            yield (
                f"AWS has billed {theirs:,.2f} USD for instances and volumes until {until}, and {ours:,.2f} were"
                " counted: a discount, private rates that are not in platform_costs_prices, or events that were lost"
            )
    missing = [kind for kind in unpriced(facts.entries) if kind != "volume"]
    if missing:
        yield f"no price is known for {', '.join(missing)}: hours are counted, and no USD; set platform_costs_prices"
    if "volume" in unpriced(facts.entries):
        yield "for some volumes neither events nor the inventory tell the size, or there is no price: no USD for them"
