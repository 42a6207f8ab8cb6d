# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The VPC, its subnets, its security groups without their rules, and its peering connections."""

from __future__ import annotations

from typing import Any

from .network_draft import Draft
from .network_found import GROUPS, Network, Resource


def plan_vpc(draft: Draft, network: Network) -> None:
    """The VPC, with the DNS that EFS and endpoints need."""
    cidr, vpc, tags = network.settings["cidr"], network.vpc, network.tags(network.called("vpc"))
    step = {"vpc_id": network.vpc_id, "name": tags["Name"], "cidr_block": cidr, "tags": tags}
    if vpc is None:
        draft.add("create", f"VPC {cidr}")
        draft.step("vpcs", step)
        return
    off = [
        name
        for key, name in (("enable_dns_support", "DNS support"), ("enable_dns_hostnames", "DNS host names"))
        if not vpc[key]
    ]
    if off:
        what = " and ".join(off)
        draft.add("change", f"VPC {vpc['cidr_block']}", before=f"{what}: off", after=f"{what}: on")
        draft.step("vpcs", {**step, "cidr_block": vpc["cidr_block"]})
    draft.retag(f"VPC {vpc['cidr_block']}", vpc["vpc_id"], vpc["tags"], tags)


def plan_private_subnets(draft: Draft, network: Network) -> None:
    """One subnet in each zone. A subnet that is not listed any more stays, since it may have instances."""
    for wanted, subnet in zip(network.settings["subnets"], network.private_subnets, strict=True):
        _plan_subnet(draft, network, subnet, (wanted["cidr"], wanted["zone"], f"private-{wanted['zone']}"))
    for subnet in network.surplus_subnets:
        draft.notes.append(
            f"Subnet {subnet['cidr_block']} is not in platform_network_subnets and is kept: instances may be there."
        )


def plan_public_subnet(draft: Draft, network: Network) -> None:
    """The subnet of the NAT gateway, in the first zone."""
    zone = network.settings["subnets"][0]["zone"] if network.settings["subnets"] else "a"
    _plan_subnet(draft, network, network.public_subnet, (network.settings["nat_cidr"], zone, "public"))


def _plan_subnet(draft: Draft, network: Network, subnet: Resource | None, wanted: tuple[str, str, str]) -> None:
    cidr, zone, name = wanted
    text, tags = f"subnet {cidr} in zone {zone}", network.tags(network.called(name))
    step = {"vpc_id": network.vpc_id, "cidr": cidr, "az": network.zone(zone), "tags": tags}
    if subnet is None:
        draft.add("create", text)
        now_or_later(draft, "subnets", text, step)
        return
    if subnet.get("map_public_ip_on_launch"):
        draft.add("change", text, before="public addresses: on", after="public addresses: off")
        draft.step("subnets", step)
    draft.retag(text, subnet["subnet_id"], subnet["tags"], tags)


def plan_groups(draft: Draft, network: Network) -> None:
    """The security groups. Their rules name each other, so all exist before the first rule is set."""
    for part, description in GROUPS.items():
        group, name = network.groups.get(part), network.called(part)
        tags = network.tags(name)
        if group is None:
            draft.add("create", f"security group {name}")
            step = {"vpc_id": network.vpc_id, "name": name, "description": description, "tags": tags}
            now_or_later(draft, "security_groups", f"security group {name}", step)
        else:
            draft.retag(f"security group {name}", group["group_id"], group["tags"], tags)


def plan_peerings(draft: Draft, network: Network) -> None:
    """Create the listed connections, and remove ours that are not listed."""
    for peering in network.settings["peerings"]:
        peer = peering["vpc_id"]
        connection, tags = network.connections.get(peer), network.tags(network.called(peer))
        if connection is None:
            draft.add("create", f"peering connection with {peer}")
            step = {"vpc_id": network.vpc_id, "peer_vpc_id": peer, "tags": tags}
            other = {"peer_owner_id": peering.get("owner") or None, "peer_region": peering.get("region") or None}
            now_or_later(draft, "peerings", f"peering connection with {peer}", {**step, **other})
        elif network.is_own(connection):
            connection_id = connection["vpc_peering_connection_id"]
            draft.retag(f"peering connection with {peer}", connection_id, connection["tags"], tags)
    for connection in surplus_peerings(network):
        draft.add("remove", f"peering connection with {network.peer(connection)}")
        draft.step("remove_peerings", {"peering_id": connection["vpc_peering_connection_id"]})


def surplus_peerings(network: Network) -> list[Resource]:
    wanted = {peering["vpc_id"] for peering in network.settings["peerings"]}
    return [each for peer, each in network.connections.items() if peer not in wanted and network.is_own(each)]


def now_or_later(draft: Draft, name: str, text: str, step: dict[str, Any]) -> None:
    """A step in the VPC, once there is one."""
    if step["vpc_id"]:
        draft.step(name, step)
    else:
        draft.later(text)
