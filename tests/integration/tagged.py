# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All resources of an account that cost money or give rights, with their tags, read from each service itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .conftest import client

if TYPE_CHECKING:
    from sandbox import Sandbox

# Kinds of EC2 resources: the operation that lists them, the key of the list, and the key of an id.
EC2 = (
    ("describe_vpcs", "Vpcs", "VpcId"),
    ("describe_subnets", "Subnets", "SubnetId"),
    ("describe_security_groups", "SecurityGroups", "GroupId"),
    ("describe_route_tables", "RouteTables", "RouteTableId"),
    ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    ("describe_nat_gateways", "NatGateways", "NatGatewayId"),
    ("describe_addresses", "Addresses", "AllocationId"),
    ("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    ("describe_flow_logs", "FlowLogs", "FlowLogId"),
)


def tagged(sandbox: Sandbox) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the name and tags of each resource, without those that AWS creates with a VPC, or in the default VPC."""
    for thing, tags in _things(sandbox):
        yield thing, {tag["Key"]: tag["Value"] for tag in tags}


def _things(sandbox: Sandbox) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    yield from _of_the_network(client(sandbox, "ec2"))
    efs, s3, iam = (client(sandbox, name) for name in ("efs", "s3", "iam"))
    for each in efs.describe_file_systems()["FileSystems"]:
        yield each["FileSystemId"], each["Tags"]
    for each in efs.describe_access_points()["AccessPoints"]:
        yield each["AccessPointId"], each["Tags"]
    for each in s3.list_buckets()["Buckets"]:
        yield each["Name"], s3.get_bucket_tagging(Bucket=each["Name"])["TagSet"]
    for each in iam.list_roles()["Roles"]:
        yield each["RoleName"], iam.list_role_tags(RoleName=each["RoleName"])["Tags"]
    for each in iam.list_policies(Scope="Local")["Policies"]:
        yield each["PolicyName"], iam.list_policy_tags(PolicyArn=each["Arn"])["Tags"]
    yield from _workgroups(client(sandbox, "athena"), client(sandbox, "sts").get_caller_identity()["Account"])
    yield from _of_costs(client(sandbox, "logs"), client(sandbox, "events"))
    sagemaker = client(sandbox)
    for each in sagemaker.list_notebook_instances()["NotebookInstances"]:
        yield each["NotebookInstanceName"], sagemaker.list_tags(ResourceArn=each["NotebookInstanceArn"])["Tags"]


def _of_the_network(ec2: Any) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    foreign = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if vpc["IsDefault"]]
    for operation, key, name in EC2:
        for each in getattr(ec2, operation)()[key]:
            is_main = each.get("GroupName") == "default" or any(a.get("Main") for a in each.get("Associations", ()))
            vpcs = [each.get("VpcId"), *(at.get("VpcId") for at in each.get("Attachments", ()))]
            if not is_main and not set(foreign).intersection(vpcs):
                yield each[name], each.get("Tags", [])


def _of_costs(logs: Any, events: Any) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for each in logs.describe_log_groups()["logGroups"]:
        tags = logs.list_tags_for_resource(resourceArn=each["arn"].removesuffix(":*"))["tags"]
        yield each["logGroupName"], [{"Key": key, "Value": value} for key, value in tags.items()]
    for each in events.list_rules()["Rules"]:
        yield f"rule {each['Name']}", events.list_tags_for_resource(ResourceARN=each["Arn"])["Tags"]


def _workgroups(athena: Any, account: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for each in athena.list_work_groups()["WorkGroups"]:
        arn = f"arn:aws:athena:{athena.meta.region_name}:{account}:workgroup/{each['Name']}"
        yield f"workgroup {each['Name']}", athena.list_tags_for_resource(ResourceARN=arn)["Tags"]
