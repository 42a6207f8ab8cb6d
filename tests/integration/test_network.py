# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role platform_network in the sandbox: what it creates, read with boto3. Its plan is tested as a pure function."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox

from .conftest import PlaybookRunner, Played, changing, client

HERE = Path(__file__).parent
MADE = [{"Name": "tag:datalab:network", "Values": ["datalab"]}]
ALIVE = [{"Name": "vpc-endpoint-state", "Values": ["available"]}]
GIT = {"cidr": "10.1.2.0/24", "ports": [443, "8000-8080"], "description": "Git"}
FEW = {
    "platform_network_endpoints": ["s3", "notebook"],
    "platform_network_servers": [GIT],
    "platform_network_tags": {"cost-center": 4711},
    "platform_network_wait_timeout": 5,
    "platform_access_data_buckets": ["acme-data"],
}

Run = Callable[..., Played]
EC2Client = Any  # boto3 makes its types at run time


@pytest.fixture
def sandbox(module_sandbox: Sandbox) -> Sandbox:
    """Provide an empty sandbox."""
    module_sandbox.reset()
    module_sandbox.reset_calls()
    return module_sandbox


@pytest.fixture
def ec2(sandbox: Sandbox) -> EC2Client:
    return client(sandbox, "ec2")


@pytest.fixture
def run(playbook: PlaybookRunner, sandbox: Sandbox, tmp_path: Path) -> Run:
    """Provide a function that runs the role with these variables; the count of calls begins anew with each run."""

    def run(*arguments: str, tasks_from: str = "main", check: bool = True, **variables: Any) -> Played:
        given = {"endpoint_url": sandbox.endpoint, "outputs": str(tmp_path / "outputs"), "tasks_from": tasks_from}
        sandbox.reset_calls()
        extra = json.dumps({**given, **variables})
        return playbook(HERE / "network.yml", "-e", extra, *arguments, check=check)

    return run


@pytest.fixture
def outputs(tmp_path: Path) -> Callable[[], dict[str, Any]]:
    """Provide a function that returns the outputs of the role's last run."""
    return lambda: dict(json.loads((tmp_path / "outputs").read_text()))


def unchanged(played: Played, sandbox: Sandbox) -> None:
    assert played.recap["localhost"]["changed"] == 0, played.stdout
    assert not changing(sandbox)


def groups(ec2: EC2Client) -> dict[str, dict[str, Any]]:
    """Return the security groups of the role, by the last part of their names."""
    found = ec2.describe_security_groups(Filters=MADE)["SecurityGroups"]
    return {group["GroupName"].removeprefix("datalab-"): dict(group) for group in found}


def policy_of(endpoint: dict[str, Any]) -> list[str]:
    """Return the ids of the statements of an endpoint's policy."""
    return [statement["Sid"] for statement in json.loads(endpoint["PolicyDocument"])["Statement"]]


def open_rules_of_default(ec2: EC2Client, vpc: str) -> tuple[list[Any], list[Any]]:
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    (group,) = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    return group["IpPermissions"], group["IpPermissionsEgress"]


def rules(permissions: list[dict[str, Any]]) -> set[tuple[int, int, str]]:
    """Return each rule as first port, last port, and source or destination."""
    whom = [("IpRanges", "CidrIp"), ("UserIdGroupPairs", "GroupId"), ("PrefixListIds", "PrefixListId")]
    assert all(permission["IpProtocol"] == "tcp" and not permission["Ipv6Ranges"] for permission in permissions)
    return {
        (permission["FromPort"], permission["ToPort"], each[key])
        for permission in permissions
        for kind, key in whom
        for each in permission[kind]
    }


def egress(ec2: EC2Client) -> set[tuple[int, int, str]]:
    return rules(groups(ec2)["instances"]["IpPermissionsEgress"])


def routes(ec2: EC2Client, name: str = "private") -> dict[str, str]:
    """Return where a route table leads to, by destination."""
    filters = [*MADE, {"Name": "tag:Name", "Values": [f"datalab-{name}"]}]
    (table,) = ec2.describe_route_tables(Filters=filters)["RouteTables"]
    targets = ["GatewayId", "NatGatewayId", "VpcPeeringConnectionId", "NetworkInterfaceId"]
    return {
        str(route.get("DestinationCidrBlock") or route.get("DestinationPrefixListId")): next(
            str(route[key]) for key in targets if key in route
        )
        for route in table["Routes"]
    }


