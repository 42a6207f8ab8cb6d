# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The routes of the subnets: the NAT gateway with all that it needs, and the two route tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .network_draft import Draft
from .network_found import (
    Network,
    Resource,
    associated,
)

INTERNET = "0.0.0.0/0"


@dataclass(frozen=True)
class Route:
    """A wanted route; without a target, its gateway does not exist yet."""

    dest: str
    text: str
    key: str  # of the target, as ec2_vpc_route_table takes it
    target: str | None


def target_of(route: Mapping[str, Any]) -> dict[str, str]:
    """The target of a route, as an option of ec2_vpc_route_table."""
    told = {key: value for key, value in route.items() if key.endswith(("_id", "_arn")) and value}
    beside = ("destination_prefix_list_id", "instance_id", "instance_owner_id")
    return {key: str(value) for key, value in told.items() if key not in beside}


def set_routes(table: Resource | None) -> dict[str, Mapping[str, Any]]:
    """The routes that were set, by destination; not those of the VPC itself, of endpoints or gateways."""
    routes = table["routes"] if table else ()
    return {
        route["destination_cidr_block"]: route
        for route in routes
        if route.get("origin") == "CreateRoute" and route.get("destination_cidr_block")
    }


def wanted_routes(network: Network) -> list[Route]:
    """The wanted routes of the private subnets, besides S3's."""
    routes = []
    if network.settings["nat"]:
        gateways = [gateway["nat_gateway_id"] for gateway in network.nat_gateways if gateway["state"] == "available"]
        routes.append(Route(INTERNET, "the NAT gateway", "gateway_id", next(iter(gateways), None)))
    for peering in network.settings["peerings"]:
        connection = network.connections.get(peering["vpc_id"])
        target = connection["vpc_peering_connection_id"] if connection else None
        routes.append(Route(peering["cidr"], peering["vpc_id"], "vpc_peering_connection_id", target))
    return routes


def is_own_route(network: Network, route: Mapping[str, Any]) -> bool:
    """Whether we have set a route. A route to a removed connection is dead, and counts as ours."""
    nat, connection = route.get("nat_gateway_id"), route.get("vpc_peering_connection_id")
    if connection:
        return connection not in {each["vpc_peering_connection_id"] for each in network.others("peerings")}
    to_internet = bool(nat) and route["destination_cidr_block"] == INTERNET
    return to_internet or nat in {gateway["nat_gateway_id"] for gateway in network.own("nat_gateways")}


def plan_private_table(draft: Draft, network: Network) -> None:
    """The route table of the private subnets. Routes of others stay."""
    _Table(draft, network, "private", network.private_table).plan(wanted_routes(network), network.private_subnet_ids)


def plan_public_table(draft: Draft, network: Network) -> None:
    gateway, subnet = network.internet_gateway, network.public_subnet
    routes = [
        Route(INTERNET, "the internet gateway", "gateway_id", gateway["internet_gateway_id"] if gateway else None)
    ]
    _Table(draft, network, "public", network.public_table).plan(routes, [subnet["subnet_id"]] if subnet else [])


class _Table:
    """One route table, and its options for the module ec2_vpc_route_table."""

    def __init__(self, draft: Draft, network: Network, part: str, table: Resource | None) -> None:
        self.draft, self.network, self.table = draft, network, table
        self.name = network.called(part)
        self.text = f"route table {self.name}"
        self.current = set_routes(table)

    def plan(self, wanted: list[Route], subnet_ids: list[str]) -> None:
        """The changes of the table, of its subnets and of its routes, and the one step that makes them."""
        if self.table is None:
            self.draft.add("create", self.text)
        other = [route for route in wanted if not self._is_set(route)]
        for route in other:
            self._tell(route)
        surplus = self._surplus(wanted)
        for dest in surplus:
            self.draft.add("remove", f"route {dest} in {self.name}")
        tags = self.network.tags(self.name)
        known = [{"dest": route.dest, route.key: route.target} for route in wanted if route.target]
        step = {
            "route_table_id": self.table["route_table_id"] if self.table else None,
            "vpc_id": self.network.vpc_id,
            "subnets": subnet_ids,
            "routes": known + (self._of_others(wanted) if surplus else []),
            "purge_routes": bool(surplus),  # of all or of none that the module is not told of
            "tags": tags,
        }
        if self.table is None:
            self._create(step)
            return
        lost = set(subnet_ids) - associated(self.table)
        if lost:
            self.draft.add("change", self.text, after="\n".join(f"subnet {each}" for each in sorted(lost)))
        if lost or surplus or any(route.target for route in other):
            self.draft.step("routes", step)
        self.draft.retag(self.text, self.table["route_table_id"], self.table["tags"], tags)

    def _create(self, step: dict[str, Any]) -> None:
        if step["subnets"]:
            self.draft.step("route_tables", step)
        else:
            self.draft.later(self.text)

    def _tell(self, route: Route) -> None:
        text = f"route {route.dest} in {self.name}"
        before = ", ".join(target_of(self.current.get(route.dest, {})).values())
        self.draft.add("change" if before else "create", text, before=before, after=f"to {route.text}")
        if route.target is None:
            self.draft.later(text)

    def _is_set(self, route: Route) -> bool:
        current = target_of(self.current.get(route.dest, {}))
        return route.target is not None and route.target in current.values()

    def _surplus(self, wanted: list[Route]) -> list[str]:
        dests = {route.dest for route in wanted}
        if self.table is not self.network.private_table:
            return []  # we set one route there, which is always wanted
        own = [dest for dest, route in self.current.items() if is_own_route(self.network, route)]
        return [dest for dest in own if dest not in dests]

    def _of_others(self, wanted: list[Route]) -> list[dict[str, Any]]:
        dests = {route.dest for route in wanted}
        return [
            {"dest": dest, **target_of(route)}
            for dest, route in self.current.items()
            if dest not in dests and not is_own_route(self.network, route)
        ]


