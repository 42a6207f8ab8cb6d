# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Decisions for a team lead, the most expensive first, each with the command to type. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.common.words import counted

from .changes import Known, Machine, price_of
from .facts import Facts
from .ledger import PLATFORM
from .lives import ON, Instance
from .periods import MONTH_HOURS

UNUSED = timedelta(days=30)


def decisions(facts: Facts, teams: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """All decisions."""
    found = [*_unmanaged(facts), *_endless(facts), *_volumes(facts), *_budgets(teams)]
    return sorted(found, key=lambda each: -(each["usd"] or 0))


def _decision(what: str, who: str, since: str, usd: float | None, do: str) -> dict[str, Any]:
    return {"what": what, "who": who, "since": since, "usd": usd, "do": do}


def _unmanaged(facts: Facts) -> Iterator[dict[str, Any]]:
    people = {person for person, _team in facts.managed.people.values()}
    for each in facts.instances:
        if each.name not in facts.managed.people and each.status in ON:
            owner = each.tags.get("owner", "")
            adopt = f"host_vars/{owner}.yml: notebook_name: {each.name}; or " if owner in people else ""
            do = f"{adopt}aws sagemaker stop-notebook-instance --notebook-instance-name {each.name}"
            what = f"{each.instance_type} runs and is unmanaged"
            yield _decision(what, each.name, _days(facts, each), _a_month(facts, each), do)


def _endless(facts: Facts) -> Iterator[dict[str, Any]]:
    """Running instances that autostop will not stop, without viewers."""
    for each in facts.instances:
        wish, tag = facts.wishes.get(each.name), each.tags.get("idle")
        whose = facts.managed.whose(each.name, each.tags)
        if each.status not in ON or not wish or whose.team == PLATFORM:
            continue
        if tag in ("never", "0") or (not wish.idle and not (tag and tag.isdecimal())):
            why = f"tag idle={tag}" if tag else "its lifecycle configuration has no autostop"
            do = f"ask {whose.name} to set the tag idle=14400: four hours keep it through what a night computes"
            what = f"{each.instance_type} never stops: {why}"
            yield _decision(what, f"{whose.name} ({whose.team})", _days(facts, each), _a_month(facts, each), do)


def idle_volumes(facts: Facts) -> dict[str, float]:
    """USD a month of the volumes of instances that were not started for a month, without those that have no price."""
    price = facts.prices.rates.volume
    return {
        each.name: each.volume * price
        for each in facts.instances
        if price is not None and each.volume and _is_unused(facts, each)
    }


def _is_unused(facts: Facts, each: Instance) -> bool:
    return each.status not in ON and facts.now - _last_used(facts, each) >= UNUSED


def _last_used(facts: Facts, each: Instance) -> Any:
    ends = [run.end for life in facts.lives_of(each.name) for run in life.runs(each.created, facts.now)]
    return max([each.created, *ends]) if facts.usage.events else max(each.created, each.modified)


def _volumes(facts: Facts) -> Iterator[dict[str, Any]]:
    for name, usd in idle_volumes(facts).items():
        each, whose = facts.there[name], facts.managed.whose(name, facts.there[name].tags)
        days = counted((facts.now - _last_used(facts, each)).days, "day")
        person, _team = facts.managed.people.get(name, ("", ""))
        do = f"datalab.notebooks.offboard -l {person} -e offboard_remove=instance"
        if not person:
            do = f"aws sagemaker delete-notebook-instance --notebook-instance-name {name}"
        who = f"{whose.name} ({whose.team})"
        yield _decision(f"{each.volume} GiB volume, not started", who, days, usd, do)


def _budgets(teams: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for team in teams:
        budget, expected = team["budget"], team["forecast"] if team["forecast"] is not None else team["total"]
        if budget and expected > budget:
            by = "" if team["total"] > budget else ", by the forecast"
            what = f"budget of {budget:,.0f} is passed by {expected - budget:,.0f}{by}"
            do = f"platform_costs_teams: {team['name']}: budget, or the largest instances below"
            yield _decision(what, team["name"], "", expected, do)


def pending(facts: Facts, last_hours: Mapping[str, float]) -> list[dict[str, Any]]:
    """Changes that wait for a stop, with their price."""
    known = Known(facts.prices.rates, last_hours)
    found = []
    for name, wish in facts.wishes.items():
        each = facts.there.get(name)
        if each and wish.instance_type not in ("", each.instance_type):
            whose = facts.managed.whose(name, each.tags)
            price = price_of(Machine(each.instance_type), Machine(wish.instance_type), known, name)
            change = f"{each.instance_type} → {wish.instance_type}"
            found.append({"who": whose.name, "team": whose.team, "change": change, "price": price})
    return found


def _days(facts: Facts, each: Instance) -> str:
    runs = [run for life in facts.lives_of(each.name) for run in life.runs(each.created, facts.now)]
    since = runs[-1].begin if runs and not runs[-1].is_over else each.modified
    return counted((facts.now - since).days, "day")


def _a_month(facts: Facts, each: Instance) -> float | None:
    """The cost of the instance in a month if it keeps running."""
    rates = facts.prices.rates
    price = rates.instances.get(each.instance_type)
    if price is None:
        return None
    return price * MONTH_HOURS + (each.volume or 0) * (rates.volume or 0)
