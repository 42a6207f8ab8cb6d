# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The calls of EC2 that read a network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import NotebookError
from ansible_collections.datalab.notebooks.plugins.module_utils.ec2.read import read_network
from ansible_collections.datalab.notebooks.plugins.module_utils.ec2.services import (
    full_names,
    short_name,
)

if TYPE_CHECKING:
    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

pytestmark = pytest.mark.usefixtures("one_at_a_time")

VPC = "vpc-0123456789abcdef0"
OWN = {"tag:datalab:network": "datalab"}
MADE = {
    "place": OWN,
    "made": True,
    "groups": ["datalab-instances", "datalab-storage", "datalab-endpoints"],
    "services": ["s3", "sts"],
    "removal": False,
    "ids_only": False,
}
INSIDE = {"vpc-id": VPC}
GIVEN = {**MADE, "place": INSIDE, "made": False}
MARK = [{"Key": "datalab:network", "Value": "datalab"}, {"Key": "CostCenter", "Value": "4711"}]
TAGS = {"datalab:network": "datalab", "CostCenter": "4711"}
ZONE = {"ZoneName": "eu-central-1a", "RegionName": "eu-central-1"}
S3 = {
    "VpcEndpointId": "vpce-1",
    "ServiceName": "com.amazonaws.eu-central-1.s3",
    "State": "available",
    "CreationTimestamp": datetime(2026, 7, 1, tzinfo=UTC),
    "Tags": MARK,
}


def filters(**values: Any) -> list[dict[str, Any]]:
    return [
        {"Name": name.replace("_", "-"), "Values": value if isinstance(value, list) else [value]}
        for name, value in values.items()
    ]


def of_the_account(
    ec2: Script, place: dict[str, str], vpcs: list[dict[str, Any]], made: bool = True, names: Sequence[str] = ()
) -> None:
    ec2.call("describe_vpcs", {"Filters": filters(**place)}, {"Vpcs": vpcs})
    zone_filter = {"Filters": filters(zone_type="availability-zone")}
    ec2.call("describe_availability_zones", zone_filter, {"AvailabilityZones": [ZONE]})
    if names:
        answer = {"ServiceDetails": [{"ServiceName": "com.amazonaws.eu-central-1.sts"}]}
        ec2.call("describe_vpc_endpoint_services", {"Filters": filters(service_name=list(names))}, answer)
    if made:
        ec2.call("describe_internet_gateways", {}, {"InternetGateways": [{"InternetGatewayId": "igw-1"}]})
        ec2.call("describe_addresses", {"Filters": filters(**place)}, {"Addresses": [{"PublicIp": "203.0.113.1"}]})


def of_the_vpc(ec2: Script) -> None:
    inside = {"Filters": filters(vpc_id=VPC)}
    for attribute, answer in (("enableDnsSupport", "EnableDnsSupport"), ("enableDnsHostnames", "EnableDnsHostnames")):
        value = {answer: {"Value": attribute == "enableDnsSupport"}}
        ec2.call("describe_vpc_attribute", {"VpcId": VPC, "Attribute": attribute}, value)
    ec2.call("describe_subnets", inside, {"Subnets": [{"SubnetId": "subnet-1"}], "NextToken": "more"})
    ec2.call("describe_subnets", {**inside, "NextToken": "more"}, {"Subnets": [{"SubnetId": "subnet-2"}]})
    groups = [{"GroupId": "sg-1", "GroupName": "datalab-storage"}, {"GroupId": "sg-2", "GroupName": "default"}]
    ec2.call("describe_security_groups", inside, {"SecurityGroups": groups})
    ec2.call("describe_route_tables", inside, {"RouteTables": [{"RouteTableId": "rtb-1"}]})
    ec2.call("describe_vpc_endpoints", inside, {"VpcEndpoints": [S3]})


def out_of_the_vpc(ec2: Script) -> None:
    inside = filters(vpc_id=VPC, state=["pending", "available", "deleting"])
    ec2.call("describe_nat_gateways", {"Filter": inside}, {"NatGateways": [{"NatGatewayId": "nat-1"}]})
    for side, number in (("requester", 1), ("accepter", 2)):
        answer = {"VpcPeeringConnections": [{"VpcPeeringConnectionId": f"pcx-{number}"}]}
        place = [{"Name": f"{side}-vpc-info.vpc-id", "Values": [VPC]}]
        ec2.call("describe_vpc_peering_connections", {"Filters": place}, answer)
    by_vpc = {"Filter": filters(resource_id=VPC)}
    ec2.call("describe_flow_logs", by_vpc, {"FlowLogs": [{"FlowLogId": "fl-1", "Tags": MARK}]})


S3_NAMES = ["com.amazonaws.eu-central-1.s3", "aws.sagemaker.eu-central-1.s3", "cn.com.amazonaws.eu-central-1.s3"]
STS_NAMES = [name.replace(".s3", ".sts") for name in S3_NAMES]


def read(ec2: Script, wanted: dict[str, Any]) -> dict[str, Any]:
    found = read_network({"ec2": ec2.client}, wanted)
    assert json.loads(json.dumps(found)) == found
    return found


def test_an_empty_account(ec2: Script) -> None:
    of_the_account(ec2, OWN, [], names=[*S3_NAMES, *STS_NAMES])
    found = read(ec2, MADE)
    assert found["region"] == "eu-central-1"
    assert found["zones"] == [{"zone_name": "eu-central-1a", "region_name": "eu-central-1", "tags": {}}]
    assert [service["service_name"] for service in found["services"]] == ["com.amazonaws.eu-central-1.sts"]
    kinds = ("vpcs", "subnets", "security_groups", "route_tables", "endpoints", "nat_gateways", "peerings")
    assert [found[kind] for kind in (*kinds, "flow_logs", "interfaces")] == [[]] * 9


