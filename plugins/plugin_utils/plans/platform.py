# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The plans of all sections: each gets the results of those before it. Pure: AWS was read before."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..desired import Place
from ..preflight import SHARED, Wanted, group_problems, of_access, owners_of, tool_keys, uses_tools_bucket
from ..problems import EVERYBODY, Problem
from .access import plan_access, plan_access_removal
from .access import wanted_to_read as access_to_read
from .costs import plan_costs, plan_costs_removal
from .costs import wanted_to_read as costs_to_read
from .network import plan_network, plan_network_removal
from .network import wanted_to_read as network_to_read
from .section import SectionPlan
from .storage import plan_storage, plan_storage_removal
from .storage import wanted_to_read as storage_to_read
from .storage_tools import tools_to_read, with_tools

Plans = dict[str, SectionPlan]
Found = Mapping[str, Any]


def to_read(wanted: Wanted, sections: Collection[str], given_by: Collection[str], removal: bool) -> dict[str, Any]:
    """The request for platform_read; of the sections in `given_by` only what gives their ids."""
    names = [person["name"] for person in owners_of(wanted)]
    parts = {
        "network": lambda how: network_to_read(wanted.settings["network"], **how),
        "storage": lambda how: {
            **storage_to_read(wanted.settings["storage"], people=names, **how),
            "tools_bucket": tools_to_read(wanted.settings["storage"], None if removal else _tools(wanted), **how),
        },
        "access": lambda how: access_to_read(wanted.settings["access"], people=owners_of(wanted), **how),
        "costs": lambda how: costs_to_read(
            wanted.settings["costs"], access=wanted.settings["access"], removal=how["removal"]
        ),
    }
    asked = {
        section: parts[section]({"removal": removal, "ids_only": section in given_by})
        for section in SHARED
        if section in sections or section in given_by
    }
    return {**asked, **({"lifecycle_configs": True} if removal and "fleet" in sections else {})}


def plan_platform(wanted: Wanted, found: Found) -> Plans:
    """The plans of the sections that were read."""
    plans: Plans = {}
    if "network" in found:
        plans["network"] = plan_network(
            wanted.settings["network"], found["network"], account=found["account"], buckets=_buckets(wanted)
        )
    network = plans["network"].ids if "network" in plans else None
    if "storage" in found:
        storage = plan_storage(
            wanted.settings["storage"],
            found["storage"],
            people=[person["name"] for person in owners_of(wanted)],
            network=network,
            account=found["account"],
            access_name=wanted.settings["access"]["name"],
        )
        plans["storage"] = with_tools(
            storage, wanted.settings["storage"], found["storage"], _tools(wanted), found["account"]
        )
    if "access" in found:
        plans["access"] = plan_access(
            wanted.settings["access"], found["access"], network=network, **_access_context(wanted, found, plans)
        )
    if "costs" in found:
        plans["costs"] = plan_costs(
            wanted.settings["costs"], found["costs"], account=found["account"], access=wanted.settings["access"]
        )
    return plans


def plan_platform_removal(wanted: Wanted, found: Found, *, keep_used: bool, leaving: Collection[str] = ()) -> Plans:
    """The plans of the removal of the sections that were read; `leaving` are instances that go before them."""
    plans: Plans = {}
    names = [person["name"] for person in owners_of(wanted)]
    if "costs" in found:
        plans["costs"] = plan_costs_removal(wanted.settings["costs"], found["costs"], access=wanted.settings["access"])
    if "access" in found:
        plans["access"] = plan_access_removal(
            wanted.settings["access"], found["access"], network=None, keep_used=keep_used,
            **_access_context(wanted, found, plans),
        )  # fmt: skip
    if "storage" in found:
        plans["storage"] = plan_storage_removal(
            wanted.settings["storage"], found["storage"], people=names, account=found["account"], keep_used=keep_used
        )
    if "network" in found:
        ids = plans["storage"].ids if "storage" in plans else {}
        gone = {*leaving, *(ids.get("file_system_ids") or ()), *(ids.get("mount_target_ids") or ())}
        plans["network"] = plan_network_removal(
            wanted.settings["network"], found["network"], leaving=frozenset(gone), keep_used=keep_used
        )
    return plans


def _access_context(wanted: Wanted, found: Found, plans: Plans) -> dict[str, Any]:
    own = wanted.settings["access"]["results_bucket"]
    return {
        **of_access(wanted),
        "results_bucket": own or (plans["storage"].ids["results_bucket"] if "storage" in plans else ""),
        "tools_bucket": plans["storage"].ids["tools_bucket"] if "storage" in plans else "",
        "account": found["account"],
    }


def _tools(wanted: Wanted) -> dict[str, str] | None:
    """The files that instances of this run fetch from the platform's bucket; None if no instance does."""
    return tool_keys(wanted) if uses_tools_bucket(wanted) else None


def _buckets(wanted: Wanted) -> list[str]:
    """The buckets that the inventory names, which may be of other accounts."""
    access, storage = wanted.settings["access"], wanted.settings["storage"]
    named = [*access["data_buckets"], access["results_bucket"], storage["results_bucket"]]
    return [name for name in dict.fromkeys(named) if name]


def misplaced(wanted: Wanted, plans: Plans) -> list[Problem]:
    """The people of restricted groups whom the network gives a place that is beyond their limits."""
    if "network" not in plans:
        return []
    ids = plans["network"].ids
    groups = [ids.get("instances_security_group")]
    return list(group_problems(wanted, {"subnet_ids": ids.get("subnet_ids", ()), "security_group_ids": groups}))


def foreign_roles(wanted: Wanted, account: str) -> Iterator[Problem]:
    """Roles of other accounts, which AWS gives to no instance."""
    settings = wanted.settings
    shared = [
        ("access", "platform_access_role_arn", settings["access"]["role_arn"]),
        (EVERYBODY, "notebook_fleet_role_arn", settings["fleet"]["role_arn"]),
    ]
    own = [(name, "notebook_role_arn", wanted.wishes[name].instance.get("notebook_role_arn")) for name in wanted.people]
    for about, variable, arn in [*shared, *own]:
        if arn and f":{account}:" not in arn:
            rule = f"it must be a role of the account {account}, which the instances are in"
            yield Problem(about, f"{variable} is {arn}; {rule}: take one of its own, or leave it out")


def place(wanted: Wanted, plans: Plans) -> Place:
    """The network, storage and roles of instances. The settings of the fleet have precedence."""
    fleet = wanted.settings["fleet"]
    network = plans["network"].ids if "network" in plans else {}
    storage = plans["storage"].ids if "storage" in plans else {}
    access = plans["access"].ids if "access" in plans else {}
    subnets = network.get("subnet_ids") or ([None] if network else [""])
    groups = [network.get("instances_security_group")] if network else []
    return Place(
        subnet_id=fleet["subnet_id"] or subnets[0],
        security_group_ids=tuple(fleet["security_group_ids"] or groups),
        role_arn=fleet["role_arn"] or access.get("viewer_role", ""),
        role_arns={} if fleet["role_arn"] else access.get("person_roles", {}),
        efs_dns_name=fleet["efs_dns_name"] or storage.get("file_system", ""),
        mounts=storage.get("mounts", {}),
        tools_bucket=storage.get("tools_bucket", ""),
        missing_tools=frozenset(storage.get("missing_tools", ())),
        missing_roles={} if fleet["role_arn"] else access.get("role_names_missing", {}),
        mount={} if fleet["efs_dns_name"] else storage.get("mount", {}),
    )
