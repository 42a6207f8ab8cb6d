# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""One function per API call of EFS: a retry, an error handler, one call. No logic lives here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list

from ..common.amazon import is_boto3_error_code
from ..common.calls import PAGES, retry
from ..common.errors import NotebookErrorHandler

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_efs import EFSClient

DNS_SUFFIXES = {"aws-cn": "amazonaws.com.cn", "aws-iso": "c2s.ic.gov", "aws-iso-b": "sc2s.sgov.gov"}
MISSING = [
    "FileSystemNotFound",
    "MountTargetNotFound",
    "AccessPointNotFound",
    "PolicyNotFound",
    "IncorrectMountTargetState",  # its security groups are not there yet, or no longer
]


class handler(NotebookErrorHandler):  # noqa: N801  # used as `api.handler` is
    """The error handler of amazon.aws, with EFS's codes for a missing resource."""

    @classmethod
    def _is_missing(cls) -> Any:
        return is_boto3_error_code(MISSING)


class adopting(NotebookErrorHandler):  # noqa: N801
    """For a Create with a token: if the token is taken, the answer to an earlier attempt was lost."""

    @classmethod
    def _is_missing(cls) -> Any:
        return is_boto3_error_code(["FileSystemAlreadyExists", "AccessPointAlreadyExists"])


def dns_name(client: EFSClient, file_system_id: str) -> str:
    """The name by which clients in the VPC reach a file system; no call is made."""
    suffix = DNS_SUFFIXES.get(client.meta.partition, "amazonaws.com")
    return f"{file_system_id}.efs.{client.meta.region_name}.{suffix}"


# File systems


@handler.list_error_handler("describe the file systems", ())
@retry
def describe_file_systems(client: EFSClient, **filters: Any) -> list[Mapping[str, Any]]:
    """The file systems that DescribeFileSystems returns, of all pages; none if the one asked for is not there."""
    pages = client.get_paginator("describe_file_systems").paginate(**filters)
    return [each for page in pages for each in page["FileSystems"]]


@adopting.list_error_handler("create the file system")
@retry
def create_file_system(client: EFSClient, name: str, params: dict[str, Any]) -> None:
    """Calls CreateFileSystem, with the name as token."""
    client.create_file_system(CreationToken=name, **params)


@handler.common_error_handler("update the file system")
@retry
def update_file_system(client: EFSClient, file_system_id: str, params: dict[str, Any]) -> None:
    """Calls UpdateFileSystem, which changes the throughput."""
    client.update_file_system(FileSystemId=file_system_id, **params)


@handler.deletion_error_handler("delete the file system")
@retry
def delete_file_system(client: EFSClient, file_system_id: str) -> None:
    """Calls DeleteFileSystem; mount targets have to be gone. All files go with it."""
    client.delete_file_system(FileSystemId=file_system_id)


@handler.common_error_handler("describe the lifecycle policies of the file system")
@retry
def describe_lifecycle_policies(client: EFSClient, file_system_id: str) -> list[Any]:
    """What DescribeLifecycleConfiguration returns: a list of policies with one transition each."""
    return list(client.describe_lifecycle_configuration(FileSystemId=file_system_id).get("LifecyclePolicies", []))


@handler.common_error_handler("change the lifecycle policies of the file system")
@retry
def put_lifecycle_policies(client: EFSClient, file_system_id: str, policies: list[Any]) -> None:
    """Calls PutLifecycleConfiguration."""
    client.put_lifecycle_configuration(FileSystemId=file_system_id, LifecyclePolicies=policies)


@handler.list_error_handler("describe the backup policy of the file system", "DISABLED")
@retry
def describe_backup_status(client: EFSClient, file_system_id: str) -> str:
    """The status in DescribeBackupPolicy; DISABLED if there is no policy."""
    return client.describe_backup_policy(FileSystemId=file_system_id)["BackupPolicy"]["Status"]


@handler.common_error_handler("change the backup policy of the file system")
@retry
def put_backup_policy(client: EFSClient, file_system_id: str, enabled: bool) -> None:
    """Calls PutBackupPolicy."""
    client.put_backup_policy(FileSystemId=file_system_id, BackupPolicy={"Status": "ENABLED" if enabled else "DISABLED"})


