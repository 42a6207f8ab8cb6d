# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings and networks for the tests of network plans, and resources of others in these networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.datalab.notebooks.tests.unit.plugins.network_account import (
    DEFAULTS,
    PEER,
    PREFIX_LIST,
    Account,
    Found,
)

MARK = {"datalab:network": "datalab"}
GIT = {"cidr": "10.1.2.0/24", "ports": [443, "8000-8080"], "description": "Git"}
FEW = DEFAULTS | {"endpoints": ["s3", "sts"]}
FULL = FEW | {
    "nat": True,
    "peerings": [{"vpc_id": PEER, "cidr": "10.7.0.0/16"}],
    "servers": [GIT],
    "tags": {"cost": "4711"},
    "flow_log": {"bucket": "acme-logs", "prefix": "datalab"},
}
GIVEN = DEFAULTS | {"vpc_id": "vpc-9a", "subnet_ids": ["subnet-9b", "subnet-9a"], "endpoints": ["default", "sts"]}


def account(settings: dict[str, Any]) -> Account:
    """Return an account that has converged."""
    there = Account(settings)
    assert there.converge().changes == ()
    return there


def given_vpc() -> Account:
    """Return an account with a VPC of the user, which has a route to S3 and an endpoint of KMS."""
    there = Account(GIVEN)
    dns = {"enable_dns_support": True, "enable_dns_hostnames": True}
    there.there["vpcs"] = [{"vpc_id": "vpc-9a", "cidr_block": "10.5.0.0/16", "tags": {}, **dns}]
    there.there["subnets"] = [
        {"subnet_id": f"subnet-9{n}", "cidr_block": f"10.5.{i}.0/24", "availability_zone": f"eu-central-1{n}"}
        | {"vpc_id": "vpc-9a", "tags": {}}
        for i, n in enumerate("abc")
    ]
    route = {"destination_prefix_list_id": PREFIX_LIST, "gateway_id": "vpce-9a", "origin": "CreateRoute"}
    there.there["route_tables"] = [{"route_table_id": "rtb-9a", "routes": [route], "associations": [], "tags": {}}]
    there.there["endpoints"] = [endpoint_of_others("s3", "Gateway", "vpce-9a"), endpoint_of_others("kms")]
    return there


def endpoint_of_others(service: str, kind: str = "Interface", endpoint_id: str = "vpce-9b") -> Found:
    name = f"com.amazonaws.eu-central-1.{service}"
    endpoint = {"vpc_endpoint_id": endpoint_id, "service_name": name, "vpc_endpoint_type": kind, "state": "available"}
    groups = [{"group_id": "sg-9a"}] if kind == "Interface" else []
    return {**endpoint, "groups": groups, "route_table_ids": [], "tags": {}}


def group_of_others(name: str) -> Found:
    rules: Found = {"ip_permissions": [], "ip_permissions_egress": []}
    return {"group_id": "sg-9a", "group_name": name, "vpc_id": "vpc-1", "description": "", "tags": {}, **rules}


def one(there: Account, kind: str, name: str) -> Found:
    """Return the resource with this name."""
    found: Found
    (found,) = (each for each in there.there[kind] if each["tags"].get("Name") == name)
    return found


def texts(there: Account, **settings: Any) -> list[str]:
    return [f"{change.action} {change.text}" for change in there.plan(**settings).changes]


def foreign_gateway(there: Account) -> None:
    attachments = [{"vpc_id": there.there["vpcs"][0]["vpc_id"]}]
    there.there["internet_gateways"].append({"internet_gateway_id": "igw-9a", "attachments": attachments, "tags": {}})


def foreign_route(dest: str, **target: str) -> Callable[[Account], None]:
    route = {"destination_cidr_block": dest, "origin": "CreateRoute", **target}
    return lambda there: one(there, "route_tables", "datalab-private")["routes"].append(route)


def foreign_subnet(cidr: str) -> Callable[[Account], None]:
    place = {"cidr_block": cidr, "availability_zone": "eu-central-1c", "vpc_id": "vpc-1"}
    return lambda there: there.there["subnets"].append({"subnet_id": "subnet-9a", "tags": {}, **place})


def nothing(there: Account) -> None:
    """Change nothing."""


def second_vpc(there: Account) -> None:
    there.there["vpcs"].append({**there.there["vpcs"][0], "vpc_id": "vpc-9a"})
