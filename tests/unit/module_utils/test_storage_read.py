# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The calls that read the platform's storage."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import NotebookError
from ansible_collections.datalab.notebooks.plugins.module_utils.efs.read import read_storage
from ansible_collections.datalab.notebooks.plugins.module_utils.s3 import api as api_s3
from ansible_collections.datalab.notebooks.plugins.module_utils.s3.read import read_bucket

if TYPE_CHECKING:
    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

ACCOUNT = {"account": "123456789012", "partition": "aws", "region": "eu-central-1"}
BUCKET = "datalab-results-123456789012-eu-central-1"
OURS = {"Bucket": BUCKET, "ExpectedBucketOwner": "123456789012"}
FS, OTHER_FS = "fs-0123456789abcdef0", "fs-0123456789abcdef1"
SUBNET, GROUP, TARGET = "subnet-0123456789abcdef0", "sg-0123456789abcdef0", "fsmt-0123456789abcdef0"
BY_NAME, BY_ID = {"CreationToken": "datalab"}, {"FileSystemId": FS}
NOTHING: dict[str, Any] = {
    "ids_only": False,
    "names": [],
    "file_system_id": "",
    "parts": [],
    "subnet_ids": [],
    "bucket": None,
    "log_bucket": "",
    "tools_bucket": None,
    "account": ACCOUNT,
}

pytestmark = pytest.mark.usefixtures("one_at_a_time")


def described(name: str = "datalab", file_system_id: str = FS, state: str = "available") -> dict[str, Any]:
    """An element of DescribeFileSystems' answer."""
    return {
        "OwnerId": "123456789012",
        "FileSystemId": file_system_id,
        "CreationToken": name,
        "CreationTime": datetime(2026, 3, 1, 8, 30, tzinfo=UTC),
        "LifeCycleState": state,
        "NumberOfMountTargets": 1,
        "SizeInBytes": {"Value": 6144},
        "PerformanceMode": "generalPurpose",
        "Encrypted": True,
        "Tags": [{"Key": "Name", "Value": name}],
    }


def target() -> dict[str, Any]:
    """An element of DescribeMountTargets' answer."""
    return {"MountTargetId": TARGET, "FileSystemId": FS, "SubnetId": SUBNET, "LifeCycleState": "available"}


def point(name: str, state: str = "available") -> dict[str, Any]:
    """An element of DescribeAccessPoints' answer."""
    tags = [{"Key": "Name", "Value": name}]
    return {"AccessPointId": f"fsap-{name}", "Tags": tags, "Name": name, "LifeCycleState": state}


def finds(efs: Script, *systems: dict[str, Any], **filters: str) -> None:
    efs.call("describe_file_systems", filters, {"FileSystems": list(systems)})


def has_details(efs: Script) -> None:
    policies = [{"TransitionToIA": "AFTER_30_DAYS"}]
    efs.call("describe_lifecycle_configuration", BY_ID, {"LifecyclePolicies": policies})
    efs.call("describe_backup_policy", BY_ID, {"BackupPolicy": {"Status": "ENABLING"}})
    efs.call("describe_file_system_policy", BY_ID, {"FileSystemId": FS, "Policy": '{"Statement": []}'})
    efs.call("describe_mount_targets", BY_ID, {"MountTargets": [target()]})
    groups = {"SecurityGroups": [GROUP]}
    efs.call("describe_mount_target_security_groups", {"MountTargetId": TARGET}, groups)


def has_points(efs: Script, *pages: list[dict[str, Any]]) -> None:
    params = {**BY_ID, "MaxResults": 100}
    for number, points in enumerate(pages, 1):
        token = {"NextToken": str(number)} if number < len(pages) else {}
        efs.call("describe_access_points", params, {"AccessPoints": points, **token})
        params = {**params, "NextToken": str(number)}


def read(wanted: dict[str, Any], **clients: Script) -> dict[str, Any]:
    found = read_storage({name: script.client for name, script in clients.items()}, {**NOTHING, **wanted})
    assert json.loads(json.dumps(found)) == found
    return found


