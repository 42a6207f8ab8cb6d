# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Networks: what AWS, unlike moto, refuses and returns."""

from __future__ import annotations

import json
import time

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
    make_endpoint(one, PrivateDnsEnabled=False)
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


def test_a_flow_log_is_written_to_a_bucket_that_lets_it_and_is_there_once(ec2, vpc, sandbox, client_for, refused):
    s3 = client_for("s3", sandbox.endpoint)
    logs = {"ResourceIds": [vpc], "ResourceType": "VPC", "LogDestinationType": "s3", "TrafficType": "ALL"}
    to = {folder: {**logs, "LogDestination": f"arn:aws:s3:::logs{folder}"} for folder in ("", "/a", "/b")}
    assert ec2.create_flow_logs(**to["/a"])["Unsuccessful"][0]["Error"]["Message"].endswith("does not exist.")
    s3.create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    assert "Access Denied" in ec2.create_flow_logs(**to["/a"])["Unsuccessful"][0]["Error"]["Message"]
    allow = {"Effect": "Allow", "Principal": {"Service": "delivery.logs.amazonaws.com"}, "Action": "s3:PutObject"}
    s3.put_bucket_policy(Bucket="logs", Policy=json.dumps({"Statement": {**allow, "Resource": "arn:aws:s3:::logs/*"}}))
    made = [ec2.create_flow_logs(**each)["FlowLogIds"][0] for each in to.values()]
    assert refused(ec2.create_flow_logs, **to["/b"])[0] == "FlowLogAlreadyExists"
    found = ec2.describe_flow_logs(Filter=[{"Name": "resource-id", "Values": [vpc]}])["FlowLogs"]
    assert {each["FlowLogId"]: each["LogDestination"] for each in found} == {
        flow_log: each["LogDestination"] for flow_log, each in zip(made, to.values(), strict=True)
    }
    assert ec2.delete_flow_logs(FlowLogIds=made).get("Unsuccessful", []) == []


def test_a_deleted_endpoint_is_returned_for_a_while(ec2, group, make_endpoint):
    endpoint, _ = make_endpoint(group("one"))
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    asked = [{"Name": "vpc-endpoint-id", "Values": [endpoint]}]
    assert [each["State"] for each in ec2.describe_vpc_endpoints(Filters=asked)["VpcEndpoints"]] == ["deleted"]
    deadline = time.monotonic() + 60
    while ec2.describe_vpc_endpoints(Filters=asked)["VpcEndpoints"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