def endpoints(ec2: EC2Client) -> dict[str, dict[str, Any]]:
    found = ec2.describe_vpc_endpoints(Filters=ALIVE)["VpcEndpoints"]
    return {endpoint["ServiceName"].partition(".eu-central-1.")[2]: dict(endpoint) for endpoint in found}


def tagged(ec2: EC2Client) -> list[str]:
    """Return the ids of resources with the role's tag."""
    there: list[str] = vpcs(ec2)
    there += [subnet["SubnetId"] for subnet in ec2.describe_subnets(Filters=MADE)["Subnets"]]
    there += [table["RouteTableId"] for table in ec2.describe_route_tables(Filters=MADE)["RouteTables"]]
    there += [group["GroupId"] for group in groups(ec2).values()]
    there += [
        gateway["InternetGatewayId"] for gateway in ec2.describe_internet_gateways(Filters=MADE)["InternetGateways"]
    ]
    there += [address["AllocationId"] for address in ec2.describe_addresses(Filters=MADE)["Addresses"]]
    endpoints = ec2.describe_vpc_endpoints(Filters=[*MADE, *ALIVE])["VpcEndpoints"]
    there += [endpoint["VpcEndpointId"] for endpoint in endpoints]
    gateways = ec2.describe_nat_gateways(Filters=[{"Name": "state", "Values": ["available"]}])["NatGateways"]
    mark = {"Key": "datalab:network", "Value": "datalab"}  # moto ignores this filter
    there += [gateway["NatGatewayId"] for gateway in gateways if mark in gateway["Tags"]]
    return there + [log["FlowLogId"] for log in ec2.describe_flow_logs(Filter=MADE)["FlowLogs"]]


def vpcs(ec2: EC2Client) -> list[str]:
    return [vpc["VpcId"] for vpc in ec2.describe_vpcs(Filters=MADE)["Vpcs"]]


