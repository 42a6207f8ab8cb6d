# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""One function per API call of EC2: a retry, an error handler, one call. No logic lives here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list

from ..common.amazon import ansible_dict_to_boto3_filter_list
from ..common.calls import retry
from ..common.errors import NotebookErrorHandler

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

    Resources = list[Mapping[str, Any]]
    Filters = Mapping[str, Any]

handler = NotebookErrorHandler


@handler.common_error_handler("describe the availability zones")
@retry
def describe_availability_zones(client: EC2Client) -> Resources:
    """The zones of the region as DescribeAvailabilityZones returns them, without local zones."""
    filters = ansible_dict_to_boto3_filter_list({"zone-type": "availability-zone"})
    return list(client.describe_availability_zones(Filters=filters)["AvailabilityZones"])


@handler.common_error_handler("describe the VPCs")
@retry
def describe_vpcs(client: EC2Client, filters: Filters) -> Resources:
    """The VPCs that DescribeVpcs returns, of all pages."""
    pages = client.get_paginator("describe_vpcs").paginate(Filters=ansible_dict_to_boto3_filter_list(filters))
    return [each for page in pages for each in page["Vpcs"]]


@handler.common_error_handler("describe the DNS support of the VPC")
@retry
def describe_dns_support(client: EC2Client, vpc_id: str) -> bool:
    """enableDnsSupport in DescribeVpcAttribute."""
    answer = client.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsSupport")
    return bool(answer["EnableDnsSupport"].get("Value"))


@handler.common_error_handler("describe the DNS host names of the VPC")
@retry
def describe_dns_hostnames(client: EC2Client, vpc_id: str) -> bool:
    """enableDnsHostnames in DescribeVpcAttribute."""
    answer = client.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsHostnames")
    return bool(answer["EnableDnsHostnames"].get("Value"))


@handler.common_error_handler("describe the subnets")
@retry
def describe_subnets(client: EC2Client, filters: Filters) -> Resources:
    """The subnets that DescribeSubnets returns, of all pages."""
    pages = client.get_paginator("describe_subnets").paginate(Filters=ansible_dict_to_boto3_filter_list(filters))
    return [each for page in pages for each in page["Subnets"]]


@handler.common_error_handler("describe the security groups")
@retry
def describe_security_groups(client: EC2Client, filters: Filters) -> Resources:
    """The security groups that DescribeSecurityGroups returns, of all pages."""
    paginator = client.get_paginator("describe_security_groups")
    pages = paginator.paginate(Filters=ansible_dict_to_boto3_filter_list(filters))
    return [each for page in pages for each in page["SecurityGroups"]]


@handler.common_error_handler("describe the route tables")
@retry
def describe_route_tables(client: EC2Client, filters: Filters) -> Resources:
    """The route tables that DescribeRouteTables returns, of all pages."""
    pages = client.get_paginator("describe_route_tables").paginate(Filters=ansible_dict_to_boto3_filter_list(filters))
    return [each for page in pages for each in page["RouteTables"]]


@handler.common_error_handler("describe the endpoints")
@retry
def describe_vpc_endpoints(client: EC2Client, filters: Filters) -> Resources:
    """The endpoints that DescribeVpcEndpoints returns, of all pages."""
    pages = client.get_paginator("describe_vpc_endpoints").paginate(Filters=ansible_dict_to_boto3_filter_list(filters))
    return [each for page in pages for each in page["VpcEndpoints"]]


@handler.common_error_handler("describe the services that have endpoints")
@retry
def describe_vpc_endpoint_services(client: EC2Client, names: list[str]) -> Resources:
    """Those of these services that DescribeVpcEndpointServices knows, of all pages; asked by name it refuses others."""
    paginator = client.get_paginator("describe_vpc_endpoint_services")
    pages = paginator.paginate(Filters=ansible_dict_to_boto3_filter_list({"service-name": names}))
    return [each for page in pages for each in page["ServiceDetails"]]


