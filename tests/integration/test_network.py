# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role platform_network in the sandbox, as boto3 sees what it made."""

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
SERVICES = {
    "aws.sagemaker.eu-central-1.notebook",
    *(
        f"com.amazonaws.eu-central-1.{name}"
        for name in [
            *("athena", "elasticfilesystem", "glue", "logs", "monitoring", "s3"),
            *("sagemaker.api", "sagemaker.runtime", "secretsmanager", "sts"),
        ]
    ),
}
FEW = {"platform_network_endpoints": ["s3", "sts"], "platform_network_wait_timeout": 1}

Run = Callable[..., Played]
EC2Client = Any  # boto3 makes its types when it runs


@pytest.fixture
def sandbox(module_sandbox: Sandbox) -> Sandbox:
    """An empty sandbox."""
    module_sandbox.reset()
    module_sandbox.reset_calls()
    return module_sandbox


@pytest.fixture
def ec2(sandbox: Sandbox) -> EC2Client:
    return client(sandbox, "ec2")


@pytest.fixture
def run(playbook: PlaybookRunner, sandbox: Sandbox, tmp_path: Path) -> Run:
    """Runs the role with these variables; calls are counted anew."""

    def run(*arguments: str, tasks_from: str = "main", check: bool = True, **variables: Any) -> Played:
        given = {"endpoint_url": sandbox.endpoint, "outputs": str(tmp_path / "outputs"), "tasks_from": tasks_from}
        sandbox.reset_calls()
        extra = json.dumps({**given, **variables})
        return playbook(HERE / "network.yml", "-e", extra, *arguments, check=check)

    return run


@pytest.fixture
def outputs(tmp_path: Path) -> Callable[[], dict[str, Any]]:
    """What the role said last."""
    return lambda: dict(json.loads((tmp_path / "outputs").read_text()))


def unchanged(played: Played, sandbox: Sandbox) -> None:
    assert played.recap["localhost"]["changed"] == 0, played.stdout
    assert not changing(sandbox)


def groups(ec2: EC2Client) -> dict[str, dict[str, Any]]:
    """The security groups of the role, by the last part of their names."""
    found = ec2.describe_security_groups(Filters=MADE)["SecurityGroups"]
    return {group["GroupName"].removeprefix("datalab-"): dict(group) for group in found}


def rules(permissions: list[dict[str, Any]]) -> set[tuple[int, int, str]]:
    """Each rule as first port, last port, and whom it is about."""
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
    """Where a route table leads to, by destination."""
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
    """Everything that is there and has the role's tag."""
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
    return there + [gateway["NatGatewayId"] for gateway in gateways]


def vpcs(ec2: EC2Client) -> list[str]:
    return [vpc["VpcId"] for vpc in ec2.describe_vpcs(Filters=MADE)["Vpcs"]]


def make_subnet(ec2: EC2Client, vpc: str, cidr: str, zone: str) -> str:
    made = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=f"eu-central-1{zone}")
    return str(made["Subnet"]["SubnetId"])


def assert_only_what_is_listed_goes_out(ec2: EC2Client, to_s3: str) -> None:
    """Nothing comes in, and nothing else goes out."""
    made = groups(ec2)
    ids = {name: group["GroupId"] for name, group in made.items()}
    assert {name: rules(group["IpPermissions"]) for name, group in made.items()} == {
        "instances": set(),
        "storage": {(2049, 2049, ids["instances"])},
        "endpoints": {(443, 443, ids["instances"])},
    }
    assert {name: rules(group["IpPermissionsEgress"]) for name, group in made.items()} == {
        "instances": {(2049, 2049, ids["storage"]), (443, 443, ids["endpoints"]), (443, 443, to_s3)},
        "storage": set(),
        "endpoints": set(),
    }


def mounted(efs: Any, subnet: str, group: str) -> dict[str, Any]:
    """The mount target of a file system that somebody has made."""
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


def assert_looked_up(run: Run, outputs: Callable[[], dict[str, Any]], **given: Any) -> None:
    """A mere look finds what was made or taken."""
    made = outputs()
    run(tasks_from="lookup", **given)
    assert outputs() == made


