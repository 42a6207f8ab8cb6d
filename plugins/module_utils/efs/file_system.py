# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""File systems of EFS with all that belongs to them: lifecycle policies, backup, policy and mount targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list

from ..common.amazon import boto3_resource_to_ansible_dict
from ..common.calls import in_parallel
from ..common.errors import InputError, NotebookError
from ..common.polling import wait_until
from ..common.resource import Resource, State
from . import api
from .plan import (
    TRANSITIONS,
    DesiredFileSystem,
    FileSystemPlan,
    as_policies,
    create_params,
    desired_file_system,
    file_system_diff,
    file_system_problems,
    given_parameters,
    plan_file_system,
    target_params,
    zone_problems,
)

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_efs import EFSClient

PASSING = {"creating", "updating", "deleting"}


# Reading


def read_file_system(client: EFSClient, name: str) -> dict[str, Any] | None:
    """The file system in snake_case with all that belongs to it; None if there is none of this name."""
    found = api.describe_file_systems(client, CreationToken=name)
    return read_details(client, found[0]) if found else None


def read_details(client: EFSClient, answer: Mapping[str, Any]) -> dict[str, Any]:
    """A file system that DescribeFileSystems has returned, with all that belongs to it."""
    file_system_id = answer["FileSystemId"]
    policies = api.describe_lifecycle_policies(client, file_system_id)
    options = {parameter: option for option, parameter in TRANSITIONS.items()}
    return {
        **normalised(client, answer),
        "lifecycle_policies": {options.get(key, key): days for policy in policies for key, days in policy.items()},
        "backup": api.describe_backup_status(client, file_system_id) in ("ENABLED", "ENABLING"),
        "policy": api.describe_policy(client, file_system_id) or {},
        "mount_targets": _read_targets(client, file_system_id),
    }


def normalised(client: EFSClient, answer: Mapping[str, Any]) -> dict[str, Any]:
    """A file system as DescribeFileSystems returns it, in snake_case, with its tags as a dict and its DNS name."""
    return {
        **boto3_resource_to_ansible_dict(dict(answer)),
        "dns_name": api.dns_name(client, answer["FileSystemId"]),
    }


def _read_targets(client: EFSClient, file_system_id: str) -> list[dict[str, Any]]:
    def read(target: Mapping[str, Any]) -> dict[str, Any]:
        groups = api.describe_security_groups(client, target["MountTargetId"])
        return {**boto3_resource_to_ansible_dict(dict(target), force_tags=False), "security_groups": groups}

    targets = in_parallel(read, api.describe_mount_targets(client, file_system_id))
    return sorted(targets, key=lambda target: str(target.get("availability_zone_name")))


def read_settled(client: EFSClient, name: str, timeout: int) -> dict[str, Any] | None:
    """The same, once neither it nor a mount target is on its way to another state."""
    current = read_file_system(client, name)
    if current and PASSING & {each["life_cycle_state"] for each in (current, *current["mount_targets"])}:
        await_states(client, name, timeout, lambda states: not PASSING & states)
        current = read_file_system(client, name)
    return current


def await_states(client: EFSClient, name: str, timeout: int, expected: Callable[[set[str]], bool]) -> None:
    """Waits until the states of the file system and its mount targets are these; no state: it does not exist."""

    def are_there() -> bool:
        found = api.describe_file_systems(client, CreationToken=name)
        targets = api.describe_mount_targets(client, found[0]["FileSystemId"]) if found else []
        states = {str(each["LifeCycleState"]) for each in (*found, *targets)} - {"deleted"}
        if "error" in states:
            raise NotebookError(f"the file system {name}, or a mount target of it, is in the state error")
        return expected(states)

    wait_until(are_there, timeout, f"the change of the file system {name}")


# Changing


def apply_file_system(client: EFSClient, plan: FileSystemPlan, timeout: int) -> None:
    """Makes the calls that the plan asks for. Waits where the next call needs it, and not at the end."""
    file_system_id = plan.before["file_system_id"] if plan.before else _create(client, plan, timeout)
    if plan.set_tags and plan.before:
        api.tag_resource(client, file_system_id, plan.set_tags)
    if plan.delete_tags:
        api.untag_resource(client, file_system_id, plan.delete_tags)
    _apply_puts(client, file_system_id, plan.puts)
    _apply_targets(client, file_system_id, plan, timeout)
    if plan.throughput:
        params = {parameter: plan.throughput[option] for option, parameter in given_parameters(plan.throughput)}
        api.update_file_system(client, file_system_id, params)


def _create(client: EFSClient, plan: FileSystemPlan, timeout: int) -> str:
    tags = {"Tags": ansible_dict_to_boto3_tag_list(plan.set_tags)} if plan.set_tags else {}
    name = plan.desired.name
    api.create_file_system(client, name, {**create_params(plan.desired), **tags})
    await_states(client, name, timeout, lambda states: states == {"available"})
    (found,) = api.describe_file_systems(client, CreationToken=name)
    return str(found["FileSystemId"])