def test_a_network_that_is_there(ec2: Script) -> None:
    of_the_account(ec2, OWN, [{"VpcId": VPC, "Tags": MARK}], names=S3_NAMES)
    of_the_vpc(ec2)
    out_of_the_vpc(ec2)
    found = read(ec2, {**MADE, "services": ["s3"]})
    assert found == {
        "region": "eu-central-1",
        "vpcs": [{"vpc_id": VPC, "tags": TAGS, "enable_dns_support": True, "enable_dns_hostnames": False}],
        "zones": [{"zone_name": "eu-central-1a", "region_name": "eu-central-1", "tags": {}}],
        "internet_gateways": [{"internet_gateway_id": "igw-1", "tags": {}}],
        "addresses": [{"public_ip": "203.0.113.1", "tags": {}}],
        "subnets": [{"subnet_id": "subnet-1", "tags": {}}, {"subnet_id": "subnet-2", "tags": {}}],
        "security_groups": [
            {"group_id": "sg-1", "group_name": "datalab-storage", "tags": {}},
            {"group_id": "sg-2", "group_name": "default", "tags": {}},
        ],
        "route_tables": [{"route_table_id": "rtb-1", "tags": {}}],
        "endpoints": [
            {
                "vpc_endpoint_id": "vpce-1",
                "service_name": "com.amazonaws.eu-central-1.s3",
                "state": "available",
                "creation_timestamp": "2026-07-01T00:00:00+00:00",
                "tags": TAGS,
            }
        ],
        "nat_gateways": [{"nat_gateway_id": "nat-1", "tags": {}}],
        "peerings": [
            {"vpc_peering_connection_id": "pcx-1", "tags": {}},
            {"vpc_peering_connection_id": "pcx-2", "tags": {}},
        ],
        "flow_logs": [{"flow_log_id": "fl-1", "tags": TAGS}],
        "interfaces": [],
        "services": [{"service_name": "com.amazonaws.eu-central-1.sts", "tags": {}}],
    }


def test_a_given_vpc_is_asked_for_less(ec2: Script) -> None:
    of_the_account(ec2, INSIDE, [{"VpcId": VPC}], made=False, names=[*S3_NAMES, *STS_NAMES])
    of_the_vpc(ec2)
    found = read(ec2, GIVEN)
    kinds = ("internet_gateways", "addresses", "nat_gateways", "peerings", "flow_logs")
    assert [found[kind] for kind in kinds] == [[]] * 5


def test_a_removal_needs_the_interfaces(ec2: Script) -> None:
    of_the_account(ec2, OWN, [{"VpcId": VPC}])
    of_the_vpc(ec2)
    out_of_the_vpc(ec2)
    answer = {"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "Description": "x"}]}
    ec2.call("describe_network_interfaces", {"Filters": filters(vpc_id=VPC)}, answer)
    found = read(ec2, {**MADE, "services": [], "removal": True})
    assert found["interfaces"] == [{"network_interface_id": "eni-1", "description": "x", "tags": {}}]


def test_a_removal_from_a_given_vpc_needs_those_that_wear_our_groups(ec2: Script) -> None:
    of_the_account(ec2, INSIDE, [{"VpcId": VPC}], made=False)
    of_the_vpc(ec2)
    ec2.call("describe_network_interfaces", {"Filters": filters(group_id=["sg-1"])}, {"NetworkInterfaces": []})
    read(ec2, {**GIVEN, "services": [], "removal": True})


def test_ids_take_two_calls(ec2: Script) -> None:
    ec2.call("describe_subnets", {"Filters": filters(**OWN)}, {"Subnets": [{"SubnetId": "subnet-1"}]})
    ec2.call("describe_security_groups", {"Filters": filters(**OWN)}, {"SecurityGroups": []})
    found = read(ec2, {**MADE, "ids_only": True})
    subnets = [{"subnet_id": "subnet-1", "tags": {}}]
    assert found == {"region": "eu-central-1", "subnets": subnets, "security_groups": []}


def test_a_call_that_fails_is_named(ec2: Script) -> None:
    ec2.refuse("describe_subnets", {"Filters": filters(**OWN)}, "UnauthorizedOperation", "You are not authorized")
    ec2.call("describe_security_groups", {"Filters": filters(**OWN)}, {"SecurityGroups": []})
    with pytest.raises(NotebookError, match=r"describe the subnets.*You are not authorized"):
        read(ec2, {**MADE, "ids_only": True})


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("com.amazonaws.eu-central-1.sts", "sts"),
        ("com.amazonaws.eu-central-1.sagemaker.api", "sagemaker.api"),
        ("aws.sagemaker.eu-central-1.notebook", "notebook"),
        ("cn.com.amazonaws.cn-north-1.sts", "sts"),
        ("sts", "sts"),
        ("com.example.eu-central-1.sts", "com.example.eu-central-1.sts"),
    ],
)
def test_short_names(name: str, short: str) -> None:
    assert short_name(name) == short
    if name.startswith(("aws", "cn", "com.amazonaws")):
        region = "cn-north-1" if "cn-north-1" in name else "eu-central-1"
        assert name in full_names([short], region)