def test_a_network_from_nothing_and_back(
    run: Run,
    sandbox: Sandbox,
    ec2: EC2Client,
    outputs: Callable[[], dict[str, Any]],
) -> None:
    checked = run("--check", "--diff")
    assert checked.recap["localhost"]["changed"] == 1
    assert not changing(sandbox)
    assert outputs() == {
        "vpc": "vpc-to-be-made",
        "subnets": ["subnet-to-be-made-a", "subnet-to-be-made-b"],
        "instances": "sg-to-be-made",
        "storage": "sg-to-be-made",
    }

    run(platform_network_tags={"cost-center": "4711"})
    (vpc,) = vpcs(ec2)
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        answer = ec2.describe_vpc_attribute(VpcId=vpc, Attribute=attribute)
        assert answer[attribute[0].upper() + attribute[1:]] == {"Value": True}
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    assert {subnet["CidrBlock"]: subnet["AvailabilityZone"] for subnet in subnets} == {
        "10.42.0.0/22": "eu-central-1a",
        "10.42.4.0/22": "eu-central-1b",
    }
    assert not any(subnet["MapPublicIpOnLaunch"] for subnet in subnets)
    by_zone = {subnet["AvailabilityZone"]: subnet["SubnetId"] for subnet in subnets}
    ids = {name: group["GroupId"] for name, group in groups(ec2).items()}
    assert outputs() == {
        "vpc": vpc,
        "subnets": [by_zone["eu-central-1a"], by_zone["eu-central-1b"]],
        "instances": ids["instances"],
        "storage": ids["storage"],
    }
    assert_looked_up(run, outputs)

    # The way to S3 is the only one, in both subnets.
    there = endpoints(ec2)
    assert {endpoint["ServiceName"] for endpoint in there.values()} == SERVICES
    s3 = there.pop("s3")
    to_s3 = next(destination for destination, target in routes(ec2).items() if target == s3["VpcEndpointId"])
    assert routes(ec2) == {"10.42.0.0/20": "local", to_s3: s3["VpcEndpointId"]}
    (table,) = ec2.describe_route_tables(Filters=MADE)["RouteTables"]
    assert {association["SubnetId"] for association in table["Associations"]} == set(by_zone.values())
    assert s3["RouteTableIds"] == [table["RouteTableId"]]
    for endpoint in there.values():
        assert endpoint["VpcEndpointType"] == "Interface"
        assert endpoint["PrivateDnsEnabled"]
        assert set(endpoint["SubnetIds"]) == set(by_zone.values())
        assert [group["GroupId"] for group in endpoint["Groups"]] == [ids["endpoints"]]

    assert_only_what_is_listed_goes_out(ec2, to_s3)
    everything = [vpc, *by_zone.values(), table["RouteTableId"], *ids.values(), s3["VpcEndpointId"]]
    everything += [endpoint["VpcEndpointId"] for endpoint in there.values()]
    assert sorted(tagged(ec2)) == sorted(everything)
    costs = ec2.describe_tags(Filters=[{"Name": "key", "Values": ["cost-center"]}])["Tags"]
    assert sorted(tag["ResourceId"] for tag in costs) == sorted(everything)

    ec2.create_tags(Resources=[vpc, ids["storage"]], Tags=[{"Key": "theirs", "Value": "stays"}])
    unchanged(run(platform_network_tags={"cost-center": "4711"}), sandbox)

    # Somebody still uses it.
    efs = client(sandbox, "efs")
    target = mounted(efs, by_zone["eu-central-1a"], ids["storage"])
    refused = run(tasks_from="absent", check=False, platform_network_wait_timeout=1)
    assert refused.returncode != 0
    assert f"is still used, by {target['NetworkInterfaceId']}" in " ".join(refused.stdout.split())
    assert "Remove the instances and the mount targets" in " ".join(refused.stdout.split())
    assert not changing(sandbox)
    unmount(efs, target)

    checked = run("--check", tasks_from="absent")
    assert checked.recap["localhost"]["changed"] > 0
    assert not changing(sandbox)
    run(tasks_from="absent")
    assert tagged(ec2) == []
    unchanged(run(tasks_from="absent"), sandbox)