def make_log_bucket(s3: Any) -> None:
    """Create a bucket that AWS may write logs to."""
    s3.create_bucket(Bucket="acme-logs", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    allow = {"Effect": "Allow", "Principal": {"Service": "delivery.logs.amazonaws.com"}, "Action": "s3:PutObject"}
    statement = {**allow, "Resource": "arn:aws:s3:::acme-logs/*"}
    s3.put_bucket_policy(Bucket="acme-logs", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def logged(ec2: EC2Client) -> list[tuple[str, str, str]]:
    """Return which traffic of which VPC is logged, and where."""
    found = ec2.describe_flow_logs()["FlowLogs"]
    return [(log["ResourceId"], log["TrafficType"], log["LogDestination"]) for log in found]


def make_subnet(ec2: EC2Client, vpc: str, cidr: str, zone: str) -> str:
    made = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=f"eu-central-1{zone}")
    return str(made["Subnet"]["SubnetId"])


def mounted(efs: Any, subnet: str, group: str) -> dict[str, Any]:
    """Create a file system of others with a mount target, and return the mount target."""
    file_system = efs.create_file_system(CreationToken="x")["FileSystemId"]
    while efs.describe_file_systems(FileSystemId=file_system)["FileSystems"][0]["LifeCycleState"] != "available":
        time.sleep(0.1)
    target: dict[str, Any] = efs.create_mount_target(FileSystemId=file_system, SubnetId=subnet, SecurityGroups=[group])
    while efs.describe_mount_targets(FileSystemId=file_system)["MountTargets"][0]["LifeCycleState"] != "available":
        time.sleep(0.1)
    return target


def unmount(efs: Any, target: dict[str, Any]) -> None:
    efs.delete_mount_target(MountTargetId=target["MountTargetId"])
    while efs.describe_mount_targets(FileSystemId=target["FileSystemId"])["MountTargets"]:
        time.sleep(0.1)


def test_a_network_from_nothing_and_back(
    run: Run,
    sandbox: Sandbox,
    ec2: EC2Client,
    outputs: Callable[[], dict[str, Any]],
) -> None:
    peer = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    full = {
        **FEW,
        "platform_network_nat": True,
        "platform_network_peerings": [{"vpc_id": peer, "cidr": "10.7.0.0/16"}],
        "platform_network_flow_log": {"bucket": "acme-logs", "prefix": "datalab"},
    }
    make_log_bucket(client(sandbox, "s3"))

    checked = run("--check", "--diff", **full)
    assert checked.recap["localhost"]["changed"] == 1
    assert "flow log to acme-logs/datalab" in checked.stdout
    assert not changing(sandbox)
    assert outputs() == {"vpc": None, "subnets": [None, None], "instances": None, "storage": None}

    # If a run fails halfway, at a peering with a VPC that does not exist, the next run completes it.
    halfway = run(**{**full, "platform_network_peerings": [{"vpc_id": "vpc-0123", "cidr": "10.7.0.0/16"}]}, check=False)
    assert halfway.returncode != 0
    assert "vpc-0123" in halfway.stdout
    assert len(ec2.describe_addresses()["Addresses"]) == 1
    run(**full)
    assert_all_is_there(ec2, outputs())
    unchanged(run(**full), sandbox)

    # A changed route of ours is repaired; an endpoint is created although AWS still returns the deleted one.
    damage(ec2)
    run(**full)
    assert changing(sandbox) == {"ec2:ReplaceRoute": 1, "ec2:CreateVpcEndpoint": 1}
    assert set(endpoints(ec2)) == {"s3", "notebook"}

    # With fewer settings and a third zone, what is no longer wanted is removed; the route and the tag of others stay.
    (vpc,) = vpcs(ec2)
    subnet = outputs()["subnets"][0]
    interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    (table,) = ec2.describe_route_tables(Filters=[{"Name": "tag:Name", "Values": ["datalab-private"]}])["RouteTables"]
    ec2.create_route(
        RouteTableId=table["RouteTableId"], DestinationCidrBlock="10.9.0.0/16", NetworkInterfaceId=interface
    )
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "theirs", "Value": "stays"}, {"Key": "cost-center", "Value": "1"}])
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    zones = {"a": "10.42.0.0/22", "b": "10.42.4.0/22", "c": "10.42.8.0/24"}
    less = {
        **FEW,
        "platform_network_endpoints": ["s3", "logs"],
        "platform_network_servers": [],
        "platform_network_flow_log": {"bucket": "acme-logs"},
        "platform_network_subnets": [{"cidr": cidr, "zone": zone} for zone, cidr in zones.items()],
    }
    s3 = endpoints(ec2)["s3"]["VpcEndpointId"]
    ec2.modify_vpc_endpoint(VpcEndpointId=s3, PolicyDocument='{"Statement": []}')
    run(**less)
    assert_less_is_there(ec2, interface)
    assert endpoints(ec2)["s3"]["VpcEndpointId"] == s3
    unchanged(run(**less), sandbox)
    ec2.delete_network_interface(NetworkInterfaceId=interface)

    # A mount target prevents the removal, unless the same run removes it too.
    efs = client(sandbox, "efs")
    target = mounted(efs, subnet, outputs()["storage"])
    refused = run(tasks_from="absent", check=False, **less)
    assert f"is used by {target['NetworkInterfaceId']}" in " ".join(refused.stdout.split())
    assert "platform_destroy_keep_used=true" in refused.stdout
    left = {"tasks_from": "absent", "_platform_network_leaving": [target["FileSystemId"]]}
    waited = run(check=False, **less, **left)
    assert "Not finished after 5 s: the network interface" in " ".join(waited.stdout.split())
    assert not changing(sandbox)
    unmount(efs, target)

    # The bucket of the flow log and its files do not belong to the platform.
    assert run("--check", tasks_from="absent", **less).recap["localhost"]["changed"] == 1
    assert not changing(sandbox)
    run(tasks_from="absent", **less)
    assert tagged(ec2) == []


def damage(ec2: EC2Client) -> None:
    """Lead a route elsewhere, and delete an endpoint."""
    (table,) = ec2.describe_route_tables(Filters=[{"Name": "tag:Name", "Values": ["datalab-private"]}])["RouteTables"]
    (nat,) = ec2.describe_nat_gateways()["NatGateways"]
    ec2.replace_route(
        RouteTableId=table["RouteTableId"], DestinationCidrBlock="10.7.0.0/16", NatGatewayId=nat["NatGatewayId"]
    )
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoints(ec2)["notebook"]["VpcEndpointId"]])