def test_reads_everything(efs: Script, ec2: Script, s3: Script) -> None:
    finds(efs, described(), **BY_NAME)
    has_details(efs)
    has_points(efs, [point("alice")])
    subnet = {"SubnetId": SUBNET, "VpcId": "vpc-1", "AvailabilityZone": "eu-central-1a"}
    filters = [{"Name": "subnet-id", "Values": [SUBNET]}]
    ec2.call("describe_subnets", {"Filters": filters}, {"Subnets": [subnet]})
    s3.call("head_bucket", OURS)
    s3.call("get_bucket_tagging", OURS, {"TagSet": [{"Key": "datalab:storage", "Value": "datalab"}]})
    found = read(
        {
            "names": ["datalab"],
            "parts": ["details", "access_points"],
            "subnet_ids": [SUBNET],
            "bucket": {"named": "", "efs_name": "datalab", "settings": False},
        },
        efs=efs,
        ec2=ec2,
        s3=s3,
    )
    assert found == {
        "ids_only": False,
        "file_systems": [
            {
                "owner_id": "123456789012",
                "file_system_id": FS,
                "creation_token": "datalab",
                "creation_time": "2026-03-01T08:30:00+00:00",
                "dns_name": f"{FS}.efs.eu-central-1.amazonaws.com",
                "life_cycle_state": "available",
                "number_of_mount_targets": 1,
                "size_in_bytes": {"value": 6144},
                "performance_mode": "generalPurpose",
                "encrypted": True,
                "tags": {"Name": "datalab"},
                "lifecycle_policies": {"transition_to_ia": "AFTER_30_DAYS"},
                "backup": True,
                "policy": {"Statement": []},
                "mount_targets": [
                    {
                        "mount_target_id": TARGET,
                        "file_system_id": FS,
                        "subnet_id": SUBNET,
                        "life_cycle_state": "available",
                        "security_groups": [GROUP],
                    }
                ],
                "access_points": [
                    {
                        "access_point_id": "fsap-alice",
                        "name": "alice",
                        "life_cycle_state": "available",
                        "tags": {"Name": "alice"},
                    }
                ],
            }
        ],
        "subnets": {SUBNET: {"vpc_id": "vpc-1", "zone": "eu-central-1a"}},
        "bucket": {"name": BUCKET, "foreign": False, "is_blank": False, "tags": {"datalab:storage": "datalab"}},
        "has_log_bucket": None,
        "tools_bucket": None,
    }


def test_nothing_wanted_is_nothing_read() -> None:
    nothing: dict[str, Any] = {"file_systems": [], "subnets": {}, "bucket": None, "has_log_bucket": None}
    assert read({}) == {"ids_only": False, **nothing, "tools_bucket": None}


def test_ids_cost_one_call(efs: Script) -> None:
    finds(efs, described(), **BY_NAME)
    found = read({"names": ["datalab"], "ids_only": True}, efs=efs)
    assert found["ids_only"]
    assert found["file_systems"][0]["dns_name"] == f"{FS}.efs.eu-central-1.amazonaws.com"
    assert "mount_targets" not in found["file_systems"][0]


def test_a_thousand_access_points_cost_ten_calls(efs: Script) -> None:
    finds(efs, described(), **BY_NAME)
    pages = [[point(f"person{page}{n:02}") for n in range(100)] for page in range(10)]
    has_points(efs, *pages)
    found = read({"names": ["datalab"], "parts": ["access_points"], "ids_only": True}, efs=efs)
    assert len(found["file_systems"][0]["access_points"]) == 1000


@pytest.mark.parametrize("state", ["deleting", "deleted"])
def test_a_deleting_file_system_counts_as_missing(efs: Script, state: str) -> None:
    finds(efs, described(state=state), **BY_NAME)
    assert read({"names": ["datalab"], "parts": ["details"]}, efs=efs)["file_systems"] == []
    finds(efs, described(), **BY_NAME)
    has_points(efs, [point("alice", state), point("bob")])
    (system,) = read({"names": ["datalab"], "parts": ["access_points"]}, efs=efs)["file_systems"]
    assert [each["name"] for each in system["access_points"]] == ["bob"]


def test_several_file_systems_come_in_one_call(efs: Script) -> None:
    theirs = described("theirs", "fs-0123456789abcdef2")
    finds(efs, described("datalab-alice"), theirs, described("datalab-bob", OTHER_FS))
    for file_system_id in (FS, OTHER_FS):
        efs.call("describe_mount_targets", {"FileSystemId": file_system_id}, {"MountTargets": [target()]})
    wanted = {"names": ["datalab-alice", "datalab-bob"], "parts": ["mount_targets"]}
    found = read(wanted, efs=efs)["file_systems"]
    assert [each["creation_token"] for each in found] == ["datalab-alice", "datalab-bob"]
    assert found[0]["mount_targets"][0]["subnet_id"] == SUBNET