def assert_refused_before_anything_is_changed(run: Run, sandbox: Sandbox, vpc: str, good: dict[str, Any]) -> None:
    """What AWS cannot change, or does not have."""
    wrong = {
        "platform_network_cidr": "10.42.0.0/19",
        "platform_network_subnets": [{"cidr": "10.42.0.0/22", "zone": "b"}, {"cidr": "10.42.16.0/24", "zone": "f"}],
        "platform_network_endpoints": ["s3", "com.amazonaws.eu-central-1.coffee"],
        "platform_network_nat_cidr": "10.42.15.0/28",
    }
    refused = run(**{**good, **wrong}, check=False)
    said = " ".join(refused.stdout.split())
    assert f"platform_network_cidr is 10.42.0.0/19, but {vpc} has 10.42.0.0/20" in said
    assert "has 10.42.0.0/22 in the zone b, but it is in eu-central-1a" in said
    assert "has the zone f, but the region has a, b, c" in said
    assert "has coffee, which AWS does not offer in eu-central-1" in said
    assert "platform_network_nat_cidr is 10.42.15.0/28, but the NAT gateway is in 10.42.15.240/28" in said
    assert not changing(sandbox)


def test_what_changes_is_changed_and_no_more(run: Run, sandbox: Sandbox, ec2: EC2Client) -> None:
    peer = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    git = {"cidr": "10.1.2.0/24", "ports": [443, "8000-8080"], "description": "Git"}
    run(**{**FEW, "platform_network_servers": [git]})
    (vpc,) = vpcs(ec2)
    before = {name: endpoint["VpcEndpointId"] for name, endpoint in endpoints(ec2).items()}
    first = egress(ec2)
    fixed = {rule for rule in first if not rule[2].startswith("10.")}
    assert len(fixed) == 3
    assert first - fixed == {(443, 443, "10.1.2.0/24"), (8000, 8080, "10.1.2.0/24")}

    # A route, an endpoint and a group of somebody else's.
    subnet = ec2.describe_subnets(Filters=MADE)["Subnets"][0]["SubnetId"]
    interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    table = ec2.describe_route_tables(Filters=MADE)["RouteTables"][0]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.9.0.0/16", NetworkInterfaceId=interface)
    theirs = ec2.create_security_group(VpcId=vpc, GroupName="theirs", Description="Theirs")["GroupId"]
    kms = "com.amazonaws.eu-central-1.kms"
    ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName=kms, VpcEndpointType="Interface", SubnetIds=[subnet], SecurityGroupIds=[theirs]
    )
    more = {
        "platform_network_subnets": [
            {"cidr": "10.42.8.0/24", "zone": "c"},
            {"cidr": "10.42.0.0/22", "zone": "a"},
            {"cidr": "10.42.4.0/22", "zone": "b"},
        ],
        "platform_network_endpoints": ["s3", "logs", "com.amazonaws.eu-central-1.kms"],
        "platform_network_servers": [
            {**git, "ports": [443], "description": "Git, by HTTPS"},
            {"cidr": "10.1.3.4/32", "ports": [443]},
        ],
        "platform_network_nat": True,
        "platform_network_peerings": [{"vpc_id": peer, "cidr": "10.7.0.0/16"}],
    }
    run(**{**FEW, **more})
    after = endpoints(ec2)
    assert set(after) == {"s3", "logs", "kms"}
    assert after["s3"]["VpcEndpointId"] == before["s3"]
    assert len(after["logs"]["SubnetIds"]) == 3
    assert [tag["Key"] for tag in after["kms"].get("Tags", [])] == []
    assert egress(ec2) == fixed | {
        (443, 443, "10.1.2.0/24"),
        (443, 443, "10.1.3.4/32"),
        (443, 443, "0.0.0.0/0"),
        (443, 443, theirs),
    }
    assert rules(groups(ec2)["instances"]["IpPermissions"]) == set()
    (nat,) = ec2.describe_nat_gateways()["NatGateways"]
    (peering,) = ec2.describe_vpc_peering_connections()["VpcPeeringConnections"]
    to_s3 = {"10.42.0.0/20": "local", next(r for r in routes(ec2) if r.startswith("pl-")): before["s3"]}
    assert routes(ec2) == {
        **to_s3,
        "0.0.0.0/0": nat["NatGatewayId"],
        "10.7.0.0/16": peering["VpcPeeringConnectionId"],
        "10.9.0.0/16": interface,
    }
    (gateway,) = ec2.describe_internet_gateways(Filters=MADE)["InternetGateways"]
    assert routes(ec2, "public") == {"10.42.0.0/20": "local", "0.0.0.0/0": gateway["InternetGatewayId"]}
    tables = ec2.describe_route_tables(Filters=[*MADE, {"Name": "tag:Name", "Values": ["datalab-private"]}])
    assert len(tables["RouteTables"][0]["Associations"]) == 3
    assert len(ec2.describe_addresses()["Addresses"]) == 1
    unchanged(run(**{**FEW, **more}), sandbox)

    assert_refused_before_anything_is_changed(run, sandbox, vpc, {**FEW, **more})

    # Without the internet and the peering, and with a tag: all that was made for them goes, and nothing else.
    more |= {"platform_network_nat": False, "platform_network_peerings": [], "platform_network_tags": {"cost": 4711}}
    run(**{**FEW, **more})
    costs = ec2.describe_tags(Filters=[{"Name": "key", "Values": ["cost"]}, {"Name": "value", "Values": ["4711"]}])[
        "Tags"
    ]
    with_costs = {tag["ResourceId"] for tag in costs if tag["ResourceType"] == "vpc-endpoint"}
    assert with_costs == {after["s3"]["VpcEndpointId"], after["logs"]["VpcEndpointId"]}
    assert routes(ec2) == {**to_s3, "10.9.0.0/16": interface}
    assert (443, 443, "0.0.0.0/0") not in egress(ec2)
    assert [nat["State"] for nat in ec2.describe_nat_gateways()["NatGateways"]] == ["deleted"]
    assert ec2.describe_addresses()["Addresses"] == []
    assert ec2.describe_internet_gateways(Filters=MADE)["InternetGateways"] == []
    unchanged(run(**{**FEW, **more}), sandbox)
    status = ec2.describe_vpc_peering_connections()["VpcPeeringConnections"][0]["Status"]["Code"]
    assert status == "deleted"
    assert len(ec2.describe_subnets(Filters=MADE)["Subnets"]) == 3