def _apply_puts(client: EFSClient, file_system_id: str, puts: dict[str, Any]) -> None:
    if "lifecycle_policies" in puts:
        api.put_lifecycle_policies(client, file_system_id, as_policies(puts["lifecycle_policies"]))
    if "backup" in puts:
        api.put_backup_policy(client, file_system_id, puts["backup"])
    if puts.get("policy"):
        api.put_policy(client, file_system_id, puts["policy"])
    elif "policy" in puts:
        api.delete_policy(client, file_system_id)


def _apply_targets(client: EFSClient, file_system_id: str, plan: FileSystemPlan, timeout: int) -> None:
    if plan.delete_targets:
        delete_targets(client, file_system_id, [target["mount_target_id"] for target in plan.delete_targets], timeout)
    for target in plan.create_targets:
        api.create_mount_target(client, file_system_id, target_params(target))
    for mount_target_id, groups in plan.security_groups.items():
        api.modify_security_groups(client, mount_target_id, groups)


def delete_targets(client: EFSClient, file_system_id: str, mount_target_ids: list[str], timeout: int) -> None:
    """Deletes mount targets and waits until they are gone: what needs their zone, or none of them, comes next."""
    for mount_target_id in mount_target_ids:
        api.delete_mount_target(client, mount_target_id)

    def are_gone() -> bool:
        left = {target["MountTargetId"] for target in api.describe_mount_targets(client, file_system_id)}
        return not left & set(mount_target_ids)

    wait_until(are_gone, timeout, f"the removal of {len(mount_target_ids)} mount targets of {file_system_id}")


def assert_may_go(client: EFSClient, current: dict[str, Any]) -> None:
    """Raises InputError, naming the contents, unless the file system is empty."""
    points = len(api.describe_access_points(client, FileSystemId=current["file_system_id"]))
    size, targets = current["size_in_bytes"]["value"], len(current["mount_targets"])
    name = f"file system {current['creation_token']} ({current['file_system_id']})"
    holds = f"{size:,} bytes, {points} access points and {targets} mount targets"
    raise InputError(
        [f"{name} has {holds}. Deleting it deletes everybody's files in it: set force: true if you mean it"]
    )


def delete_file_system(client: EFSClient, current: dict[str, Any], timeout: int) -> None:
    """Deletes its access points, its mount targets, and the file system with all files."""
    file_system_id = current["file_system_id"]
    points = api.describe_access_points(client, FileSystemId=file_system_id)
    in_parallel(lambda point: api.delete_access_point(client, point["AccessPointId"]), points)
    if current["mount_targets"]:
        ids = [target["mount_target_id"] for target in current["mount_targets"]]
        delete_targets(client, file_system_id, ids, timeout)
    api.delete_file_system(client, file_system_id)


# For the module


@dataclass
class FileSystem(Resource[FileSystemPlan]):
    """The file system of the module efs_file_system."""

    client: EFSClient
    ec2: Callable[[], EC2Client]  # needed for new mount targets only
    params: dict[str, Any]
    check_mode: bool

    key = "file_system"

    @property
    def name(self) -> str:
        return str(self.params["name"])

    @cached_property
    def desired(self) -> DesiredFileSystem:
        return desired_file_system(self.params)

    def problems(self) -> list[str]:
        return file_system_problems(self.client.meta.service_model, self.desired)

    def read(self) -> State | None:
        return read_file_system(self.client, self.name)

    def read_settled(self) -> State | None:
        if self.params["state"] == "present":
            return read_settled(self.client, self.name, 0 if self.check_mode else self.params["wait_timeout"])
        current = self.read()
        if current is None or current["life_cycle_state"] not in ("deleting", "deleted"):
            return current
        if not self.check_mode:
            self._await(set())
        return None

    def plan(self, current: State | None) -> FileSystemPlan:
        made = plan_file_system(self.desired, current)
        if made.create_targets:
            subnet_ids = [target["subnet_id"] for target in made.create_targets]
            problems = zone_problems(made, api.describe_subnets(self.ec2(), subnet_ids))
            if problems:
                raise InputError(problems)
        return made

    def apply(self, plan: FileSystemPlan) -> None:
        apply_file_system(self.client, plan, self.params["wait_timeout"])
        self._await({"available"})

    def assert_deletable(self, current: State) -> None:
        assert_may_go(self.client, current)

    def delete(self, current: State) -> None:
        delete_file_system(self.client, current, self.params["wait_timeout"])
        self._await(set())

    def diff(self, before: State | None, after: State | None) -> dict[str, Any]:
        return file_system_diff(before, after)

    def _await(self, states: set[str]) -> None:
        """Waits, if the options say so, until it and its mount targets are in these states; none: until it is gone."""
        if self.params["wait"]:
            await_states(self.client, self.name, self.params["wait_timeout"], lambda found: found == states)
