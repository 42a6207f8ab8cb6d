# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Network requests that AWS refuses and moto allows: above all, to delete a resource on which another one depends."""

from __future__ import annotations

import math
import time
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import (
    DependencyViolationError,
    EC2ClientError,
    FlowLogAlreadyExists,
    InvalidServiceName,
)
from moto.ec2.models import EC2Backend
from moto.ec2.models.flow_logs import FlowLogs, FlowLogsBackend
from moto.ec2.models.nat_gateways import NatGateway, NatGatewayBackend
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.models.subnets import Subnet, SubnetBackend
from moto.ec2.models.vpcs import VPC, VPCBackend, VPCEndPoint
from moto.ec2.responses import EC2Response
from moto.ec2.responses.security_groups import SecurityGroups
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE
from moto.s3.models import s3_backends

LISTED_SECONDS = 2  # how long a deleted endpoint is still returned; minutes on AWS
LOG_DELIVERY = "delivery.logs.amazonaws.com"
moto_filter_value = VPCEndPoint.get_filter_value


class PrivateDnsConflictError(EC2ClientError):
    """EC2's error for a second endpoint of a service, which would have the DNS name of the first."""

    def __init__(self, service_name: str):
        message = (
            f"private-dns-enabled cannot be set because there is already a conflicting DNS domain for {service_name}"
        )
        super().__init__("InvalidParameter", message)


def install() -> None:
    """Install the replacements in moto, before its first EC2 request."""
    for replacement in (
        create_flow_logs,
        create_vpc_endpoint,
        delete_vpc_endpoints,
        describe_vpc_endpoints,
        delete_nat_gateway,
        delete_security_group,
        delete_subnet,
        delete_vpc,
    ):
        setattr(EC2Backend, replacement.__name__, replacement)
    setattr(EC2Backend, "_filter_endpoint_services", staticmethod(filter_endpoint_services))  # noqa: B010
    for operation in (update_security_group_rule_descriptions_egress, update_security_group_rule_descriptions_ingress):
        setattr(EC2Response, operation.__name__, operation)
    setattr(VPCEndPoint, "get_filter_value", endpoint_filter_value)  # noqa: B010 - mypy refuses the assignment
    EC2_PREFIX_TO_RESOURCE["nat"] = "natgateway"  # the resource type in DescribeTags


def create_flow_logs(
    self: EC2Backend, resource_type: str, resource_ids: list[str], **options: Any
) -> tuple[list[FlowLogs], list[Any]]:
    """CreateFlowLogs, also to a folder of a bucket; the bucket's policy has to let AWS write there."""
    if options["log_destination_type"] != "s3":
        return FlowLogsBackend.create_flow_logs(self, resource_type, resource_ids, **options)
    destination = options["log_destination"]
    there = [each for each in self.flow_logs.values() if each.resource_id in resource_ids]
    if any(each.log_destination == destination for each in there):
        raise FlowLogAlreadyExists
    bucket = destination.rpartition(":")[2].partition("/")[0]
    found = s3_backends[self.account_id][self.partition].buckets.get(bucket)
    if found and LOG_DELIVERY not in str(found.policy or b""):
        text = f"Access Denied for LogDestination: {bucket}. Please check LogDestination permission"
        return [], [(resource_id, "400", text) for resource_id in resource_ids]
    # moto takes all after the last colon for the bucket; no other flow log has the dash, so moto finds no duplicate.
    options["log_destination"] = f"arn:aws:s3:-::{bucket}"
    made, failed = FlowLogsBackend.create_flow_logs(self, resource_type, resource_ids, **options)
    for flow_log in made:
        flow_log.log_destination = destination
    return made, failed


def create_vpc_endpoint(self: EC2Backend, vpc_id: str, service_name: str, **options: Any) -> VPCEndPoint:
    """CreateVpcEndpoint; refuse a missing service and a second DNS name, and set the interfaces' security groups."""
    offered = self._collect_default_endpoint_services(self.account_id, self.region_name)
    if service_name not in {service["ServiceName"] for service in offered}:
        raise InvalidServiceName(service_name)
    if options.get("endpoint_type") == "Interface" and options.get("private_dns_enabled"):
        for other in _endpoints(self, vpc_id):
            is_interface = other.vpc_endpoint_type == "Interface"
            if other.service_name == service_name and is_interface and other.private_dns_enabled:
                raise PrivateDnsConflictError(service_name)
    endpoint = VPCBackend.create_vpc_endpoint(self, vpc_id=vpc_id, service_name=service_name, **options)
    for interface in endpoint.network_interface_ids:
        self.modify_network_interface_attribute(interface, endpoint.security_group_ids)
    return endpoint