def assert_all_is_there(ec2: EC2Client, told: dict[str, Any]) -> None:
    """Check that all is there: a VPC with no way out but the listed ones, and no way in."""
    (vpc,) = vpcs(ec2)
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        answer = ec2.describe_vpc_attribute(VpcId=vpc, Attribute=attribute)
        assert answer[attribute[0].upper() + attribute[1:]] == {"Value": True}
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    by_cidr = {subnet["CidrBlock"]: subnet for subnet in subnets}
    assert {cidr: subnet["AvailabilityZone"][-1] for cidr, subnet in by_cidr.items()} == {
        "10.42.0.0/22": "a",
        "10.42.4.0/22": "b",
        "10.42.15.240/28": "a",
    }
    private = [by_cidr["10.42.0.0/22"]["SubnetId"], by_cidr["10.42.4.0/22"]["SubnetId"]]
    ids = {name: group["GroupId"] for name, group in groups(ec2).items()}
    assert told == {"vpc": vpc, "subnets": private, "instances": ids["instances"], "storage": ids["storage"]}

    there = endpoints(ec2)
    assert set(there) == {"s3", "notebook"}
    assert there["notebook"]["PrivateDnsEnabled"]
    assert set(there["notebook"]["SubnetIds"]) == set(private)
    assert [group["GroupId"] for group in there["notebook"]["Groups"]] == [ids["endpoints"]]
    assert policy_of(there["s3"]) == ["OwnBuckets", "ListedBuckets", "Packages"]
    assert policy_of(there["notebook"]) == ["OwnResources"]
    (nat,) = ec2.describe_nat_gateways()["NatGateways"]
    (peering,) = ec2.describe_vpc_peering_connections()["VpcPeeringConnections"]
    (gateway,) = ec2.describe_internet_gateways(Filters=MADE)["InternetGateways"]
    to_s3 = next(dest for dest, target in routes(ec2).items() if target == there["s3"]["VpcEndpointId"])
    assert routes(ec2) == {
        "10.42.0.0/20": "local",
        to_s3: there["s3"]["VpcEndpointId"],
        "0.0.0.0/0": nat["NatGatewayId"],
        "10.7.0.0/16": peering["VpcPeeringConnectionId"],
    }
    assert routes(ec2, "public") == {"10.42.0.0/20": "local", "0.0.0.0/0": gateway["InternetGatewayId"]}
    assert len(ec2.describe_addresses()["Addresses"]) == 1
    assert logged(ec2) == [(vpc, "ALL", "arn:aws:s3:::acme-logs/datalab/")]

    made = groups(ec2)
    assert {name: rules(group["IpPermissions"]) for name, group in made.items()} == {
        "instances": set(),
        "storage": {(2049, 2049, ids["instances"])},
        "endpoints": {(443, 443, ids["instances"])},
    }
    assert open_rules_of_default(ec2, vpc) == ([], [])
    assert egress(ec2) == {
        (2049, 2049, ids["storage"]),
        *((443, 443, target) for target in (ids["endpoints"], to_s3, "10.1.2.0/24", "0.0.0.0/0")),
        (8000, 8080, "10.1.2.0/24"),
    }
    costs = ec2.describe_tags(
        Filters=[{"Name": "key", "Values": ["cost-center"]}, {"Name": "value", "Values": ["4711"]}]
    )
    assert {tag["ResourceId"] for tag in costs["Tags"]} == {*tagged(ec2), peering["VpcPeeringConnectionId"]}


def assert_less_is_there(ec2: EC2Client, interface: str) -> None:
    s3 = endpoints(ec2)["s3"]["VpcEndpointId"]
    assert set(endpoints(ec2)) == {"s3", "logs"}
    assert policy_of(endpoints(ec2)["s3"]) == ["OwnBuckets", "ListedBuckets", "Packages"]
    assert {*routes(ec2).values()} == {"local", s3, interface}
    assert {target for _first, _last, target in egress(ec2)} == {
        *(group["GroupId"] for name, group in groups(ec2).items() if name != "instances"),
        next(dest for dest, target in routes(ec2).items() if target == s3),
    }
    assert [nat["State"] for nat in ec2.describe_nat_gateways()["NatGateways"]] == ["deleted"]
    assert ec2.describe_addresses()["Addresses"] == []
    assert ec2.describe_internet_gateways(Filters=MADE)["InternetGateways"] == []
    (peering,) = ec2.describe_vpc_peering_connections()["VpcPeeringConnections"]
    assert peering["Status"]["Code"] == "deleted"
    subnets = ec2.describe_subnets(Filters=MADE)["Subnets"]
    assert len(subnets) == 3
    assert not any(subnet["MapPublicIpOnLaunch"] for subnet in subnets)
    (table,) = ec2.describe_route_tables(Filters=MADE)["RouteTables"]
    assert {each["SubnetId"] for each in table["Associations"]} == {subnet["SubnetId"] for subnet in subnets}
    (vpc,) = ec2.describe_vpcs(Filters=MADE)["Vpcs"]
    tags = {tag["Key"]: tag["Value"] for tag in vpc["Tags"]}
    assert (tags["theirs"], tags["cost-center"]) == ("stays", "4711")
    assert logged(ec2) == [(vpc["VpcId"], "ALL", "arn:aws:s3:::acme-logs")]


