# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EFS: what the sandbox's extension adds to moto."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

SLOW = 60
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*"}]}
NOBODY = "fs-0123456789abcdef0"


@pytest.fixture
def efs(sandbox, client_for):
    return client_for("efs", sandbox.endpoint)


@pytest.fixture
def create(efs):
    """Create a file system; return the parameter that names it."""

    def make(name="datalab", **fields):
        return {"FileSystemId": efs.create_file_system(CreationToken=name, **fields)["FileSystemId"]}

    return make


@pytest.fixture
def subnets(sandbox, client_for):
    """Create two subnets of a VPC, in two zones."""
    ec2 = client_for("ec2", sandbox.endpoint)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"eu-central-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]


@pytest.fixture
def error():
    """Make a call that must be refused; return the error's code."""

    def call(function, **params):
        with pytest.raises(ClientError) as caught:
            function(**params)
        return caught.value.response["Error"]["Code"]

    return call


def described(efs, **named):
    return efs.describe_file_systems(**named)["FileSystems"][0]


def test_throughput(efs, create):
    named = create(ThroughputMode="elastic")
    assert described(efs, **named)["ThroughputMode"] == "elastic"
    efs.update_file_system(**named, ThroughputMode="provisioned", ProvisionedThroughputInMibps=5)
    assert described(efs, **named)["ProvisionedThroughputInMibps"] == 5
    efs.update_file_system(**named, ThroughputMode="bursting")
    assert described(efs, **named)["ThroughputMode"] == "bursting"
    assert "ProvisionedThroughputInMibps" not in described(efs, **named)


def test_encrypted_files_have_a_key(efs, create):
    key = "01234567-89ab-cdef-0123-456789abcdef"
    assert described(efs, **create("a", Encrypted=True))["KmsKeyId"].startswith("arn:aws:kms:eu-central-1:1234")
    assert described(efs, **create("b", Encrypted=True, KmsKeyId=key))["KmsKeyId"].endswith(f":key/{key}")
    assert "KmsKeyId" not in described(efs, **create("c"))


def test_backup(efs, create, error):
    named = create()
    assert error(efs.describe_backup_policy, **named) == "PolicyNotFound"
    for status in ("ENABLED", "DISABLED"):
        efs.put_backup_policy(**named, BackupPolicy={"Status": status})
        assert efs.describe_backup_policy(**named)["BackupPolicy"]["Status"] == status


def test_policy(efs, create, error):
    named = create()
    assert error(efs.describe_file_system_policy, **named) == "PolicyNotFound"
    efs.put_file_system_policy(**named, Policy=json.dumps(POLICY))
    assert json.loads(efs.describe_file_system_policy(**named)["Policy"]) == POLICY
    efs.delete_file_system_policy(**named)
    assert error(efs.describe_file_system_policy, **named) == "PolicyNotFound"
    for text in ("no JSON", "[]", "{}"):
        assert error(efs.put_file_system_policy, **named, Policy=text) == "InvalidPolicyException"


def test_a_file_system_takes_its_time(sandbox, efs, create, error):
    sandbox.set_transition_seconds(SLOW)
    named = create()
    assert described(efs, **named)["LifeCycleState"] == "creating"
    for call, params in (
        (efs.update_file_system, {"ThroughputMode": "elastic"}),
        (efs.put_backup_policy, {"BackupPolicy": {"Status": "ENABLED"}}),
        (efs.put_file_system_policy, {"Policy": json.dumps(POLICY)}),
        (efs.delete_file_system_policy, {}),
        (efs.put_lifecycle_configuration, {"LifecyclePolicies": []}),
        (efs.create_mount_target, {"SubnetId": "subnet-01234567"}),
        (efs.create_access_point, {"ClientToken": "x"}),
    ):
        assert error(call, **named, **params) == "IncorrectFileSystemLifeCycleState"
    sandbox.set_transition_seconds(0)
    assert described(efs, **named)["LifeCycleState"] == "available"
    sandbox.set_transition_seconds(SLOW)
    efs.update_file_system(**named, ThroughputMode="elastic")
    assert described(efs, **named)["LifeCycleState"] == "updating"
    efs.delete_file_system(**named)
    assert described(efs, **named)["LifeCycleState"] == "deleting"
    assert error(efs.create_file_system, CreationToken="datalab") == "FileSystemAlreadyExists"
    sandbox.set_transition_seconds(0)
    assert error(efs.describe_file_systems, **named) == "FileSystemNotFound"
    create()