def plan_nat(draft: Draft, network: Network) -> None:
    """The way to the internet."""
    _plan_internet_gateway(draft, network)
    _plan_nat_gateway(draft, network)
    plan_public_table(draft, network)


def _plan_internet_gateway(draft: Draft, network: Network) -> None:
    gateway, tags = network.internet_gateway, network.tags(network.called("internet"))
    attached = {each["vpc_id"] for each in gateway["attachments"]} if gateway else set()
    if gateway and network.vpc_id in attached:
        draft.retag("internet gateway", gateway["internet_gateway_id"], gateway["tags"], tags)
        return
    draft.add("change" if gateway else "create", "internet gateway", after="attached" if gateway else "")
    if network.vpc_id:
        gateway_id = gateway["internet_gateway_id"] if gateway else None
        step = {"internet_gateway_id": gateway_id, "vpc_id": network.vpc_id, "tags": tags}
        draft.step("internet_gateways", step)
    else:
        draft.later("internet gateway")


def _plan_nat_gateway(draft: Draft, network: Network) -> None:
    """The gateway and its address. The address has its own mark: an interrupted run leads to no second one."""
    tags, addresses = network.tags(network.called("nat")), network.own("addresses")
    for address in addresses:
        draft.retag("public address", address["allocation_id"], address["tags"], tags)
    for gateway in network.nat_gateways:
        draft.retag("NAT gateway", gateway["nat_gateway_id"], gateway["tags"], tags)
        if gateway["state"] == "pending":
            draft.wait("the NAT gateway is being created")
    if network.nat_gateways:
        return
    if network.own("nat_gateways"):
        draft.wait("an earlier NAT gateway is being removed")
    free = [address for address in addresses if not address.get("association_id")]
    if not free:
        draft.add("create", "public address")
        draft.step("addresses", {"mark": network.name, "tags": tags})
    draft.add("create", "NAT gateway")
    if free and network.public_subnet:
        subnet_id, allocation_id = network.public_subnet["subnet_id"], free[0]["allocation_id"]
        draft.step("nat_gateways", {"subnet_id": subnet_id, "allocation_id": allocation_id, "tags": tags})
    else:
        draft.later("NAT gateway")


def remove_nat(draft: Draft, network: Network) -> None:
    """Remove all of the way to the internet: each part of it costs something."""
    for gateway in network.own("nat_gateways"):
        if gateway in network.nat_gateways:
            draft.add("remove", "NAT gateway")
            draft.step("remove_nat_gateways", {"nat_gateway_id": gateway["nat_gateway_id"]})
        else:
            draft.wait("the NAT gateway is being removed")
    for address in network.own("addresses"):
        draft.add("remove", f"public address {address['public_ip']}")
        draft.step("remove_addresses", {"public_ip": address["public_ip"]})
    if network.public_table:
        draft.add("remove", f"route table {network.called('public')}")
        draft.step("remove_route_tables", {"route_table_id": network.public_table["route_table_id"]})
    if network.public_subnet:
        cidr = network.public_subnet["cidr_block"]
        draft.add("remove", f"subnet {cidr}")
        draft.step("remove_subnets", {"vpc_id": network.public_subnet["vpc_id"], "cidr": cidr})
    for gateway in network.own("internet_gateways"):
        draft.add("remove", "internet gateway")
        draft.step("remove_internet_gateways", {"internet_gateway_id": gateway["internet_gateway_id"]})