@handler.list_error_handler("describe the policy of the file system", None)
@retry
def describe_policy(client: EFSClient, file_system_id: str) -> dict[str, Any] | None:
    """The policy in DescribeFileSystemPolicy, or None if there is none."""
    policy: dict[str, Any] = json.loads(client.describe_file_system_policy(FileSystemId=file_system_id)["Policy"])
    return policy


@handler.common_error_handler("change the policy of the file system")
@retry
def put_policy(client: EFSClient, file_system_id: str, policy: dict[str, Any]) -> None:
    """Calls PutFileSystemPolicy."""
    client.put_file_system_policy(FileSystemId=file_system_id, Policy=json.dumps(policy))


@handler.deletion_error_handler("delete the policy of the file system")
@retry
def delete_policy(client: EFSClient, file_system_id: str) -> None:
    """Calls DeleteFileSystemPolicy."""
    client.delete_file_system_policy(FileSystemId=file_system_id)


# Mount targets


@handler.list_error_handler("describe the mount targets", ())
@retry
def describe_mount_targets(client: EFSClient, file_system_id: str) -> list[Mapping[str, Any]]:
    """The mount targets that DescribeMountTargets returns, of all pages."""
    pages = client.get_paginator("describe_mount_targets").paginate(FileSystemId=file_system_id)
    return [each for page in pages for each in page["MountTargets"]]


@handler.list_error_handler("describe the security groups of the mount target", None)
@retry
def describe_security_groups(client: EFSClient, mount_target_id: str) -> list[str] | None:
    """What DescribeMountTargetSecurityGroups returns; None while the mount target is made or deleted."""
    return client.describe_mount_target_security_groups(MountTargetId=mount_target_id)["SecurityGroups"]


@handler.common_error_handler("create the mount target")
@retry
def create_mount_target(client: EFSClient, file_system_id: str, params: dict[str, Any]) -> None:
    """Calls CreateMountTarget."""
    client.create_mount_target(FileSystemId=file_system_id, **params)


@handler.common_error_handler("change the security groups of the mount target")
@retry
def modify_security_groups(client: EFSClient, mount_target_id: str, groups: list[str]) -> None:
    """Calls ModifyMountTargetSecurityGroups."""
    client.modify_mount_target_security_groups(MountTargetId=mount_target_id, SecurityGroups=groups)


@handler.deletion_error_handler("delete the mount target")
@retry
def delete_mount_target(client: EFSClient, mount_target_id: str) -> None:
    """Calls DeleteMountTarget."""
    client.delete_mount_target(MountTargetId=mount_target_id)


@handler.common_error_handler("describe the subnets of the mount targets")
@retry
def describe_subnets(client: EC2Client, subnet_ids: list[str]) -> dict[str, Mapping[str, Any]]:
    """The subnets that there are of these, by id."""
    pages = client.get_paginator("describe_subnets").paginate(Filters=[{"Name": "subnet-id", "Values": subnet_ids}])
    return {subnet["SubnetId"]: subnet for page in pages for subnet in page["Subnets"]}


# Access points


@handler.list_error_handler("describe the access points", ())
@retry
def describe_access_points(client: EFSClient, **filters: Any) -> list[Mapping[str, Any]]:
    """The access points that DescribeAccessPoints returns, of all pages; none if their file system does not exist."""
    pages = client.get_paginator("describe_access_points").paginate(**filters, PaginationConfig=PAGES)
    return [each for page in pages for each in page["AccessPoints"]]


@adopting.list_error_handler("create the access point")
@retry
def create_access_point(client: EFSClient, params: dict[str, Any]) -> None:
    """Calls CreateAccessPoint."""
    client.create_access_point(**params)


@handler.deletion_error_handler("delete the access point")
@retry
def delete_access_point(client: EFSClient, access_point_id: str) -> None:
    """Calls DeleteAccessPoint. Files stay."""
    client.delete_access_point(AccessPointId=access_point_id)


# Tags


@handler.common_error_handler("add tags")
@retry
def tag_resource(client: EFSClient, resource_id: str, tags: dict[str, str]) -> None:
    """Calls TagResource, which overwrites the values of existing keys."""
    client.tag_resource(ResourceId=resource_id, Tags=ansible_dict_to_boto3_tag_list(tags))


@handler.common_error_handler("remove tags")
@retry
def untag_resource(client: EFSClient, resource_id: str, keys: list[str]) -> None:
    """Calls UntagResource."""
    client.untag_resource(ResourceId=resource_id, TagKeys=keys)