def test_a_file_system_that_is_given(efs: Script) -> None:
    finds(efs, described("theirs"), **BY_ID)
    has_points(efs, [point("alice")])
    (system,) = read({"file_system_id": FS, "parts": ["access_points"]}, efs=efs)["file_systems"]
    assert [each["name"] for each in system["access_points"]] == ["alice"]

    efs.refuse("describe_file_systems", BY_ID, "FileSystemNotFound", "no")
    assert read({"file_system_id": FS, "parts": ["access_points"]}, efs=efs)["file_systems"] == []


# The bucket

ENCRYPTION = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/datalab"}
BLOCK = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False, "RestrictPublicBuckets": True}


def test_reads_a_bucket(s3: Script) -> None:
    s3.call("head_bucket", OURS)
    rules: list[dict[str, Any]] = [{"ApplyServerSideEncryptionByDefault": ENCRYPTION, "BucketKeyEnabled": False}]
    s3.call("get_bucket_encryption", OURS, {"ServerSideEncryptionConfiguration": {"Rules": rules}})
    s3.call("get_public_access_block", OURS, {"PublicAccessBlockConfiguration": BLOCK})
    controls = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    s3.call("get_bucket_ownership_controls", OURS, {"OwnershipControls": controls})
    s3.call("get_bucket_versioning", OURS, {"Status": "Enabled"})
    s3.call("get_bucket_policy", OURS, {"Policy": '{"Version": "2012-10-17", "Statement": []}'})
    s3.call("get_bucket_tagging", OURS, {"TagSet": [{"Key": "Cost", "Value": "4711"}]})
    rule = {
        "ID": "expire",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Expiration": {"Days": 30},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }
    dated = {"Status": "Enabled", "Expiration": {"Date": datetime(2026, 3, 1, tzinfo=UTC)}}
    s3.call("get_bucket_lifecycle_configuration", OURS, {"Rules": [rule, dated]})
    log = {"TargetBucket": "logs", "TargetPrefix": "ours/", "TargetGrants": []}
    s3.call("get_bucket_logging", OURS, {"LoggingEnabled": log})
    found = read_bucket(s3.client, BUCKET, "123456789012")
    assert found == {
        "name": BUCKET,
        "foreign": False,
        "is_blank": False,
        "encryption": {"algorithm": "aws:kms", "key_id": "alias/datalab"},
        "public_access": {
            "block_public_acls": True,
            "ignore_public_acls": True,
            "block_public_policy": False,
            "restrict_public_buckets": True,
        },
        "object_ownership": "BucketOwnerEnforced",
        "versioning": "Enabled",
        "policy": {"Version": "2012-10-17", "Statement": []},
        "tags": {"Cost": "4711"},
        "lifecycle_rules": [
            {
                "id": "expire",
                "status": "Enabled",
                "filter": {"prefix": ""},
                "expiration": {"days": 30},
                "noncurrent_version_expiration": {"noncurrent_days": 7},
                "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
            },
            {"status": "Enabled", "expiration": {"date": "2026-03-01T00:00:00+00:00"}},
        ],
        "access_log": {"bucket": "logs", "prefix": "ours/"},
    }
    assert json.loads(json.dumps(found)) == found


CONTENTS: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"Versions": [{"Key": "a"}]}, False),
    ({"DeleteMarkers": [{"Key": "a"}]}, False),
]


@pytest.mark.parametrize(("contents", "is_blank"), CONTENTS)
def test_reads_a_bucket_without_settings(s3: Script, contents: dict[str, Any], is_blank: bool) -> None:
    s3.call("head_bucket", OURS)
    for operation, code in (
        ("get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError"),
        ("get_public_access_block", "NoSuchPublicAccessBlockConfiguration"),
        ("get_bucket_ownership_controls", "OwnershipControlsNotFoundError"),
    ):
        s3.refuse(operation, OURS, code, "none")
    s3.call("get_bucket_versioning", OURS)
    s3.refuse("get_bucket_policy", OURS, "NoSuchBucketPolicy", "none")
    s3.refuse("get_bucket_tagging", OURS, "NoSuchTagSet", "none")
    s3.refuse("get_bucket_lifecycle_configuration", OURS, "NoSuchLifecycleConfiguration", "none")
    s3.call("get_bucket_logging", OURS)
    s3.call("list_object_versions", {**OURS, "MaxKeys": 1}, contents)
    assert read_bucket(s3.client, BUCKET, "123456789012") == {
        "name": BUCKET,
        "foreign": False,
        "is_blank": is_blank,
        "encryption": {"algorithm": None, "key_id": None},
        "public_access": {},
        "object_ownership": None,
        "versioning": "",
        "policy": {},
        "tags": {},
        "lifecycle_rules": [],
        "access_log": {},
    }


