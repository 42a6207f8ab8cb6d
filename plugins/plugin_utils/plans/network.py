# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The plan from the existing network to the wanted one, or to none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .network_conflicts import network_conflicts
from .network_draft import Draft
from .network_endpoints import plan_endpoints
from .network_flow_log import plan_flow_log
from .network_found import (
    GROUPS,
    MARK,
    Network,
    wanted_services,
)
from .network_parts import (
    plan_groups,
    plan_peerings,
    plan_private_subnets,
    plan_public_subnet,
    plan_vpc,
)
from .network_removal import (
    plan_removal,
    remaining,
    users,
)
from .network_routes import (
    plan_nat,
    plan_private_table,
    remove_nat,
)
from .network_rules import plan_rules
from .section import SectionPlan

Settings = Mapping[str, Any]


def wanted_to_read(settings: Settings, *, removal: bool = False, ids_only: bool = False) -> dict[str, Any]:
    """What `read_network()` has to read for these settings."""
    vpc, name = settings["vpc_id"], settings["name"]
    return {
        "place": {"vpc-id": vpc} if vpc else {f"tag:{MARK}": name},
        "made": not vpc,
        "groups": [f"{name}-{group}" for group in GROUPS],
        "services": [] if removal else wanted_services(settings),
        "removal": removal,
        "ids_only": ids_only,
    }


def network_ids(settings: Settings, found: Mapping[str, Any]) -> dict[str, Any]:
    """The network's ids for other sections; None for what does not exist. A reading for ids only is enough."""
    return Network(settings, found).ids()


def plan_network(
    settings: Settings, found: Mapping[str, Any], *, account: Mapping[str, str], buckets: Sequence[str]
) -> SectionPlan:
    """The plan of the network. If only ids were read, it has only these.

    `buckets` are those that instances use, of this account or of others.
    """
    network, draft = Network(settings, found, account, buckets), Draft()
    if "vpcs" not in found:
        return draft.plan(network.ids(), [])
    refused = network_conflicts(network)
    if network.given:
        plan_groups(draft, network)
    else:
        _plan_made(draft, network)
    plan_endpoints(draft, network)
    plan_rules(draft, network)
    return draft.plan(network.ids(), refused)


def _plan_made(draft: Draft, network: Network) -> None:
    """A VPC of our own."""
    plan_vpc(draft, network)
    plan_private_subnets(draft, network)
    plan_groups(draft, network)
    plan_peerings(draft, network)
    if network.settings["nat"]:
        plan_public_subnet(draft, network)
        plan_nat(draft, network)
    plan_private_table(draft, network)
    if not network.settings["nat"]:
        remove_nat(draft, network)
    plan_flow_log(draft, network)


def plan_network_removal(
    settings: Settings,
    found: Mapping[str, Any],
    leaving: frozenset[str] = frozenset(),
    *,
    keep_used: bool = False,
) -> SectionPlan:
    """The removal: of all of it, or with `keep_used` of nothing while others use it.

    `leaving` has the names and ids of what is removed before the network; its interfaces are not in the way.
    """
    network, draft = Network(settings, found), Draft()
    ids = {**network.ids(), "leaving": sorted(leaving)}
    used_by = users(network, leaving)
    what = f"The network {network.name} ({network.vpc_id}) is used by {', '.join(used_by)}"
    if used_by and keep_used:
        draft.notes.append(f"{what}, and is kept.")
        return draft.plan(ids, [])
    plan_removal(draft, network)
    for interface in remaining(network, leaving):
        draft.wait(f"the network interface {interface} is being removed")
    remedy = "Remove that first, or set -e platform_destroy_keep_used=true to keep the network."
    return draft.plan(ids, [f"{what}. {remedy}"] if used_by else [])