def test_a_vpc_that_is_given_stays_as_it_is(
    run: Run, sandbox: Sandbox, ec2: EC2Client, outputs: Callable[[], dict[str, Any]]
) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.5.0.0/16")["Vpc"]["VpcId"]
    subnets = [make_subnet(ec2, vpc, f"10.5.{n}.0/24", zone) for n, zone in enumerate("aba")]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName="com.amazonaws.eu-central-1.s3", VpcEndpointType="Gateway", RouteTableIds=[table]
    )
    theirs = ec2.create_security_group(VpcId=vpc, GroupName="theirs", Description="Theirs")["GroupId"]
    ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName="com.amazonaws.eu-central-1.sts", VpcEndpointType="Interface", SubnetIds=subnets[:1],
        SecurityGroupIds=[theirs],
    )  # fmt: skip
    given = {"platform_network_vpc_id": vpc, "platform_network_subnet_ids": [subnets[1], subnets[0]]}

    def untouched() -> Any:
        found: list[Any] = [
            ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"],
            [
                {**subnet, "AvailableIpAddressCount": None}
                for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
            ],
            ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"],
            [group for group in ec2.describe_security_groups()["SecurityGroups"] if group["GroupId"] == theirs],
            [endpoint for name, endpoint in endpoints(ec2).items() if name in ("s3", "sts")],
        ]
        return found

    # What does not fit is refused before anything is changed.
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": False})
    ec2.create_security_group(VpcId=vpc, GroupName="other-storage", Description="Theirs")
    wrong = {**given, "platform_network_subnet_ids": [*subnets, "subnet-0123"], "platform_network_name": "other"}
    said = " ".join(run(**wrong, platform_network_endpoints=["logs"], check=False).stdout.split())
    assert f"platform_network_vpc_id is {vpc}, whose DNS support is off" in said
    assert "whose DNS host names are off" in said
    assert f"has {subnets[0]} and {subnets[2]}, both in eu-central-1a" in said
    assert f"has subnet-0123, which is not a subnet of {vpc}" in said
    assert "has a security group other-storage that is not this role's" in said
    assert not changing(sandbox)
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": True})

    before = untouched()
    run(**given)
    ids = {name: group["GroupId"] for name, group in groups(ec2).items()}
    assert outputs() == {
        "vpc": vpc,
        "subnets": [subnets[1], subnets[0]],
        "instances": ids["instances"],
        "storage": ids["storage"],
    }
    assert_looked_up(run, outputs, **given)
    prefix_list = next(
        route["DestinationPrefixListId"] for route in before[2][-1]["Routes"] if "DestinationPrefixListId" in route
    )
    assert egress(ec2) == {
        (2049, 2049, ids["storage"]),
        (443, 443, ids["endpoints"]),
        (443, 443, theirs),
        (443, 443, prefix_list),
    }
    assert untouched() == before
    assert sorted(tagged(ec2)) == sorted(ids.values())

    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    listed = {**given, "platform_network_endpoints": ["sts", "logs"]}
    run(**listed)
    assert set(endpoints(ec2)["logs"]["SubnetIds"]) == set(subnets[:2])
    assert untouched() == before
    unchanged(run(**listed), sandbox)
    run(tasks_from="absent", **listed)
    assert tagged(ec2) == []
    assert untouched() == before


