# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measure what autostop saves, by its rule and by the program itself, on a made-up trace and on the published one.

DATALAB_TRACE names the file of the published trace. The tables of docs/savings.md are written to build/savings.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from . import activity, replay, rule
from .activity import HOUR, MINUTE, Trace
from .rule import Bill, Policy, Saved, bills, saved, total

LIMIT = 60 * MINUTE
FORGETS = 0.25
BASELINES: dict[str, Policy] = {
    "never stopped": rule.never,
    "people who forget 25%": rule.owner(FORGETS),
    "20:00": rule.evening,
}
POLICIES: dict[str, Policy] = {
    "never stopped": rule.never,
    **{f"people stop it, and forget {share:.0%}": rule.owner(share) for share in (0.1, FORGETS, 0.5)},
    "what is idle at 20:00 is stopped": rule.evening,
    **{f"autostop, {limit} minutes": rule.autostop(limit * MINUTE) for limit in (15, 30, 60, 120, 240)},
    "60 minutes, and 10% say `never`": rule.autostop(LIMIT, exempt=0.1),
    "60 minutes, and people who forget 25% stop it as before": rule.either(rule.owner(FORGETS), rule.autostop(LIMIT)),
    "off whenever nothing runs": rule.perfect,
}
PROGRAM = {f"**the program itself, {limit} minutes**": limit * MINUTE for limit in (30, 60)}
BEFORE: dict[str, Policy] = {
    **{f"forgot {share:.0%}": rule.owner(share) for share in (0.0, 0.05, 0.1, FORGETS, 0.5, 0.75, 1.0)},
    "stopped it two hours after they left": rule.owner(0, leaves=2 * HOUR),
    "stopped what was idle at 20:00": rule.evening,
}


def traces() -> dict[str, Trace]:
    """Return the traces to measure on, by name."""
    published = os.environ.get("DATALAB_TRACE")
    return {"made-up": activity.synthetic(), **({"published": activity.read(Path(published))} if published else {})}


def measure() -> dict[str, Any]:
    """Return the share of the hours that each policy saves against each baseline; write the tables."""
    results, pages = dict[str, Any](), []
    for name, trace in traces().items():
        costs = costs_of(trace)
        shares = shares_of(trace, costs)
        results[name] = {row: {key: vars(share) for key, share in each.items()} for row, each in shares.items()}
        pages += [f"## The {name} trace\n", *table(trace, costs, shares), "", *claims(trace), ""]
    target = Path(__file__).parents[3] / "build" / "savings.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text("\n".join(pages), encoding="utf-8")
    print("\n".join(pages))
    return results


def costs_of(trace: Trace) -> dict[str, list[Bill]]:
    """Return what each instance costs by each policy, and by the program."""
    by_rule = {row: bills(trace, policy) for row, policy in POLICIES.items()}
    return {**by_rule, **{row: by_program(trace, limit) for row, limit in PROGRAM.items()}}


def by_program(trace: Trace, limit: int) -> list[Bill]:
    """Return what each instance costs by the program, with a limit in seconds."""
    late = replay.punctual(1)
    return [replay.bill_of(replay.replay(intervals, {"limit": limit}, late)) for intervals in trace]


def shares_of(trace: Trace, costs: Mapping[str, list[Bill]]) -> dict[str, dict[str, Saved]]:
    """Return the share that each policy saves against each baseline."""
    baselines = {name: bills(trace, policy) for name, policy in BASELINES.items()}
    return {row: {name: saved(mine, base) for name, base in baselines.items()} for row, mine in costs.items()}


def table(trace: Trace, costs: Mapping[str, list[Bill]], shares: Mapping[str, Mapping[str, Saved]]) -> Iterator[str]:
    """Yield a summary of the trace and the table of the policies, in Markdown."""
    never, weeks = total(costs["never stopped"]).on, rule.weeks(trace)
    yield (
        f"{len(trace)} instances, {never / HOUR:,.0f} hours from their first activity to their last one, in "
        f"{sum(map(rule.busy, trace)) / never:.1%} of which something ran; {weeks} instance-weeks.\n"
    )
    yield f"| | hours | {' | '.join(f'against {name}' for name in BASELINES)} | stops a week | of them in a break |"
    yield "|---|---|---|---|---|---|---|"
    for row, mine in costs.items():
        sums = total(mine)
        cells = [f"{sums.on / HOUR:,.0f}", *map(str, shares[row].values())]
        yield f"| {' | '.join([row, *cells, f'{sums.stops / weeks:.1f}', f'{sums.breaks / weeks:.1f}'])} |"


def claims(trace: Trace) -> Iterator[str]:
    """Yield, in Markdown, what autostop really saves and what a report can claim, for several habits of people."""
    yield "| people | saved by autostop after 60 minutes | had it run until they were back | had it run until 20:00 |"
    yield "|---|---|---|---|"
    for name, before in BEFORE.items():
        mine = bills(trace, rule.either(before, rule.autostop(LIMIT)))
        cells = [str(saved(mine, bills(trace, before)))]
        for until in (rule.never, rule.evening):
            more = sum(rule.claim(intervals, before, LIMIT, until) for intervals in trace)
            cells.append(f"{more / (total(mine).on + more):.1%}")
        yield f"| {' | '.join([name, *cells])} |"
    kept, texts = activity.kept(trace), []
    for forgets in (FORGETS, 1.0):
        before = rule.owner(forgets)
        mine = bills(kept, rule.either(before, rule.autostop(LIMIT)))
        texts.append(f"{saved(mine, bills(kept, before))} for people who forgot {forgets:.0%}")
    yield f"\nCounted until the month ends, it is {' and '.join(texts)}."
