# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The removal of a network, and resources of others that prevent it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .network_draft import Draft
from .network_endpoints import remove_endpoints
from .network_flow_log import remove_flow_logs
from .network_found import (
    LIVE_PEERINGS,
    Network,
    Resource,
)
from .network_routes import remove_nat
from .network_rules import clear_rules, current_rules


def plan_removal(draft: Draft, network: Network) -> None:
    """All resources with the mark, in the order of the tasks: a resource comes after those that depend on it."""
    remove_endpoints(draft, network)
    if not network.given:
        remove_flow_logs(draft, network)
        remove_nat(draft, network)
        _remove_peerings(draft, network)
    clear_rules(draft, network)
    for group in network.groups.values():
        draft.add("remove", f"security group {group['group_name']}")
        draft.step("remove_security_groups", {"group_id": group["group_id"]})
    if not network.given:
        _remove_tables_and_subnets(draft, network)
        for vpc in network.own("vpcs"):
            draft.add("remove", f"VPC {vpc['cidr_block']}")
            draft.step("remove_vpcs", {"vpc_id": vpc["vpc_id"]})


def _remove_peerings(draft: Draft, network: Network) -> None:
    for connection in network.own("peerings"):
        if connection["status"]["code"] in LIVE_PEERINGS:
            draft.add("remove", f"peering connection with {network.peer(connection)}")
            draft.step("remove_peerings", {"peering_id": connection["vpc_peering_connection_id"]})


def _remove_tables_and_subnets(draft: Draft, network: Network) -> None:
    for table in network.own("route_tables"):
        if table is not network.public_table:
            draft.add("remove", f"route table {table['tags'].get('Name') or table['route_table_id']}")
            draft.step("remove_route_tables", {"route_table_id": table["route_table_id"]})
    for subnet in network.own("subnets"):
        if subnet is not network.public_subnet:
            draft.add("remove", f"subnet {subnet['cidr_block']}")
            draft.step("remove_subnets", {"vpc_id": subnet["vpc_id"], "cidr": subnet["cidr_block"]})


def users(network: Network, leaving: frozenset[str]) -> list[str]:
    """Resources of others that prevent the network's removal, each with AWS's description."""
    if not network.vpc:
        return []
    there = list(_interfaces(network, leaving)) + list(_groups(network))
    return there if network.given else there + list(_in_the_vpc(network))


def remaining(network: Network, leaving: frozenset[str]) -> list[str]:
    """The interfaces that AWS removes some time after the resources that used them."""
    return [_text(each) for each in network.found["interfaces"] if _is_leaving(each, leaving | _own_ids(network))]


def _interfaces(network: Network, leaving: frozenset[str]) -> Iterator[str]:
    own = _own_interfaces(network)
    for interface in network.found["interfaces"]:
        is_own = interface["network_interface_id"] in own
        if not is_own and not _is_leaving(interface, leaving | _own_ids(network)):
            yield _text(interface)


def _text(interface: Resource) -> str:
    description = interface.get("description")
    return f"{interface['network_interface_id']}{f' ({description})' if description else ''}"


def _own_interfaces(network: Network) -> set[str]:
    """The interfaces of our endpoints and NAT gateways, which are removed with them."""
    endpoints = [each for endpoint in network.own("endpoints") for each in endpoint.get("network_interface_ids", ())]
    addresses = [each for gateway in network.own("nat_gateways") for each in gateway.get("nat_gateway_addresses", ())]
    return {
        *endpoints,
        *(address["network_interface_id"] for address in addresses if "network_interface_id" in address),
    }


def _own_ids(network: Network) -> frozenset[str]:
    """The ids in the descriptions of the interfaces of our endpoints and NAT gateways."""
    endpoints = [each["vpc_endpoint_id"] for each in network.own("endpoints")]
    return frozenset([*endpoints, *(each["nat_gateway_id"] for each in network.own("nat_gateways"))])


def _is_leaving(interface: Resource, names: frozenset[str]) -> bool:
    """Whether the description has one of these names or ids as a whole word."""
    words = set(re.findall(r"[A-Za-z0-9-]+", interface.get("description") or ""))
    return not words.isdisjoint(names)


def _groups(network: Network) -> Iterator[str]:
    """Security groups of others that name ours, which cannot be removed then."""
    ours = {group["group_id"] for group in network.groups.values()}
    for group in network.others("security_groups"):
        rules = current_rules([*group["ip_permissions"], *group["ip_permissions_egress"]])
        named = sorted({rule.target for rule in rules} & ours)
        if named:
            yield f"{group['group_id']} (security group {group['group_name']}, whose rules name {', '.join(named)})"


def _in_the_vpc(network: Network) -> Iterator[str]:
    """Resources of others in our VPC, which AWS does not remove with it."""
    for subnet in network.others("subnets"):
        yield f"{subnet['subnet_id']} (subnet {subnet['cidr_block']})"
    for group in network.others("security_groups"):
        if group["group_name"] != "default":
            yield f"{group['group_id']} (security group {group['group_name']})"
    for table in network.others("route_tables"):
        if not any(each.get("main") for each in table.get("associations", ())):
            yield f"{table['route_table_id']} (route table)"
    for endpoint in network.others("endpoints"):
        if endpoint in network.live_endpoints:
            yield f"{endpoint['vpc_endpoint_id']} (endpoint {endpoint['service_name']})"
    yield from _leading_out(network)


def _leading_out(network: Network) -> Iterator[str]:
    for gateway in network.others("internet_gateways"):
        if network.vpc_id in {each["vpc_id"] for each in gateway["attachments"]}:
            yield f"{gateway['internet_gateway_id']} (internet gateway)"
    for connection in network.others("peerings"):
        if connection["status"]["code"] in LIVE_PEERINGS:
            yield f"{connection['vpc_peering_connection_id']} (peering connection with {network.peer(connection)})"