def test_a_run_that_failed_halfway_is_completed_by_the_next(run: Run, ec2: EC2Client) -> None:
    peerings = [{"vpc_id": "vpc-0123456789abcdef0", "cidr": "10.7.0.0/16"}]
    nat = {**FEW, "platform_network_nat": True}
    halfway = run(**nat, platform_network_peerings=peerings, check=False)
    assert halfway.returncode != 0
    assert "vpc-0123456789abcdef0" in halfway.stdout
    assert len(ec2.describe_addresses()["Addresses"]) == 1
    assert groups(ec2) == {}

    # As if it had been cut off a moment earlier, between the address and its gateway.
    (gateway,) = ec2.describe_nat_gateways()["NatGateways"]
    ec2.delete_nat_gateway(NatGatewayId=gateway["NatGatewayId"])
    association = ec2.describe_addresses()["Addresses"][0].get("AssociationId")
    if association:
        ec2.disassociate_address(AssociationId=association)
    run(**nat)
    assert len(ec2.describe_addresses()["Addresses"]) == 1
    assert set(endpoints(ec2)) == {"s3", "sts"}
    assert set(groups(ec2)) == {"instances", "storage", "endpoints"}
    run(tasks_from="absent", **FEW)
    assert tagged(ec2) == []
    assert ec2.describe_addresses()["Addresses"] == []


def test_bad_input_is_refused_before_the_first_call(run: Run, sandbox: Sandbox) -> None:
    wrong = {
        "platform_network_name": "data_lab",
        "platform_network_cidr": "10.42.0.0/20",
        "platform_network_subnets": [{"cidr": "10.43.0.0/22", "zone": "a"}, {"cidr": "10.42.4.0/22", "zone": "a"}],
        "platform_network_endpoints": ["sagemaker.apis"],
        "platform_network_servers": [{"cidr": "10.1.2.3/24", "ports": [443]}],
        "platform_network_peerings": [{"vpc_id": "vpc-0123", "cidr": "10.42.0.0/24"}],
    }
    refused = run(**wrong, check=False)
    assert refused.returncode != 0
    for name in wrong:
        assert name in refused.stdout
    assert "Did you mean sagemaker.api?" in refused.stdout
    assert sandbox.calls() == {}