def delete_vpc_endpoints(self: EC2Backend, vpce_ids: list[str] | None = None) -> None:
    """DeleteVpcEndpoints; ignore missing endpoints, and list the deleted ones for LISTED_SECONDS."""
    there = [each for each in vpce_ids or () if each in self.vpc_end_points]
    VPCBackend.delete_vpc_endpoints(self, there)
    for endpoint_id in there:
        vars(self.vpc_end_points[endpoint_id])["listed_until"] = time.time() + LISTED_SECONDS


def describe_vpc_endpoints(
    self: EC2Backend, vpc_end_point_ids: list[str] | None, filters: Any = None
) -> list[VPCEndPoint]:
    """DescribeVpcEndpoints; first forget those deleted more than LISTED_SECONDS ago."""
    for endpoint in list(self.vpc_end_points.values()):
        if time.time() > vars(endpoint).get("listed_until", math.inf):
            del self.vpc_end_points[endpoint.id]
    return VPCBackend.describe_vpc_endpoints(self, vpc_end_point_ids, filters)


def endpoint_filter_value(self: VPCEndPoint, filter_name: str, method_name: str | None = None) -> Any:
    """Return the value that a filter of DescribeVpcEndpoints compares, also for vpc-endpoint-id."""
    return self.id if filter_name == "vpc-endpoint-id" else moto_filter_value(self, filter_name, method_name)


def filter_endpoint_services(
    names: list[str], filters: list[dict[str, Any]], services: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the endpoint services that pass the filters; moto reads `Value`, where the API has `Values`."""
    filters = [{"Value": each.get("Values"), **each} for each in filters]
    return VPCBackend._filter_endpoint_services(names, filters, services)


def delete_nat_gateway(self: EC2Backend, nat_gateway_id: str) -> NatGateway:
    """DeleteNatGateway; delete its network interface as well."""
    gateway = NatGatewayBackend.delete_nat_gateway(self, nat_gateway_id)
    self.enis.pop(gateway._eni.id, None)
    return gateway


def delete_security_group(self: EC2Backend, name: str | None = None, group_id: str | None = None) -> None:
    """DeleteSecurityGroup; refuse a group that a network interface has or a rule of another group names."""
    others = [group for groups in self.groups.values() for group in groups.values() if group.id != group_id]
    named = {
        rule.source_group.get("GroupId") for group in others for rule in [*group.ingress_rules, *group.egress_rules]
    }
    worn = {group.id for interface in self.enis.values() for group in interface.group_set}
    if group_id in named | worn:
        raise DependencyViolationError(f"resource {group_id} has a dependent object")
    SecurityGroupBackend.delete_security_group(self, name, group_id)


def delete_subnet(self: EC2Backend, subnet_id: str) -> Subnet:
    """DeleteSubnet; refuse a subnet with network interfaces."""
    if any(interface.subnet.id == subnet_id for interface in self.enis.values()):
        raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
    return SubnetBackend.delete_subnet(self, subnet_id)


def delete_vpc(self: EC2Backend, vpc_id: str) -> VPC:
    """DeleteVpc; refuse a VPC with an internet gateway, endpoints or security groups except the default one."""
    groups = [group for group in self.groups[vpc_id].values() if group.name != "default"]
    gateways = [gateway for gateway in self.internet_gateways.values() if gateway.vpc and gateway.vpc.id == vpc_id]
    if groups or gateways or _endpoints(self, vpc_id):
        raise DependencyViolationError(f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
    return VPCBackend.delete_vpc(self, vpc_id)


def update_security_group_rule_descriptions_egress(self: EC2Response) -> ActionResult:
    """UpdateSecurityGroupRuleDescriptionsEgress; answer with Return: true."""
    SecurityGroups.update_security_group_rule_descriptions_egress(self)
    return ActionResult({"Return": True})


def update_security_group_rule_descriptions_ingress(self: EC2Response) -> ActionResult:
    """UpdateSecurityGroupRuleDescriptionsIngress; answer with Return: true."""
    SecurityGroups.update_security_group_rule_descriptions_ingress(self)
    return ActionResult({"Return": True})


def _endpoints(backend: EC2Backend, vpc_id: str) -> list[VPCEndPoint]:
    endpoints = backend.vpc_end_points.values()
    return [endpoint for endpoint in endpoints if endpoint.vpc_id == vpc_id and endpoint.state != "deleted"]
