# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Reads the platform's storage: file systems with all that belongs to them, and buckets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..common.amazon import boto3_resource_to_ansible_dict
from ..common.calls import in_parallel
from ..s3.api import list_keys
from ..s3.read import is_own_bucket, read_bucket
from . import access_point, api, file_system
from .access_point import GONE

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_efs import EFSClient


def bucket_name(kind: str, named: str, efs_name: str, account: Mapping[str, str]) -> str:
    """The name of a bucket, for results or tools; all accounts and regions share the names of buckets."""
    return named or f"{efs_name}-{kind}-{account['account']}-{account['region']}"


def read_storage(clients: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The existing resources among `wanted` (plugin_utils/plans/storage.py: wanted_to_read), in snake_case.

    The module adds `account` (account, partition and region) to what is wanted: a name of a bucket may be made of it.
    """
    file_systems = wanted["names"] or wanted["file_system_id"]
    readers: dict[str, Callable[[], Any]] = {
        "file_systems": lambda: _read_file_systems(clients["efs"], wanted) if file_systems else [],
        "subnets": lambda: _read_subnets(clients["ec2"], wanted["subnet_ids"]) if wanted["subnet_ids"] else {},
        "bucket": lambda: _read_results_bucket(clients["s3"], wanted) if wanted["bucket"] else None,
        "has_log_bucket": lambda: _has_log_bucket(clients["s3"], wanted) if wanted["log_bucket"] else None,
        "tools_bucket": lambda: _read_tools_bucket(clients["s3"], wanted) if wanted["tools_bucket"] else None,
    }
    results = in_parallel(lambda read: read(), readers.values())
    return {"ids_only": wanted["ids_only"], **dict(zip(readers, results, strict=True))}


def _read_file_systems(client: EFSClient, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those of the names and the id that are wanted, but for those that are going away."""
    names, file_system_id = wanted["names"], wanted["file_system_id"]
    # One is asked for, so that an account with thousands of them is no matter; several come 100 in a call.
    one = {"FileSystemId": file_system_id} if file_system_id else {"CreationToken": names[0]}
    found = api.describe_file_systems(client, **(one if len(names) < 2 else {}))
    there = [
        each
        for each in found
        if each["LifeCycleState"] not in GONE
        and (each["CreationToken"] in names or each["FileSystemId"] == file_system_id)
    ]
    return in_parallel(lambda answer: _read_parts(client, answer, wanted["parts"]), there)


def _read_parts(client: EFSClient, answer: Mapping[str, Any], parts: list[str]) -> dict[str, Any]:
    read = in_parallel(lambda part: PARTS[part](client, answer), parts)
    return {**file_system.normalised(client, answer), **{key: value for part in read for key, value in part.items()}}


def _read_mount_targets(client: EFSClient, answer: Mapping[str, Any]) -> dict[str, Any]:
    found = api.describe_mount_targets(client, answer["FileSystemId"])
    return {"mount_targets": [boto3_resource_to_ansible_dict(dict(each), force_tags=False) for each in found]}


def _read_access_points(client: EFSClient, answer: Mapping[str, Any]) -> dict[str, Any]:
    found = [
        access_point.normalised(each)
        for each in api.describe_access_points(client, FileSystemId=answer["FileSystemId"])
    ]
    return {"access_points": [each for each in found if each["life_cycle_state"] not in GONE]}


PARTS: dict[str, Callable[[EFSClient, Mapping[str, Any]], dict[str, Any]]] = {
    "details": file_system.read_details,  # mount targets too
    "mount_targets": _read_mount_targets,
    "access_points": _read_access_points,
}


def _read_subnets(client: EC2Client, subnet_ids: list[str]) -> dict[str, dict[str, str]]:
    found = api.describe_subnets(client, subnet_ids)
    return {
        subnet_id: {"vpc_id": subnet["VpcId"], "zone": subnet["AvailabilityZone"]}
        for subnet_id, subnet in found.items()
    }


def _read_results_bucket(client: Any, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    bucket, account = wanted["bucket"], wanted["account"]
    name = bucket_name("results", bucket["named"], bucket["efs_name"], account)
    return read_bucket(client, name, account["account"], settings=bucket["settings"])


def _has_log_bucket(client: Any, wanted: Mapping[str, Any]) -> bool:
    return bool(is_own_bucket(client, wanted["log_bucket"], wanted["account"]["account"]))


def _read_tools_bucket(client: Any, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    """The bucket, and the wanted keys that it has."""
    asked, account = wanted["tools_bucket"], wanted["account"]
    name = bucket_name("tools", asked["named"], asked["efs_name"], account)
    found = read_bucket(client, name, account["account"], settings=asked["settings"]) if asked["bucket"] else {}
    if found is None or found.get("foreign"):
        return found
    return {**found, "keys": list(list_keys(client, name, account["account"])) if asked["keys"] else []}
