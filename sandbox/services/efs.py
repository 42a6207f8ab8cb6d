# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An extension of moto's EFS.

It adds UpdateFileSystem, PutBackupPolicy and DeleteFileSystemPolicy, pages of access points, transitional states, and
AWS's errors for resources that do not exist, are not available, or exist already.
"""

from __future__ import annotations

import json
from datetime import datetime
from threading import RLock
from typing import TYPE_CHECKING, Any

import moto.efs.models as moto_efs
import moto.efs.urls
from moto.efs.exceptions import AccessPointNotFound, BadRequest, EFSError, FileSystemNotFound, MountTargetNotFound
from moto.efs.models import AccessPoint as MotoAccessPoint
from moto.efs.models import FileSystem as MotoFileSystem
from moto.efs.models import MountTarget as MotoMountTarget
from moto.efs.responses import TYPE_RESPONSE, EFSResponse
from moto.moto_api._internal import mock_random
from moto.moto_api._internal.managed_state_model import ManagedState
from moto.sagemaker.exceptions import ValidationError

from .sagemaker.listing import page
from .sagemaker.models import STATE_MODEL  # so that all transitions take the same time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from moto.core.common_types import TYPE_RESPONSE as RESPONSE

PAGE_SIZE = 100
DELETED = "deleted"  # the state after deleting; no client ever sees it
TRANSITIONS: list[tuple[str | None, str]] = [
    ("creating", "available"),
    ("updating", "available"),
    ("deleting", DELETED),
]
JSON: dict[str, str | int] = {"Content-Type": "application/json"}
_one_at_a_time = RLock()  # the server has threads, and moto's backends are not thread-safe


class AlreadyThere(EFSError):
    """A resource with this creation token exists already."""

    code = 409


class NotReady(EFSError):
    """A resource that has to be available is in another state."""

    code = 409


class Passing(ManagedState):
    """A resource whose life cycle state advances by itself."""

    @property
    def life_cycle_state(self) -> str:
        """The current state."""
        return str(self.status)

    @life_cycle_state.setter
    def life_cycle_state(self, value: str) -> None:
        """Ignore moto's value: moto makes a resource available at once, but here it is creating first."""

    def begin(self, state: str) -> None:
        """Enter a transitional state."""
        self._status = state
        self._time_progressed = datetime.now()  # noqa: DTZ005  # what ManagedState compares it with

    def described(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return an answer of moto's as AWS gives it: with the current state, and without fields that have no value."""
        described = {key: value for key, value in answer.items() if value is not None and key != "ModelName"}
        return described | {"LifeCycleState": self.life_cycle_state}


class FileSystem(Passing, MotoFileSystem):
    """A file system that can be updated."""

    __module__ = "moto.efs.models"  # moto registers its models by the second part of the module's name

    def __init__(self, account_id: str, region_name: str, *args: Any, **fields: Any):
        ManagedState.__init__(self, STATE_MODEL, TRANSITIONS)
        if fields["encrypted"] and not str(fields["kms_key_id"]).startswith("arn:"):
            key = fields["kms_key_id"] or mock_random.uuid4()
            fields["kms_key_id"] = f"arn:aws:kms:{region_name}:{account_id}:key/{key}"
        MotoFileSystem.__init__(self, account_id, region_name, *args, **fields)
        self._backup_status: str | None = None

    @property
    def backup_policy(self) -> dict[str, str] | None:
        """The policy that was set last, or else the one of the creation."""
        return {"Status": self._backup_status} if self._backup_status else super().backup_policy

    def put_backup_policy(self, status: str) -> None:
        """Switch backups on or off."""
        self._backup_status = status

    def update(self, throughput_mode: str | None, mibps: float | None) -> None:
        """Set another throughput, and begin to apply it."""
        self.throughput_mode = throughput_mode or self.throughput_mode
        provisioned = self.throughput_mode == "provisioned"
        self.provisioned_throughput_in_mibps = (mibps or self.provisioned_throughput_in_mibps) if provisioned else None  # type: ignore[assignment]  # moto's type has no None
        self.begin("updating")

    def info_json(self) -> dict[str, Any]:
        """Return the file system as DescribeFileSystems does."""
        return self.described(super().info_json())


class MountTarget(Passing, MotoMountTarget):
    """A mount target with transitional states."""

    __module__ = "moto.efs.models"

    def __init__(self, *args: Any, **fields: Any):
        ManagedState.__init__(self, STATE_MODEL, TRANSITIONS)
        MotoMountTarget.__init__(self, *args, **fields)

    def info_json(self) -> dict[str, Any]:
        """Return the mount target as DescribeMountTargets does."""
        answer = self.described(super().info_json())
        return {key: value for key, value in answer.items() if key != "SecurityGroups"}


class AccessPoint(Passing, MotoAccessPoint):
    """An access point with transitional states."""

    __module__ = "moto.efs.models"

    def __init__(self, *args: Any, **fields: Any):
        ManagedState.__init__(self, STATE_MODEL, TRANSITIONS)
        MotoAccessPoint.__init__(self, *args, **fields)

    def info_json(self) -> dict[str, Any]:
        """Return the access point as DescribeAccessPoints does."""
        return self.described(super().info_json())


class EfsBackend(moto_efs.EFSBackend):
    """One account's file systems in one region, with AWS's rules."""

    __module__ = "moto.efs.models"  # where moto looks for the service's URLs

    def forget_deleted(self) -> None:
        """Remove the resources whose deletion is finished."""
        for target in _deleted(self.mount_targets_by_id):
            super().delete_mount_target(target)
        for point in _deleted(self.access_points):
            super().delete_access_point(point)
        for file_system in _deleted(self.file_systems_by_id):
            super().delete_file_system(file_system)

    def get_file_system(self, file_system_id: str, ready: bool = False) -> FileSystem:
        """Return the file system of this id; with `ready` it has to be available."""
        found = self.file_systems_by_id.get(file_system_id)
        if found is None:
            raise FileSystemNotFound(file_system_id)
        assert isinstance(found, FileSystem)
        if ready and found.life_cycle_state != "available":
            raise NotReady("IncorrectFileSystemLifeCycleState", f"{file_system_id} is {found.life_cycle_state}.")
        return found

    def get_mount_target(self, mount_target_id: str) -> MountTarget:
        """Return the mount target of this id, which has to be available."""
        found = self.mount_targets_by_id.get(mount_target_id)
        if found is None:
            raise MountTargetNotFound(mount_target_id)
        assert isinstance(found, MountTarget)
        if found.life_cycle_state != "available":
            raise NotReady("IncorrectMountTargetState", f"{mount_target_id} is {found.life_cycle_state}.")
        return found

    # File systems

    def delete_file_system(self, file_system_id: str) -> None:
        """Begin to delete a file system without mount targets."""
        file_system = self.get_file_system(file_system_id)
        if file_system.number_of_mount_targets:
            super().delete_file_system(file_system_id)  # raises the error
        file_system.begin("deleting")

    def put_lifecycle_configuration(self, file_system_id: str, policies: list[dict[str, str]]) -> None:
        """Set the lifecycle policies."""
        self.get_file_system(file_system_id, ready=True).lifecycle_policies = policies

    def describe_backup_policy(self, file_system_id: str) -> dict[str, str]:
        """Return the backup policy of a file system, which has to exist."""
        self.get_file_system(file_system_id)
        return super().describe_backup_policy(file_system_id)

    def describe_file_system_policy(self, file_system_id: str) -> str:
        """Return the policy of a file system, which has to exist."""
        self.get_file_system(file_system_id)
        return super().describe_file_system_policy(file_system_id)

    def put_file_system_policy(
        self, file_system_id: str, policy: str, bypass_policy_lockout_safety_check: bool
    ) -> None:
        """Set the policy; refuse a malformed one."""
        file_system = self.get_file_system(file_system_id, ready=True)
        try:
            is_policy = bool(json.loads(policy)["Statement"])
        except (ValueError, TypeError, LookupError):
            is_policy = False
        if not is_policy:
            raise EFSError("InvalidPolicyException", "Policy document is malformed.")
        file_system.file_system_policy = policy

    # Mount targets

    def create_mount_target(
        self, file_system_id: str, subnet_id: str, ip_address: str | None = None, security_groups: Any = None
    ) -> MotoMountTarget:
        """Begin to create a mount target, with the VPC's default group if none is given."""
        self.get_file_system(file_system_id, ready=True)
        target = super().create_mount_target(file_system_id, subnet_id, ip_address, security_groups)
        interface = self.ec2_backend.enis[target.network_interface_id]
        interface.description = f"EFS mount target for {file_system_id} ({target.mount_target_id})"
        if security_groups is None:
            target.security_groups = [self.ec2_backend.get_default_security_group(target.vpc_id).id]
        return target

    def delete_mount_target(self, mount_target_id: str) -> None:
        """Begin to delete a mount target."""
        self.get_mount_target(mount_target_id).begin("deleting")

    def describe_mount_target_security_groups(self, mount_target_id: str) -> list[str] | None:
        """Return the security groups of an available mount target."""
        return self.get_mount_target(mount_target_id).security_groups

    def modify_mount_target_security_groups(self, mount_target_id: str, security_groups: list[str]) -> None:
        """Set the security groups of an available mount target."""
        self.get_mount_target(mount_target_id)
        super().modify_mount_target_security_groups(mount_target_id, security_groups)

    # Access points

    def create_access_point(self, client_token: str, *args: Any, **fields: Any) -> MotoAccessPoint:
        """Begin to create an access point; refuse a token that another one has."""
        self.get_file_system(fields["file_system_id"], ready=True)
        for point in self.access_points.values():
            if point.client_token == client_token:
                raise AlreadyThere("AccessPointAlreadyExists", f"{point.access_point_id} already exists.")
        return super().create_access_point(client_token, *args, **fields)

    def describe_access_points(self, access_point_id: str | None, file_system_id: str | None) -> list[MotoAccessPoint]:
        """Return the access points of a file system, which has to exist."""
        if file_system_id:
            self.get_file_system(file_system_id)
        return super().describe_access_points(access_point_id, file_system_id)

    def delete_access_point(self, access_point_id: str) -> None:
        """Begin to delete an access point."""
        if access_point_id not in self.access_points:
            raise AccessPointNotFound(access_point_id)
        point = self.access_points[access_point_id]
        assert isinstance(point, AccessPoint)
        point.begin("deleting")


def _deleted(resources: Mapping[str, Any]) -> list[str]:
    return [each for each, resource in resources.items() if resource.life_cycle_state == DELETED]


class EfsResponse(EFSResponse):
    """moto's EFS, with the operations that it lacks."""

    @property
    def efs_backend(self) -> EfsBackend:
        """The backend of this request's account and region."""
        backend = super().efs_backend
        assert isinstance(backend, EfsBackend)
        return backend

    def call_action(self) -> RESPONSE:
        """Answer one request at a time."""
        with _one_at_a_time:
            self.efs_backend.forget_deleted()
            return super().call_action()

    def update_file_system(self) -> TYPE_RESPONSE:
        """UpdateFileSystem."""
        file_system = self.efs_backend.get_file_system(self._get_param("FileSystemId"), ready=True)
        file_system.update(self._get_param("ThroughputMode"), self._get_param("ProvisionedThroughputInMibps"))
        return json.dumps(file_system.info_json()), {"status": 202, **JSON}

    def put_backup_policy(self) -> TYPE_RESPONSE:
        """PutBackupPolicy."""
        file_system = self.efs_backend.get_file_system(self._get_param("FileSystemId"), ready=True)
        file_system.put_backup_policy(self._get_param("BackupPolicy")["Status"])
        return json.dumps({"BackupPolicy": file_system.backup_policy}), JSON

    def delete_file_system_policy(self) -> TYPE_RESPONSE:
        """DeleteFileSystemPolicy."""
        self.efs_backend.get_file_system(self._get_param("FileSystemId"), ready=True).file_system_policy = None
        return "", JSON

    def describe_access_points(self) -> TYPE_RESPONSE:
        """DescribeAccessPoints, in pages."""
        query = {key: self._get_param(key) for key in ("AccessPointId", "FileSystemId")}
        found = self.efs_backend.describe_access_points(query["AccessPointId"], query["FileSystemId"])
        size = self._get_int_param("MaxResults", PAGE_SIZE)
        try:
            points, token = page(
                found, lambda point: (point.access_point_id,), size, self._get_param("NextToken"), query
            )
        except ValidationError as error:
            raise BadRequest(error.message) from None
        answer = {"AccessPoints": [point.info_json() for point in points], **({"NextToken": token} if token else {})}
        return json.dumps(answer), JSON


def install() -> None:
    """Install the extension in moto, before its first EFS request."""
    moto_efs.efs_backends.backend = EfsBackend
    moto_efs.FileSystem = FileSystem  # type: ignore[misc]  # which the backend's own methods make
    moto_efs.MountTarget = MountTarget  # type: ignore[misc]
    moto_efs.AccessPoint = AccessPoint  # type: ignore[misc]
    for path in moto.efs.urls.url_paths:
        moto.efs.urls.url_paths[path] = EfsResponse.dispatch
