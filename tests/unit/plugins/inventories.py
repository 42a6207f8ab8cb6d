# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inventories as plain data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.datalab.notebooks.plugins.plugin_utils.preflight import Wanted, preflight
from ansible_collections.datalab.notebooks.plugins.plugin_utils.problems import problems_message
from ansible_collections.datalab.notebooks.plugins.plugin_utils.roster import Inventory

TEAMS = {"research": ["alice", "bob"], "fraud": ["erin"]}


def inventory(
    teams: Mapping[str, Collection[str]] | None = None,
    *,
    viewers: Collection[str] = (),
    beside: Mapping[str, Collection[str]] | None = None,
    variables: Mapping[str, Mapping[str, Any]] | None = None,
    common: Mapping[str, Any] | None = None,
    shared: Mapping[str, Any] | None = None,
    **more: Any,
) -> Inventory:
    """Return an inventory: teams below owners, other groups beside them, and variables of some hosts."""
    below = TEAMS if teams is None else teams
    owners = list(dict.fromkeys(name for hosts in below.values() for name in hosts))
    groups = {"owners": owners, "viewers": list(viewers), **_lists(below), **_lists(beside or {})}
    hosts = dict.fromkeys(name for names in groups.values() for name in names)
    everybodys = common or {}
    return Inventory(
        groups={"all": list(hosts), **groups},
        children={"owners": list(below)},
        hosts={name: {**everybodys, **(variables or {}).get(name, {})} for name in hosts},
        common=everybodys,
        shared={**everybodys, **(shared or {})},
        **more,
    )


def _lists(groups: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    return {group: list(hosts) for group, hosts in groups.items()}


def wanted(source: Inventory, *hosts: str, leaver: str | None = None) -> Wanted:
    """Return what an inventory without mistakes asks for, for all people or only these."""
    found, problems = preflight(source, ["fleet"], hosts, is_limited=bool(hosts), leaver=leaver)
    assert not problems, problems_message(problems)
    return found


def told(
    source: Inventory, *hosts: str, sections: Collection[str] = ("fleet",), leaver: str | None = None
) -> list[str]:
    """Return the mistakes of an inventory, as `about: text`, of all people or only these."""
    _wanted, problems = preflight(source, sections, hosts, is_limited=bool(hosts), leaver=leaver)
    return [f"{problem.about}: {problem.text}" for problem in problems]