def test_a_vpc_that_is_given_stays_as_it_is(
    run: Run, sandbox: Sandbox, ec2: EC2Client, outputs: Callable[[], dict[str, Any]]
) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.5.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnets = [make_subnet(ec2, vpc, f"10.5.{n}.0/24", zone) for n, zone in enumerate("ab")]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName="com.amazonaws.eu-central-1.s3", VpcEndpointType="Gateway", RouteTableIds=[table]
    )
    theirs = ec2.create_security_group(VpcId=vpc, GroupName="theirs", Description="Theirs")["GroupId"]
    ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName="com.amazonaws.eu-central-1.sts", VpcEndpointType="Interface", SubnetIds=subnets[:1],
        SecurityGroupIds=[theirs],
    )  # fmt: skip
    given = {
        "platform_network_vpc_id": vpc,
        "platform_network_subnet_ids": [subnets[1], subnets[0]],
        "platform_network_endpoints": ["default", "sts", "logs"],
    }

    def untouched() -> Any:
        inside = [{"Name": "vpc-id", "Values": [vpc]}]
        found: list[Any] = [
            ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"],
            [{**subnet, "AvailableIpAddressCount": None} for subnet in ec2.describe_subnets(Filters=inside)["Subnets"]],
            ec2.describe_route_tables(Filters=inside)["RouteTables"],
            [group for group in ec2.describe_security_groups()["SecurityGroups"] if group["GroupId"] == theirs],
            [endpoint for name, endpoint in endpoints(ec2).items() if name in ("s3", "sts")],
        ]
        return found

    before = untouched()
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": False})
    refused = run(**given, check=False)
    assert f"platform_network_vpc_id is {vpc}, whose DNS support must be on" in " ".join(refused.stdout.split())
    assert not changing(sandbox)
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": True})

    run(**given)
    ids = {name: group["GroupId"] for name, group in groups(ec2).items()}
    assert outputs() == {
        "vpc": vpc,
        "subnets": [subnets[1], subnets[0]],
        "instances": ids["instances"],
        "storage": ids["storage"],
    }
    prefix_list = next(
        route["DestinationPrefixListId"] for route in before[2][-1]["Routes"] if "DestinationPrefixListId" in route
    )
    assert egress(ec2) == {
        (2049, 2049, ids["storage"]),
        *((443, 443, target) for target in (ids["endpoints"], theirs, prefix_list)),
    }
    assert set(endpoints(ec2)["logs"]["SubnetIds"]) == set(subnets)
    assert untouched() == before
    assert sorted(tagged(ec2)) == sorted([*ids.values(), endpoints(ec2)["logs"]["VpcEndpointId"]])
    unchanged(run(**given), sandbox)
    run(tasks_from="absent", **given)
    assert tagged(ec2) == []
    assert untouched() == before


def test_bad_input_is_refused_before_the_first_call(run: Run, sandbox: Sandbox) -> None:
    wrong = {
        "platform_network_name": "data_lab",
        "platform_network_cidr": "10.42.0.0/20",
        "platform_network_subnets": [{"cidr": "10.43.0.0/22", "zone": "a"}, {"cidr": "10.42.4.0/22", "zone": "a"}],
        "platform_network_endpoints": ["sagemaker.apis"],
        "platform_network_servers": [{"cidr": "10.1.2.3/24", "ports": [443]}],
        "platform_network_peerings": [{"vpc_id": "vpc-0123", "cidr": "10.42.0.0/24"}],
    }
    refused = run(**wrong, tasks_from="preflight", check=False)
    assert refused.returncode != 0
    for name in wrong:
        assert name in refused.stdout
    assert "Did you mean sagemaker.api?" in refused.stdout
    assert sandbox.calls() == {}
