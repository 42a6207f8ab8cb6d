# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The rules of the security groups: instances accept no connections, and may open the listed ones.

They do not hold back DNS, the clock and the metadata of an instance, which come from AWS itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .network_draft import Draft
from .network_endpoints import (
    S3,
    is_s3_gateway,
    missing_endpoints,
    surplus_endpoints,
)
from .network_found import GROUPS, Network, Resource

Kind = str  # as ec2_security_group calls a target: group_id, ip_prefix, cidr_ip
TARGETS = (
    ("ip_ranges", "cidr_ip", "cidr_ip"),
    ("ipv6_ranges", "cidr_ipv6", "cidr_ipv6"),
    ("prefix_list_ids", "prefix_list_id", "ip_prefix"),
    ("user_id_group_pairs", "group_id", "group_id"),
)


@dataclass(frozen=True, order=True)
class Rule:
    """An allowed connection; with an empty target, its other end does not exist yet."""

    protocol: str
    first: int
    last: int
    kind: Kind
    target: str
    description: str = ""

    def as_option(self) -> dict[str, Any]:
        """The rule as ec2_security_group takes it."""
        ports = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        option = {"proto": self.protocol, "ports": [ports], self.kind: self.target}
        return {**option, "rule_desc": self.description} if self.description else option


def ports_of(port: object) -> tuple[int, int]:
    """The first and the last port of 443 or 8000-8080."""
    first, _dash, last = str(port).partition("-")
    return int(first), int(last or first)


def current_rules(permissions: Iterable[Mapping[str, Any]]) -> set[Rule]:
    """The rules of a group, as DescribeSecurityGroups has them."""
    return {
        Rule(
            str(each["ip_protocol"]),
            each.get("from_port", -1),
            each.get("to_port", -1),
            kind,
            str(target.get(key, "")),
            target.get("description") or "",
        )
        for each in permissions
        for where, key, kind in TARGETS
        for target in each.get(where, ())
    }


def wanted_rules(network: Network) -> dict[str, tuple[set[Rule], set[Rule]]]:
    """The inbound and outbound rules, by the last part of the group's name."""
    instances = network.group_id("instances") or ""
    nfs = Rule("tcp", 2049, 2049, "group_id", instances, "NFS from instances")
    https = Rule("tcp", 443, 443, "group_id", instances, "HTTPS from instances")
    return {
        "instances": (set(), set(_egress(network))),
        "storage": ({nfs}, set()),
        "endpoints": ({https}, set()),
    }


def _egress(network: Network) -> Iterator[Rule]:
    yield Rule("tcp", 2049, 2049, "group_id", network.group_id("storage") or "", "File systems")
    yield Rule("tcp", 443, 443, "group_id", network.group_id("endpoints") or "", "Endpoints")
    for group in _groups_of_others(network):
        yield Rule("tcp", 443, 443, "group_id", group, "Endpoints of the VPC")
    for prefix_list in s3_prefix_lists(network):
        yield Rule("tcp", 443, 443, "ip_prefix", prefix_list)
    for server in network.settings["servers"]:
        for port in server["ports"]:
            yield Rule("tcp", *ports_of(port), "cidr_ip", server["cidr"], server.get("description") or "")
    if network.settings["nat"]:
        yield Rule("tcp", 443, 443, "cidr_ip", "0.0.0.0/0", "Internet")


def _groups_of_others(network: Network) -> list[str]:
    """The security groups of interface endpoints that others have made."""
    ours = {group["group_id"] for group in network.groups.values()}
    endpoints = [each for each in network.others("endpoints") if each in network.live_endpoints]
    groups = {
        str(group["group_id"])
        for endpoint in endpoints
        if endpoint["vpc_endpoint_type"] == "Interface"
        for group in endpoint.get("groups", ())
    }
    return sorted(groups - ours)


def s3_prefix_lists(network: Network) -> list[str]:
    """The lists of S3's addresses, which route tables lead to gateway endpoints; empty names: not there yet."""
    surplus = surplus_endpoints(network)
    gateways = {
        endpoint["vpc_endpoint_id"]
        for endpoint in network.live_endpoints
        if is_s3_gateway(endpoint) and endpoint not in surplus
    }
    lists = {
        str(route["destination_prefix_list_id"])
        for table in network.found["route_tables"]
        for route in table["routes"]
        if route.get("destination_prefix_list_id") and route.get("gateway_id") in gateways
    }
    expected = S3 in network.services and not network.given
    return sorted(lists) or ([""] if expected else [])


def plan_rules(draft: Draft, network: Network) -> None:
    """Sets exactly these rules, once all resources that they name exist."""
    for part, rules in wanted_rules(network).items():
        if part in network.groups:  # the line of its creation says it all
            _plan_group(draft, network, network.groups[part], rules)
    if network.default_group:
        _plan_group(draft, network, network.default_group, (set(), set()))
    if S3 in network.services and s3_prefix_lists(network) == [""] and S3 not in missing_endpoints(network):
        draft.wait("the endpoint of s3 is being created")


def _plan_group(draft: Draft, network: Network, group: Resource, wanted: tuple[set[Rule], set[Rule]]) -> None:
    current = current_rules(group["ip_permissions"]), current_rules(group["ip_permissions_egress"])
    if current == wanted:
        return
    text = f"rules of security group {group['group_name']}"
    before, after = (_lines(network, *rules) for rules in (current, wanted))
    draft.add("change", text, before=before, after=after)
    if all(rule.target for rule in wanted[0] | wanted[1]):
        draft.step("rules", _step(group, *wanted))
    else:
        draft.later(text)


def clear_rules(draft: Draft, network: Network) -> None:
    """Remove all rules: groups that name each other cannot be removed."""
    for group in network.groups.values():
        draft.step("rules", _step(group, set(), set()))


def _step(group: Resource, ingress: set[Rule], egress: set[Rule]) -> dict[str, Any]:
    return {
        "vpc_id": group["vpc_id"],
        "group_id": group["group_id"],
        "name": group["group_name"],
        "description": group["description"],  # which cannot be changed
        "rules": [rule.as_option() for rule in sorted(ingress)],
        "rules_egress": [rule.as_option() for rule in sorted(egress)],
    }


def _lines(network: Network, ingress: set[Rule], egress: set[Rule]) -> str:
    """Rules for people, with the names of our groups."""
    names = {network.group_id(part): network.called(part) for part in GROUPS}
    lines = []
    for way, rules in (("from", ingress), ("to", egress)):
        for rule in sorted(rules):
            ports = str(rule.first) if rule.first == rule.last else f"{rule.first}-{rule.last}"
            protocol = "all protocols" if rule.protocol == "-1" else f"{rule.protocol} {ports}"
            target = names.get(rule.target) or rule.target or "what is to be created"
            lines.append(f"{protocol} {way} {target}" + (f" ({rule.description})" if rule.description else ""))
    return "\n".join(lines)
