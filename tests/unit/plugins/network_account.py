# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An account as read_network() reads it. It carries out the steps of plans as amazon.aws' modules would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.network import (
    plan_network,
    plan_network_removal,
    wanted_to_read,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.section import SectionPlan

ROLE = Path(__file__).parents[3] / "roles" / "platform_network"
DEFAULTS = {
    name.removeprefix("platform_network_"): value
    for name, value in yaml.safe_load((ROLE / "defaults" / "main.yml").read_text()).items()
}
REGION = "eu-central-1"
ZONES = [f"{REGION}{letter}" for letter in "abc"]
PREFIX_LIST = "pl-6ea54007"
PEER = "vpc-0a1b"

# The stages of the role's tasks; after each stage the rest is planned again.
STAGES = [
    ["vpcs"],
    ["remove_endpoints"],
    ["subnets", "security_groups", "internet_gateways", "addresses", "peerings"],
    ["nat_gateways", "route_tables"],
    ["gateway_endpoints", "interface_endpoints", "endpoint_policies", "routes"],
]
LAST = [
    "rules", "tags", "flow_logs", "remove_flow_logs", "remove_nat_gateways", "remove_addresses", "remove_peerings",
    "remove_security_groups", "remove_route_tables", "remove_subnets", "remove_internet_gateways", "remove_vpcs",
]  # fmt: skip

# By the prefix of a resource's id: its kind in read_network(), and the key of the id.
KEYS = {
    "vpc": ("vpcs", "vpc_id"),
    "subnet": ("subnets", "subnet_id"),
    "sg": ("security_groups", "group_id"),
    "rtb": ("route_tables", "route_table_id"),
    "igw": ("internet_gateways", "internet_gateway_id"),
    "eipalloc": ("addresses", "allocation_id"),
    "nat": ("nat_gateways", "nat_gateway_id"),
    "pcx": ("peerings", "vpc_peering_connection_id"),
    "vpce": ("endpoints", "vpc_endpoint_id"),
    "fl": ("flow_logs", "flow_log_id"),
    "eni": ("interfaces", "network_interface_id"),
}
Found = dict[str, Any]


def permission(rule: dict[str, Any]) -> Found:
    """Convert a rule of ec2_security_group to the form of DescribeSecurityGroups."""
    first, _dash, last = rule["ports"][0].partition("-")
    keys = {
        "cidr_ip": ("ip_ranges", "cidr_ip"),
        "ip_prefix": ("prefix_list_ids", "prefix_list_id"),
        "group_id": ("user_id_group_pairs", "group_id"),
    }
    ((kind, where),) = ((kind, keys[kind]) for kind in keys if kind in rule)
    target = {where[1]: rule[kind]} | ({"description": rule["rule_desc"]} if "rule_desc" in rule else {})
    ports = {"from_port": int(first), "to_port": int(last or first)}
    return {"ip_protocol": rule["proto"], **ports, "ip_ranges": [], where[0]: [target]}


def plan_with(settings: dict[str, Any], found: Found, buckets: Sequence[str] = ()) -> SectionPlan:
    """Return the plan for an account with these resources."""
    return plan_network(settings, found, account={"account": "123456789012", "partition": "aws"}, buckets=buckets)


