# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What AWS has, against what is asked for."""

from __future__ import annotations

DOCUMENTATION = r"""
name: network_conflicts
short_description: What keeps the settings of the role platform_network from being made
version_added: 0.1.0
author: The datalab.notebooks contributors (@datalab)
description:
  - Compares the settings with what was read from AWS, before anything is changed.
options:
  _input:
    description: The variables of the role, by their names without C(platform_network_).
    type: dict
    required: true
  found:
    description:
      - What amazon.aws's modules have read - the C(vpcs) with the role's tag or the given id, and of that VPC the
        C(subnets) and the C(groups).
      - The C(zones) of the region, the services that are C(missing) in the VPC, and those C(services) of them that AWS
        offers. Without zones, which are read only if something is missing, the latter are not looked at.
    type: dict
    required: true
"""

EXAMPLES = r"""
conflicts: "{{ settings | datalab.notebooks.network_conflicts(found) }}"
"""

RETURN = r"""
_value:
  description: A sentence for each conflict, with the variable's name and the remedy. Empty if there is none.
  type: list
  elements: str
"""

from collections.abc import Callable, Iterator
from typing import Any

GROUPS = ("instances", "storage", "endpoints")


def network_conflicts(settings: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """A sentence for each thing that AWS has otherwise."""
    checks = [_given if settings["vpc_id"] else _made, _groups]
    conflicts = [conflict for check in checks for conflict in check(settings, found)]
    return conflicts + list(_services(found))


def _given(settings: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    name = settings["vpc_id"]
    if not found["vpcs"]:
        yield f"platform_network_vpc_id is {name}, which is not in this account and region."
        return
    vpc = found["vpcs"][0]
    if not vpc["enable_dns_support"]:
        yield f"platform_network_vpc_id is {name}, whose DNS support is off. Turn it on: EFS and endpoints need it."
    if settings["endpoints"] and not vpc["enable_dns_hostnames"]:
        yield (
            f"platform_network_vpc_id is {name}, whose DNS host names are off. Turn them on:"
            " platform_network_endpoints need them."
        )
    zones: dict[str, str] = {subnet["subnet_id"]: subnet["availability_zone"] for subnet in found["subnets"]}
    taken: dict[str, str] = {}
    for subnet in settings["subnet_ids"]:
        if subnet not in zones:
            yield f"platform_network_subnet_ids has {subnet}, which is not a subnet of {name}."
        elif zones[subnet] in taken:
            yield (
                f"platform_network_subnet_ids has {taken[zones[subnet]]} and {subnet}, both in {zones[subnet]}."
                " Take one for each zone, in two zones or more: a file system has one mount target in a zone."
            )
        else:
            taken[zones[subnet]] = subnet


def _made(settings: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    vpcs, letters = found["vpcs"], {zone["zone_name"][-1] for zone in found["zones"]}
    if len(vpcs) > 1:
        ids = " and ".join(vpc["vpc_id"] for vpc in vpcs)
        yield f"{ids} both have the tag datalab:network={settings['name']}. Delete the one that nobody uses."
    for vpc in vpcs:
        if vpc["cidr_block"] != settings["cidr"]:
            yield (
                f"platform_network_cidr is {settings['cidr']}, but {vpc['vpc_id']} has {vpc['cidr_block']}, and that"
                " cannot be changed. Set it back, or take another platform_network_name for a second network."
            )
    there = {subnet["cidr_block"]: subnet["availability_zone"] for subnet in found["subnets"]}
    for subnet in settings["subnets"]:
        cidr, zone = subnet["cidr"], subnet["zone"]
        if cidr in there and there[cidr][-1] != zone:
            yield (
                f"platform_network_subnets has {cidr} in the zone {zone}, but it is in {there[cidr]}, and a subnet"
                " cannot move. Set it back, or take a network that is free."
            )
        if cidr not in there and letters and zone not in letters:
            yield (
                f"platform_network_subnets has the zone {zone}, but the region has {', '.join(sorted(letters))}."
                " Take one of these."
            )
    yield from _nat(settings, found)


def _nat(settings: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    for subnet in found["subnets"]:
        is_public = subnet["tags"].get("Name") == f"{settings['name']}-public"
        if settings["nat"] and is_public and subnet["cidr_block"] != settings["nat_cidr"]:
            yield (
                f"platform_network_nat_cidr is {settings['nat_cidr']}, but the NAT gateway is in"
                f" {subnet['cidr_block']}. Set it back, or run with platform_network_nat: false in between."
            )


def _groups(settings: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    names = {f"{settings['name']}-{group}" for group in GROUPS}
    for group in found["groups"]:
        if group["group_name"] in names and group["tags"].get("datalab:network") != settings["name"]:
            yield (
                f"{group['vpc_id']} has a security group {group['group_name']} that is not this role's. Rename it, or"
                " take another platform_network_name."
            )


def _services(found: dict[str, Any]) -> Iterator[str]:
    for name in found["missing"]:
        if found["zones"] and name not in found["services"]:
            region = found["zones"][0]["region_name"]
            yield f"platform_network_endpoints has {name}, which AWS does not offer in {region}. Leave it out."


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"network_conflicts": network_conflicts}
