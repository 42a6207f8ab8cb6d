# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Reads a network in rounds of parallel calls: first the VPC, then its contents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.transformation import boto3_resource_list_to_ansible_dict

from ..common.calls import in_parallel
from . import api
from .services import full_names

Found = dict[str, Any]
Calls = dict[str, Callable[[], Any]]

KINDS = (
    "subnets", "security_groups", "route_tables", "endpoints", "services", "interfaces",
    "internet_gateways", "addresses", "nat_gateways", "peerings", "flow_logs",
)  # fmt: skip
# A NAT gateway that is gone is returned for an hour.
NAT_STATES = ["pending", "available", "deleting"]


def read_network(clients: Mapping[str, Any], wanted: Mapping[str, Any]) -> Found:
    """The existing resources of the network that `wanted_to_read()` describes; empty lists where there are none."""
    client = clients["ec2"]
    found: Found = {"region": client.meta.region_name}
    if wanted["ids_only"]:
        return found | _all(
            {
                "subnets": lambda: api.describe_subnets(client, wanted["place"]),
                "security_groups": lambda: api.describe_security_groups(client, wanted["place"]),
            }
        )
    found |= _all(_of_the_account(client, wanted))
    found = {**{kind: [] for kind in KINDS}, **found}
    if found["vpcs"]:
        vpc = found["vpcs"][0]
        inside = _all(_of_the_vpc(client, wanted, vpc["vpc_id"]))
        vpc |= {key: inside.pop(key) for key in ("enable_dns_support", "enable_dns_hostnames")}
        found |= inside
    groups = [each["group_id"] for each in found["security_groups"] if each["group_name"] in wanted["groups"]]
    if wanted["removal"] and not wanted["made"] and groups:
        found |= _all({"interfaces": lambda: api.describe_network_interfaces(client, {"group-id": groups})})
    return found


def _of_the_account(client: Any, wanted: Mapping[str, Any]) -> Calls:
    """Calls that do not need the VPC's id."""
    calls: Calls = {
        "vpcs": lambda: api.describe_vpcs(client, wanted["place"]),
        "zones": lambda: api.describe_availability_zones(client),
    }
    if wanted["services"]:
        names = full_names(wanted["services"], client.meta.region_name)
        calls["services"] = lambda: api.describe_vpc_endpoint_services(client, names)
    if wanted["made"]:  # perhaps not attached, and perhaps left over from a VPC that is gone
        calls["internet_gateways"] = lambda: api.describe_internet_gateways(client)
        calls["addresses"] = lambda: api.describe_addresses(client, wanted["place"])
    return calls


def _of_the_vpc(client: Any, wanted: Mapping[str, Any], vpc_id: str) -> Calls:
    inside = {"vpc-id": vpc_id}
    calls: Calls = {
        "enable_dns_support": lambda: api.describe_dns_support(client, vpc_id),
        "enable_dns_hostnames": lambda: api.describe_dns_hostnames(client, vpc_id),
        "subnets": lambda: api.describe_subnets(client, inside),
        "security_groups": lambda: api.describe_security_groups(client, inside),
        "route_tables": lambda: api.describe_route_tables(client, inside),
        "endpoints": lambda: api.describe_vpc_endpoints(client, inside),
    }
    if wanted["made"]:
        calls["nat_gateways"] = lambda: api.describe_nat_gateways(client, {**inside, "state": NAT_STATES})
        calls["peerings"] = lambda: _peerings(client, vpc_id)
        calls["flow_logs"] = lambda: api.describe_flow_logs(client, {"resource-id": vpc_id})
        if wanted["removal"]:
            calls["interfaces"] = lambda: api.describe_network_interfaces(client, inside)
    return calls


def _peerings(client: Any, vpc_id: str) -> Any:
    """The connections that this VPC has requested or was asked for, by two calls, since all filters have to match."""
    sides = ("requester-vpc-info.vpc-id", "accepter-vpc-info.vpc-id")
    both = in_parallel(lambda side: api.describe_vpc_peering_connections(client, {side: vpc_id}), sides)
    return [connection for connections in both for connection in connections]


def _all(calls: Calls) -> Found:
    """The results of these calls by their names, as Ansible writes resources."""
    results = in_parallel(lambda call: call(), calls.values())
    return {name: _plain(result) for name, result in zip(calls, results, strict=True)}


def _plain(result: Any) -> Any:
    return boto3_resource_list_to_ansible_dict(result) if isinstance(result, list) else result