def test_a_mount_target_takes_its_time(sandbox, efs, create, subnets, error):
    named = create()
    sandbox.set_transition_seconds(SLOW)
    target = efs.create_mount_target(**named, SubnetId=subnets[0])
    assert "SecurityGroups" not in target
    target = {"MountTargetId": target["MountTargetId"]}
    assert efs.describe_mount_targets(**target)["MountTargets"][0]["LifeCycleState"] == "creating"
    for call in (
        efs.describe_mount_target_security_groups,
        efs.modify_mount_target_security_groups,
        efs.delete_mount_target,
    ):
        assert error(call, **target) == "IncorrectMountTargetState"
    sandbox.set_transition_seconds(0)
    (group,) = efs.describe_mount_target_security_groups(**target)["SecurityGroups"]
    assert group.startswith("sg-")
    sandbox.set_transition_seconds(SLOW)
    efs.delete_mount_target(**target)
    assert error(efs.create_mount_target, **named, SubnetId=subnets[0]) == "MountTargetConflict"
    assert error(efs.delete_file_system, **named) == "FileSystemInUse"
    sandbox.set_transition_seconds(0)
    assert efs.describe_mount_targets(**named)["MountTargets"] == []
    efs.create_mount_target(**named, SubnetId=subnets[0])
    efs.create_mount_target(**named, SubnetId=subnets[1])
    assert len(efs.describe_mount_targets(**named)["MountTargets"]) == 2


def test_access_points(sandbox, efs, create, error):
    named, other = create(), create("other")
    made = [efs.create_access_point(ClientToken=f"t{n}", **named)["AccessPointId"] for n in range(5)]
    efs.create_access_point(ClientToken="t9", **other)
    assert error(efs.create_access_point, ClientToken="t0", **named) == "AccessPointAlreadyExists"
    pages = list(efs.get_paginator("describe_access_points").paginate(**named, PaginationConfig={"PageSize": 2}))
    assert [len(page["AccessPoints"]) for page in pages] == [2, 2, 1]
    assert {each["AccessPointId"] for page in pages for each in page["AccessPoints"]} == set(made)
    assert error(efs.describe_access_points, **named, NextToken="nonsense") == "BadRequest"

    point = {"AccessPointId": made[0]}
    sandbox.set_transition_seconds(SLOW)
    efs.delete_access_point(**point)
    assert efs.describe_access_points(**point)["AccessPoints"][0]["LifeCycleState"] == "deleting"
    sandbox.set_transition_seconds(0)
    assert error(efs.describe_access_points, **point) == "AccessPointNotFound"
    assert error(efs.delete_access_point, **point) == "AccessPointNotFound"


@pytest.mark.parametrize(
    "operation",
    [
        "describe_access_points",
        "describe_backup_policy",
        "describe_file_system_policy",
        "describe_lifecycle_configuration",
        "delete_file_system",
        "delete_file_system_policy",
        "update_file_system",
    ],
)
def test_a_file_system_that_is_not_there(efs, error, operation):
    assert error(getattr(efs, operation), FileSystemId=NOBODY) == "FileSystemNotFound"


def test_a_mount_target_that_is_not_there(efs, error):
    for call in (efs.describe_mount_target_security_groups, efs.delete_mount_target):
        assert error(call, MountTargetId="fsmt-01234567") == "MountTargetNotFound"
