# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Differences from the settings that AWS cannot change, or that we may not change."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.datalab.notebooks.plugins.module_utils.ec2.services import short_name

from .network_endpoints import (
    S3,
    details,
    missing_endpoints,
    zones_without,
)
from .network_flow_log import flow_log_conflicts
from .network_found import (
    GROUPS,
    MARK,
    Network,
)
from .network_routes import (
    is_own_route,
    set_routes,
    target_of,
    wanted_routes,
)


def network_conflicts(network: Network) -> list[str]:
    """A sentence for each conflict, with the variable and the remedy."""
    checks = [_given] if network.given else [_vpcs, _subnets, _nat, _routes, flow_log_conflicts]
    return [conflict for check in (*checks, _groups, _services) for conflict in check(network)]


def _given(network: Network) -> Iterator[str]:
    """A VPC of others."""
    name, vpc = network.settings["vpc_id"], network.vpc
    if vpc is None:
        yield f"platform_network_vpc_id is {name}; it must be a VPC of this account and region, {network.region}."
        return
    if not vpc["enable_dns_support"]:
        yield f"platform_network_vpc_id is {name}, whose DNS support must be on: EFS and endpoints need it."
    if network.services and not vpc["enable_dns_hostnames"]:
        yield (
            f"platform_network_vpc_id is {name}, whose DNS host names must be on: platform_network_endpoints need them."
        )
    taken: dict[str, str] = {}
    for subnet_id, subnet in zip(network.settings["subnet_ids"], network.private_subnets, strict=True):
        if subnet is None:
            yield f"platform_network_subnet_ids has {subnet_id}; each must be a subnet of {name}."
            continue
        other = taken.setdefault(subnet["availability_zone"], subnet_id)
        if other != subnet_id:
            yield (
                f"platform_network_subnet_ids has {other} and {subnet_id}, both in {subnet['availability_zone']}; there"
                " must be one for each zone, in two zones or more: a file system has one mount target in a zone."
            )


def _vpcs(network: Network) -> Iterator[str]:
    vpcs = network.found["vpcs"]
    if len(vpcs) > 1:
        ids = " and ".join(vpc["vpc_id"] for vpc in vpcs)
        yield (
            f"platform_network_name is {network.name}, and {ids} have the tag {MARK}={network.name}; only one must have"
            " it. Delete the VPC that is not used, or take the tag from it."
        )
    for vpc in vpcs:
        if vpc["cidr_block"] != network.settings["cidr"]:
            yield (
                f"platform_network_cidr is {network.settings['cidr']}, but {vpc['vpc_id']} has {vpc['cidr_block']},"
                " which cannot be changed. Set it back, or set another platform_network_name for a second network."
            )


def _subnets(network: Network) -> Iterator[str]:
    there = {subnet["cidr_block"]: subnet for subnet in network.found["subnets"]}
    letters = {zone["zone_name"][-1] for zone in network.found["zones"]}
    nat = [("platform_network_nat_cidr", network.settings["nat_cidr"], "")] if network.settings["nat"] else []
    listed = [("platform_network_subnets", each["cidr"], each["zone"]) for each in network.settings["subnets"]]
    for variable, cidr, zone in listed + nat:
        subnet = there.get(cidr)
        if subnet is None:
            if zone and letters and zone not in letters:
                yield (
                    f"{variable} has the zone {zone}; it must be one of those of {network.region}:"
                    f" {', '.join(sorted(letters))}."
                )
        elif not network.is_own(subnet):
            yield (
                f"{variable} has {cidr}, but {subnet['subnet_id']} has that network and is not this role's. Choose a"
                f" network that is free, or tag the subnet {MARK}={network.name} to have it managed."
            )
        elif zone and subnet["availability_zone"] != network.zone(zone):
            yield (
                f"{variable} has {cidr} in the zone {zone}, but it is in {subnet['availability_zone']}, and a subnet"
                " cannot move. Set it back, or choose a network that is free."
            )


def _nat(network: Network) -> Iterator[str]:
    if not network.settings["nat"]:
        return
    subnet, cidr = network.public_subnet, network.settings["nat_cidr"]
    if subnet and subnet["cidr_block"] != cidr:
        yield (
            f"platform_network_nat_cidr is {cidr}, but the NAT gateway is in {subnet['cidr_block']}. Set it back, or"
            " run once with platform_network_nat: false."
        )
    for gateway in network.others("internet_gateways"):
        if network.vpc_id and network.vpc_id in {each["vpc_id"] for each in gateway["attachments"]}:
            yield (
                f"platform_network_nat is true, but {network.vpc_id} has {gateway['internet_gateway_id']}, which is not"
                f" this role's. Detach it, or tag it {MARK}={network.name} to have it managed."
            )


def _routes(network: Network) -> Iterator[str]:
    """Routes of others that would be replaced."""
    current = set_routes(network.private_table)
    for route in wanted_routes(network):
        other = current.get(route.dest)
        if other is None or is_own_route(network, other) or route.target in target_of(other).values():
            continue
        nat = route.dest == "0.0.0.0/0" and network.settings["nat"]
        variable = "platform_network_nat is true" if nat else f"platform_network_peerings has {route.dest}"
        yield (
            f"{variable}, but the private subnets already lead {route.dest} to"
            f" {', '.join(target_of(other).values()) or 'something else'}, which this role has not set. Remove that"
            " route, or undo the setting."
        )


def _groups(network: Network) -> Iterator[str]:
    names = {network.called(group) for group in GROUPS}
    for group in network.others("security_groups"):
        if group["group_name"] in names:
            yield (
                f"platform_network_name is {network.name}, but {group['vpc_id']} has a security group"
                f" {group['group_name']} that is not this role's. Rename it, or set another platform_network_name."
            )


def _services(network: Network) -> Iterator[str]:
    """Services that AWS does not offer, or not in these zones."""
    named = {short_name(service["service_name"]) for service in network.found["services"]}
    for name in missing_endpoints(network):
        service = details(network, name)
        if service is None:
            kind = "a gateway" if name == S3 else "an interface"
            offered = f"does not offer as {kind} endpoint" if name in named else "does not offer"
            yield f"platform_network_endpoints has {name}, which AWS {offered} in {network.region}. Remove it."
        elif name != S3 and network.wanted_zones and zones_without(network, service):
            zones = ", ".join(sorted(service.get("availability_zones", ())))
            yield (
                f"platform_network_endpoints has {name}, which AWS offers in {zones} only. Remove it, or have a subnet"
                " there."
            )