@pytest.mark.parametrize(("code", "is_there"), [("", True), ("403", False), ("404", False)])
def test_whether_the_bucket_for_access_logs_is_the_accounts(s3: Script, code: str, is_there: bool) -> None:
    logs = {"Bucket": "logs", "ExpectedBucketOwner": "123456789012"}
    if code:
        s3.refuse("head_bucket", logs, code, "no")
    else:
        s3.call("head_bucket", logs)
    assert read({"log_bucket": "logs"}, s3=s3)["has_log_bucket"] is is_there


def test_a_bucket_that_is_named(s3: Script) -> None:
    s3.refuse("head_bucket", {**OURS, "Bucket": "ours"}, "404", "Not Found")
    wanted = {"bucket": {"named": "ours", "efs_name": "datalab", "settings": True}}
    assert read(wanted, s3=s3)["bucket"] is None


TOOLS = {"named": "", "efs_name": "datalab", "settings": False, "bucket": True, "keys": True}
OUR_TOOLS = {**OURS, "Bucket": "datalab-tools-123456789012-eu-central-1"}


def test_the_tools_are_read_by_their_keys(s3: Script) -> None:
    pages: list[dict[str, Any]] = [{"Contents": [{"Key": "a/x"}], "NextContinuationToken": "2"}, {}]
    s3.call("list_objects_v2", OUR_TOOLS, {**pages[0], "IsTruncated": True})
    s3.call("list_objects_v2", {**OUR_TOOLS, "ContinuationToken": "2"}, {"Contents": [{"Key": "b/y"}]})
    assert read({"tools_bucket": {**TOOLS, "bucket": False}}, s3=s3)["tools_bucket"] == {"keys": ["a/x", "b/y"]}

    s3.refuse("list_objects_v2", OUR_TOOLS, "NoSuchBucket", "no")
    assert read({"tools_bucket": {**TOOLS, "bucket": False}}, s3=s3)["tools_bucket"] == {"keys": []}

    s3.call("head_bucket", OUR_TOOLS)
    s3.call("get_bucket_tagging", OUR_TOOLS, {"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.call("list_objects_v2", OUR_TOOLS, {})
    found = read({"tools_bucket": TOOLS}, s3=s3)["tools_bucket"]
    assert (found["tags"], found["keys"]) == ({"a": "b"}, [])


def test_no_keys_of_a_bucket_that_is_not_there_or_not_ours(s3: Script) -> None:
    s3.refuse("head_bucket", OUR_TOOLS, "404", "Not Found")
    assert read({"tools_bucket": TOOLS}, s3=s3)["tools_bucket"] is None
    s3.refuse("head_bucket", OUR_TOOLS, "403", "Forbidden")
    assert read({"tools_bucket": TOOLS}, s3=s3)["tools_bucket"] == {"name": OUR_TOOLS["Bucket"], "foreign": True}


def test_a_bucket_of_another_account(s3: Script) -> None:
    s3.refuse("head_bucket", OURS, "403", "Forbidden")
    assert read_bucket(s3.client, BUCKET, "123456789012") == {"name": BUCKET, "foreign": True}


def test_a_bucket_that_cannot_be_read(s3: Script) -> None:
    s3.refuse("head_bucket", OURS, "400", "Bad Request")
    with pytest.raises(NotebookError, match="Failed to find the bucket"):
        read_bucket(s3.client, BUCKET, "123456789012")
    s3.refuse("get_bucket_encryption", OURS, "AccessDenied", "no")
    with pytest.raises(NotebookError, match="Failed to get the encryption of the bucket"):
        api_s3.get_bucket_encryption(s3.client, BUCKET, "123456789012")