class Account:
    """The resources of an account, by the kinds of read_network()."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.ids = count(1)
        self.there: Found = {kind: [] for kind, _key in KEYS.values()}

    def id(self, prefix: str) -> str:
        return f"{prefix}-{next(self.ids):04x}"

    def read(self, *, removal: bool = False) -> Found:
        """The answer of read_network()."""
        services = [
            {
                "service_name": f"com.amazonaws.{REGION}.{name}",
                "service_type": [{"service_type": "Gateway" if name == "s3" else "Interface"}],
                "availability_zones": list(ZONES),
                "vpc_endpoint_policy_supported": name != "without-policies",
            }
            for name in wanted_to_read(self.settings, removal=removal)["services"]
            if name != "coffee"
        ]
        zones = [{"zone_name": zone, "region_name": REGION} for zone in ZONES]
        return deepcopy({"region": REGION, "zones": zones, "services": services, **self.there})

    def plan(self, **settings: Any) -> SectionPlan:
        self.settings = {**self.settings, **settings}
        return plan_with(self.settings, self.read())

    def converge(self, **settings: Any) -> SectionPlan:
        """Carry the plan out in the stages of the role, and return the plan of what is left to do."""
        plan = self.plan(**settings)
        assert plan.refused == ()
        for stage in STAGES:
            self.carry_out(plan, stage)
            plan = self.plan()
        assert plan.steps["later"] == plan.steps["waiting"] == [], plan.changes
        self.carry_out(plan, LAST)
        return self.plan()

    def remove(self, **options: Any) -> SectionPlan:
        """Carry a removal out in the order of the role, and return the plan of what is left to do."""
        plan = plan_network_removal(self.settings, self.read(removal=True), **options)
        assert plan.refused == ()
        self.carry_out(plan, ["remove_endpoints", *LAST])
        return plan_network_removal(self.settings, self.read(removal=True), **options)

    def carry_out(self, plan: SectionPlan, names: list[str]) -> None:
        for name in names:
            action: Callable[[Found], None] = getattr(self, f"do_{name}")
            for item in plan.steps[name]:
                action(deepcopy(item))

    def _one(self, kind: str, key: str, value: str) -> Found:
        found: Found
        (found,) = (each for each in self.there[kind] if each[key] == value)
        return found

    def _drop(self, kind: str, key: str, value: str) -> None:
        self.there[kind].remove(self._one(kind, key, value))

    def do_vpcs(self, item: Found) -> None:
        dns = {"enable_dns_support": True, "enable_dns_hostnames": True}
        if item["vpc_id"]:
            self._one("vpcs", "vpc_id", item["vpc_id"]).update(dns)
            return
        vpc = {"vpc_id": self.id("vpc"), "cidr_block": item["cidr_block"], "tags": item["tags"], **dns}
        self.there["vpcs"].append(vpc)
        self.there["security_groups"].append(self.default_group(vpc["vpc_id"]))

    def default_group(self, vpc_id: str) -> Found:
        """Return the group that AWS creates with a VPC: its members can reach each other and any address."""
        group_id = self.id("sg")
        members = {"ip_protocol": "-1", "user_id_group_pairs": [{"group_id": group_id}]}
        anywhere = {"ip_protocol": "-1", "ip_ranges": [{"cidr_ip": "0.0.0.0/0"}]}
        rules = {"ip_permissions": [members], "ip_permissions_egress": [anywhere]}
        return {"group_id": group_id, "group_name": "default", "description": "", "vpc_id": vpc_id, "tags": {}, **rules}

    def do_subnets(self, item: Found) -> None:
        for subnet in self.there["subnets"]:
            if subnet["cidr_block"] == item["cidr"]:
                subnet["map_public_ip_on_launch"] = False
                return
        place = {"vpc_id": item["vpc_id"], "cidr_block": item["cidr"], "availability_zone": item["az"]}
        subnet = {"subnet_id": self.id("subnet"), "map_public_ip_on_launch": False, "tags": item["tags"], **place}
        self.there["subnets"].append(subnet)

    def do_security_groups(self, item: Found) -> None:
        group = {"group_name": item["name"], "description": item["description"], "vpc_id": item["vpc_id"]}
        rules: Found = {"ip_permissions": [], "ip_permissions_egress": []}
        self.there["security_groups"].append({"group_id": self.id("sg"), "tags": item["tags"], **group, **rules})

    def do_internet_gateways(self, item: Found) -> None:
        attachments = [{"vpc_id": item["vpc_id"]}]
        if item["internet_gateway_id"]:
            gateway = self._one("internet_gateways", "internet_gateway_id", item["internet_gateway_id"])
            gateway["attachments"] = attachments
            return
        gateway = {"internet_gateway_id": self.id("igw"), "attachments": attachments, "tags": item["tags"]}
        self.there["internet_gateways"].append(gateway)

    def do_addresses(self, item: Found) -> None:
        number = next(self.ids)
        address = {"allocation_id": f"eipalloc-{number:04x}", "public_ip": f"203.0.113.{number}", "tags": item["tags"]}
        self.there["addresses"].append(address)

    def do_peerings(self, item: Found) -> None:
        ends = {"requester_vpc_info": {"vpc_id": item["vpc_id"]}, "accepter_vpc_info": {"vpc_id": item["peer_vpc_id"]}}
        status = {"status": {"code": "pending-acceptance"}, "tags": item["tags"]}
        self.there["peerings"].append({"vpc_peering_connection_id": self.id("pcx"), **ends, **status})

    def do_nat_gateways(self, item: Found) -> None:
        address = self._one("addresses", "allocation_id", item["allocation_id"])
        address["association_id"] = self.id("eipassoc")
        addresses = [{"allocation_id": item["allocation_id"], "network_interface_id": self.id("eni")}]
        gateway = {"nat_gateway_id": self.id("nat"), "state": "available", "subnet_id": item["subnet_id"]}
        self.there["nat_gateways"].append({**gateway, "nat_gateway_addresses": addresses, "tags": item["tags"]})

    def do_route_tables(self, item: Found) -> None:
        local = {"destination_cidr_block": self.settings["cidr"], "gateway_id": "local", "origin": "CreateRouteTable"}
        table = {"route_table_id": self.id("rtb"), "routes": [local], "associations": [], "tags": item["tags"]}
        self.there["route_tables"].append(table)
        self.do_routes({**item, "route_table_id": table["route_table_id"]})

    def do_routes(self, item: Found) -> None:
        table = self._one("route_tables", "route_table_id", item["route_table_id"])
        for other in self.there["route_tables"]:
            other["associations"] = [
                each for each in other["associations"] if each.get("subnet_id") not in item["subnets"]
            ]
        table["associations"] += [{"subnet_id": each} for each in item["subnets"]]
        told = {route["dest"]: route for route in item["routes"]}
        gone = [
            route
            for route in table["routes"]
            if route["origin"] == "CreateRoute"
            and "destination_cidr_block" in route
            and (item["purge_routes"] or route["destination_cidr_block"] in told)
        ]
        table["routes"] = [route for route in table["routes"] if route not in gone]
        for dest, route in told.items():
            target = {key: value for key, value in route.items() if key != "dest"}
            if target.get("gateway_id", "").startswith("nat-"):
                target = {"nat_gateway_id": target["gateway_id"]}
            table["routes"].append({"destination_cidr_block": dest, "origin": "CreateRoute", **target})

    def do_gateway_endpoints(self, item: Found) -> None:
        endpoint = self._endpoint(item, "Gateway")
        endpoint["route_table_ids"] = item["route_table_ids"]
        for table_id in item["route_table_ids"]:
            route = {"destination_prefix_list_id": PREFIX_LIST, "gateway_id": endpoint["vpc_endpoint_id"]}
            table = self._one("route_tables", "route_table_id", table_id)
            table["routes"].append({**route, "origin": "CreateRoute"})

    def do_interface_endpoints(self, item: Found) -> None:
        endpoint = self._endpoint(item, "Interface")
        interfaces = [self.id("eni") for _subnet in item["subnets"]]
        endpoint |= {"groups": [{"group_id": each} for each in item["security_groups"]], "private_dns_enabled": True}
        endpoint |= {"network_interface_ids": interfaces, "subnet_ids": item["subnets"]}

    def _endpoint(self, item: Found, kind: str) -> Found:
        endpoint = {"vpc_endpoint_id": self.id("vpce"), "service_name": item["service"], "vpc_endpoint_type": kind}
        endpoint |= {"state": "available", "vpc_id": item["vpc_id"], "tags": item["tags"]}
        endpoint |= {"policy_document": item["policy"]} if item["policy"] else {}
        self.there["endpoints"].append(endpoint)
        return endpoint

    def do_endpoint_policies(self, item: Found) -> None:
        self._one("endpoints", "vpc_endpoint_id", item["vpc_endpoint_id"])["policy_document"] = item["policy"]

    def do_rules(self, item: Found) -> None:
        group = self._one("security_groups", "group_id", item["group_id"])
        group["ip_permissions"] = [permission(rule) for rule in item["rules"]]
        group["ip_permissions_egress"] = [permission(rule) for rule in item["rules_egress"]]

    def do_tags(self, item: Found) -> None:
        kind, key = KEYS[item["resource"].partition("-")[0]]
        self._one(kind, key, item["resource"])["tags"] |= item["tags"]

    def do_flow_logs(self, item: Found) -> None:
        """Replace the flow log of this destination, as ec2_vpc_flow_log does."""
        self.there["flow_logs"] = [
            each for each in self.there["flow_logs"] if each["log_destination"] != item["log_destination"]
        ]
        log = {"flow_log_id": self.id("fl"), "resource_id": item["vpc_id"], "deliver_logs_status": "SUCCESS"}
        what = {key: item[key] for key in ("log_destination", "traffic_type", "tags")}
        self.there["flow_logs"].append({**log, **what})

    def do_remove_flow_logs(self, item: Found) -> None:
        self._drop("flow_logs", "log_destination", item["log_destination"])

    def do_remove_endpoints(self, item: Found) -> None:
        self._drop("endpoints", "vpc_endpoint_id", item["vpc_endpoint_id"])
        for table in self.there["route_tables"]:
            table["routes"] = [route for route in table["routes"] if route.get("gateway_id") != item["vpc_endpoint_id"]]

    def do_remove_nat_gateways(self, item: Found) -> None:
        self._drop("nat_gateways", "nat_gateway_id", item["nat_gateway_id"])

    def do_remove_addresses(self, item: Found) -> None:
        self._drop("addresses", "public_ip", item["public_ip"])

    def do_remove_peerings(self, item: Found) -> None:
        self._one("peerings", "vpc_peering_connection_id", item["peering_id"])["status"]["code"] = "deleted"

    def do_remove_security_groups(self, item: Found) -> None:
        self._drop("security_groups", "group_id", item["group_id"])
        for group in self.there["security_groups"]:
            named = [pair for each in group["ip_permissions"] for pair in each.get("user_id_group_pairs", [])]
            assert item["group_id"] not in [pair["group_id"] for pair in named], "AWS refuses that"

    def do_remove_route_tables(self, item: Found) -> None:
        self._drop("route_tables", "route_table_id", item["route_table_id"])

    def do_remove_subnets(self, item: Found) -> None:
        self._drop("subnets", "cidr_block", item["cidr"])

    def do_remove_internet_gateways(self, item: Found) -> None:
        assert not self.there["addresses"], "AWS refuses to detach it"
        self._drop("internet_gateways", "internet_gateway_id", item["internet_gateway_id"])

    def do_remove_vpcs(self, item: Found) -> None:
        groups = [each for each in self.there["security_groups"] if each["group_name"] == "default"]
        self.there["security_groups"] = [each for each in self.there["security_groups"] if each not in groups]
        kinds = ("subnets", "security_groups", "route_tables", "endpoints", "internet_gateways", "nat_gateways")
        assert not self.there["flow_logs"], "they would be left over"
        assert not any(self.there[kind] for kind in kinds), "AWS refuses that"
        self._drop("vpcs", "vpc_id", item["vpc_id"])
