# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Networks: what AWS refuses, and what it says that moto does not."""

from __future__ import annotations

import pytest

STS = "com.amazonaws.eu-central-1.sts"


@pytest.fixture
def ec2(sandbox, client_for):
    return client_for("ec2", sandbox.endpoint)


@pytest.fixture
def vpc(ec2):
    return ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


@pytest.fixture
def subnet(ec2, vpc):
    zone = "eu-central-1a"
    return ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]


@pytest.fixture
def group(ec2, vpc):
    return lambda name: ec2.create_security_group(VpcId=vpc, GroupName=name, Description=name)["GroupId"]


@pytest.fixture
def make_endpoint(ec2, vpc, subnet):
    def make(group, service=STS, **options):
        options |= {"VpcId": vpc, "ServiceName": service, "VpcEndpointType": "Interface"}
        made = ec2.create_vpc_endpoint(**options, SubnetIds=[subnet], SecurityGroupIds=[group])["VpcEndpoint"]
        return made["VpcEndpointId"], made["NetworkInterfaceIds"]

    return make


def test_a_group_goes_after_what_has_it_and_what_names_it(ec2, group, make_endpoint, refused):
    one, other = group("one"), group("other")
    rule = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": one}]}]
    ec2.authorize_security_group_egress(GroupId=other, IpPermissions=rule)
    assert refused(ec2.delete_security_group, GroupId=one)[0] == "DependencyViolation"
    ec2.revoke_security_group_egress(GroupId=other, IpPermissions=rule)
    endpoint, _ = make_endpoint(one)
    assert refused(ec2.delete_security_group, GroupId=one)[0] == "DependencyViolation"
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    ec2.delete_security_group(GroupId=one)


def test_a_subnet_and_its_vpc_go_last(ec2, vpc, subnet, group, make_endpoint, refused):
    one = group("one")
    endpoint, interfaces = make_endpoint(one)
    (interface,) = ec2.describe_network_interfaces(NetworkInterfaceIds=interfaces)["NetworkInterfaces"]
    assert [each["GroupId"] for each in interface["Groups"]] == [one]
    assert refused(ec2.delete_subnet, SubnetId=subnet)[0] == "DependencyViolation"
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    assert refused(ec2.delete_subnet, SubnetId=subnet)[0] == "DependencyViolation"
    ec2.delete_nat_gateway(NatGatewayId=nat)
    ec2.delete_subnet(SubnetId=subnet)
    assert refused(ec2.delete_vpc, VpcId=vpc)[0] == "DependencyViolation"
    ec2.delete_security_group(GroupId=one)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    assert refused(ec2.delete_vpc, VpcId=vpc)[0] == "DependencyViolation"
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_vpc(VpcId=vpc)


def test_an_endpoint_is_of_a_service_that_exists_and_has_its_name_alone(group, make_endpoint, refused):
    one = group("one")
    assert refused(make_endpoint, group=one, service="com.amazonaws.eu-central-1.coffee")[0] == "InvalidServiceName"
    make_endpoint(one)
    code, message = refused(make_endpoint, group=one)
    assert (code, "conflicting DNS domain" in message) == ("InvalidParameter", True)
    make_endpoint(one, PrivateDnsEnabled=False)


def test_an_endpoint_is_found_by_its_id_and_gets_another_policy(ec2, group, make_endpoint):
    (one, _), (other, _) = make_endpoint(group("x")), make_endpoint(group("y"), STS.replace("sts", "logs"))
    ec2.modify_vpc_endpoint(VpcEndpointId=other, PolicyDocument='{"Statement": []}')
    by_id = [{"Name": "vpc-endpoint-id", "Values": [other]}]
    (found,) = ec2.describe_vpc_endpoints(Filters=by_id)["VpcEndpoints"]
    assert (found["VpcEndpointId"], found["PolicyDocument"]) == (other, '{"Statement": []}')
    assert one != other


def test_services_are_found_by_name(ec2):
    filters = [{"Name": "service-name", "Values": [STS, "aws.sagemaker.eu-central-1.notebook"]}]
    found = ec2.describe_vpc_endpoint_services(Filters=filters)["ServiceNames"]
    assert found == ["aws.sagemaker.eu-central-1.notebook", STS]


def test_the_description_of_a_rule_changes(ec2, group):
    def rule(description):
        ranges = [{"CidrIp": "10.1.0.0/16", "Description": description}]
        return {
            "GroupId": one,
            "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "IpRanges": ranges}],
        }

    one = group("one")
    for way in ("egress", "ingress"):
        getattr(ec2, f"authorize_security_group_{way}")(**rule("before"))
        assert getattr(ec2, f"update_security_group_rule_descriptions_{way}")(**rule("after"))["Return"] is True
    (there,) = ec2.describe_security_groups(GroupIds=[one])["SecurityGroups"]
    assert there["IpPermissions"][0]["IpRanges"] == rule("after")["IpPermissions"][0]["IpRanges"]


def test_the_tags_of_a_nat_gateway_are_found_by_its_type(ec2, subnet):
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    ec2.create_tags(Resources=[nat], Tags=[{"Key": "a", "Value": "1"}])
    (tag,) = ec2.describe_tags(Filters=[{"Name": "resource-type", "Values": ["natgateway"]}])["Tags"]
    assert (tag["ResourceId"], tag["Key"]) == (nat, "a")