@handler.common_error_handler("describe the internet gateways")
@retry
def describe_internet_gateways(client: EC2Client) -> Resources:
    """All internet gateways of the region, attached or not, from DescribeInternetGateways."""
    pages = client.get_paginator("describe_internet_gateways").paginate()
    return [each for page in pages for each in page["InternetGateways"]]


@handler.common_error_handler("describe the public addresses")
@retry
def describe_addresses(client: EC2Client, filters: Filters) -> Resources:
    """The addresses that DescribeAddresses returns, which has no pages."""
    return list(client.describe_addresses(Filters=ansible_dict_to_boto3_filter_list(filters))["Addresses"])


@handler.common_error_handler("describe the NAT gateways")
@retry
def describe_nat_gateways(client: EC2Client, filters: Filters) -> Resources:
    """The NAT gateways that DescribeNatGateways returns, of all pages."""
    paginator = client.get_paginator("describe_nat_gateways")
    # The stubs call the parameter Filters; the API calls it Filter.
    pages = paginator.paginate(Filter=ansible_dict_to_boto3_filter_list(filters))  # type: ignore[call-arg]
    return [each for page in pages for each in page["NatGateways"]]


@handler.common_error_handler("describe the peering connections")
@retry
def describe_vpc_peering_connections(client: EC2Client, filters: Filters) -> Resources:
    """The connections that DescribeVpcPeeringConnections returns, of all pages."""
    paginator = client.get_paginator("describe_vpc_peering_connections")
    pages = paginator.paginate(Filters=ansible_dict_to_boto3_filter_list(filters))
    return [each for page in pages for each in page["VpcPeeringConnections"]]


@handler.common_error_handler("describe the network interfaces")
@retry
def describe_network_interfaces(client: EC2Client, filters: Filters) -> Resources:
    """The interfaces that DescribeNetworkInterfaces returns, of all pages."""
    paginator = client.get_paginator("describe_network_interfaces")
    pages = paginator.paginate(Filters=ansible_dict_to_boto3_filter_list(filters))
    return [each for page in pages for each in page["NetworkInterfaces"]]


@handler.common_error_handler("change the policy of the endpoint")
@retry
def modify_vpc_endpoint_policy(client: EC2Client, endpoint_id: str, policy: Mapping[str, Any]) -> None:
    """Calls ModifyVpcEndpoint with a policy; the endpoint works on meanwhile."""
    client.modify_vpc_endpoint(VpcEndpointId=endpoint_id, PolicyDocument=json.dumps(policy))


@handler.common_error_handler("describe the flow logs")
@retry
def describe_flow_logs(client: EC2Client, filters: Filters) -> Resources:
    """The flow logs that DescribeFlowLogs returns, of all pages."""
    paginator = client.get_paginator("describe_flow_logs")
    # The stubs call the parameter Filters; the API calls it Filter.
    pages = paginator.paginate(Filter=ansible_dict_to_boto3_filter_list(filters))  # type: ignore[call-arg]
    return [each for page in pages for each in page["FlowLogs"]]


@handler.common_error_handler("create the flow log")
@retry
def create_flow_logs(client: EC2Client, params: Mapping[str, Any]) -> Resources:
    """Calls CreateFlowLogs; returns the errors of those that it did not create."""
    return list(client.create_flow_logs(**params).get("Unsuccessful", ()))


@handler.common_error_handler("delete the flow log")
@retry
def delete_flow_logs(client: EC2Client, flow_log_id: str) -> Resources:
    """Calls DeleteFlowLogs; returns the errors of those that it did not delete."""
    return list(client.delete_flow_logs(FlowLogIds=[flow_log_id]).get("Unsuccessful", ()))


@handler.common_error_handler("set tags")
@retry
def create_tags(client: EC2Client, resource_id: str, tags: Mapping[str, str]) -> None:
    """Calls CreateTags."""
    client.create_tags(Resources=[resource_id], Tags=ansible_dict_to_boto3_tag_list(dict(tags)))


@handler.common_error_handler("remove tags")
@retry
def delete_tags(client: EC2Client, resource_id: str, keys: list[str]) -> None:
    """Calls DeleteTags."""
    client.delete_tags(Resources=[resource_id], Tags=[{"Key": key} for key in keys])
