# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Access points of EFS: a user, a group and a root directory for all who mount through one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.dict_transformations import snake_dict_to_camel_dict
from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    ansible_dict_to_boto3_tag_list,
    compare_aws_tags,
)

from ..common.amazon import boto3_resource_to_ansible_dict
from ..common.errors import InputError
from ..common.polling import wait_until
from ..common.resource import Resource, State
from ..common.service_model import input_problems, tag_problems
from . import api
from .plan import OWN_TAGS

if TYPE_CHECKING:
    from botocore.model import ServiceModel
    from mypy_boto3_efs import EFSClient

GONE = ("deleting", "deleted")


@dataclass(frozen=True)
class DesiredPoint:
    """A wanted access point. None: AWS chooses the value at creation, and later it is left as it is."""

    name: str
    file_system_id: str
    posix_user: dict[str, Any] | None = None
    root_directory: dict[str, Any] | None = None
    tags: dict[str, str] | None = None
    purge_tags: bool = True
    replace: bool = False

    @property
    def all_tags(self) -> dict[str, str]:
        """The tags with the one that the access point is found by."""
        return {**(self.tags or {}), "Name": self.name}

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of CreateAccessPoint, without tags."""
        # Tokens are those of an account, in which other file systems may have an access point of this name.
        token = hashlib.sha256(f"{self.file_system_id}/{self.name}".encode()).hexdigest()
        options = {"posix_user": self.posix_user, "root_directory": self.root_directory}
        given = snake_dict_to_camel_dict({key: value for key, value in options.items() if value}, capitalize_first=True)
        return {"ClientToken": token, "FileSystemId": self.file_system_id, **given}


@dataclass(frozen=True)
class PointPlan:
    """The plan of one access point."""

    desired: DesiredPoint
    before: dict[str, Any] | None
    replace: bool = False
    set_tags: dict[str, str] = field(default_factory=dict)
    delete_tags: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether a call has to be made."""
        return self.before is None or self.replace or bool(self.set_tags or self.delete_tags)

    @property
    def after(self) -> dict[str, Any]:
        """The access point as it will be."""
        desired = self.desired
        made: dict[str, Any] = {
            "name": desired.name,
            "file_system_id": desired.file_system_id,
            **({"posix_user": desired.posix_user} if desired.posix_user else {}),
            "root_directory": desired.root_directory or {"path": "/"},
            "tags": {},
        }
        before = made if self.before is None or self.replace else self.before
        tags = {**before["tags"], **self.set_tags}
        return {**before, "tags": {key: tags[key] for key in tags if key not in self.delete_tags}}


def desired_point(params: dict[str, Any]) -> DesiredPoint:
    """Module parameters as DesiredPoint."""
    tags = params["tags"]
    return DesiredPoint(
        name=params["name"],
        file_system_id=params["file_system_id"],
        posix_user=_given(params["posix_user"]),
        root_directory=_given(params["root_directory"]),
        tags=None if tags is None else {str(key): str(value) for key, value in tags.items()},
        purge_tags=params["purge_tags"],
        replace=params["replace"],
    )


def _given(options: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if options is None else {key: value for key, value in options.items() if value is not None}


def point_problems(model: ServiceModel, desired: DesiredPoint) -> list[str]:
    """One sentence for each mistake in a wanted access point."""
    problems = input_problems(model, "CreateAccessPoint", desired.params)
    problems += [f"tags: {text}" for text in tag_problems(desired.tags or {}, own=OWN_TAGS)]
    if (desired.tags or {}).get("Name", desired.name) != desired.name:
        problems.append("tags: the tag Name identifies the access point; leave it out, or set it to the option name")
    return [f"access point {desired.name}: {problem}" for problem in problems]


def normalised(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An access point as DescribeAccessPoints returns it, in snake_case and with its tags as a dict."""
    point: dict[str, Any] = boto3_resource_to_ansible_dict(dict(answer))
    return point


def read_point(client: EFSClient, file_system_id: str, name: str) -> dict[str, Any] | None:
    """The access point of this name; None if there is none. Raises InputError if there are several."""
    found = [normalised(answer) for answer in api.describe_access_points(client, FileSystemId=file_system_id)]
    named = [each for each in found if each["tags"].get("Name") == name and each["life_cycle_state"] not in GONE]
    if len(named) > 1:
        ids = " and ".join(sorted(each["access_point_id"] for each in named))
        raise InputError(
            [f"access point {name}: {ids} of {file_system_id} both have this name; give one another tag Name"]
        )
    return named[0] if named else None


def plan_point(desired: DesiredPoint, current: dict[str, Any] | None) -> PointPlan:
    """The plan from `current`, the result of `read_point`, to `desired`; raises InputError if there is none."""
    found = list(differences(desired, current)) if current else []
    if found and not desired.replace:
        remedy = (
            "AWS sets this at creation only: set replace: true to remove the access point and create another. No file"
            " is lost and files keep their owner, but the new one has another id, and its users have to mount it again"
        )
        raise InputError([f"access point {desired.name}: {', '.join(found)}; {remedy}"])
    has = current["tags"] if current and not found else {}
    to_set, to_delete = compare_aws_tags(has, desired.all_tags, desired.purge_tags and desired.tags is not None)
    if found and desired.tags is None and current:
        to_set = {**current["tags"], **to_set}
    return PointPlan(desired, current, bool(found), to_set, to_delete)


def differences(desired: DesiredPoint, current: dict[str, Any]) -> Iterator[str]:
    """Differences in settings that AWS sets at creation only."""
    has = _flat({key: current.get(key) for key in ("posix_user", "root_directory")})
    wanted = _flat({"posix_user": desired.posix_user, "root_directory": desired.root_directory})
    for option, value in wanted.items():
        if has.get(option, []) != value:  # no secondary groups are an empty list of them
            yield f"{option} is {has.get(option)} and not {value}"


def _flat(options: dict[str, Any], parent: str = "") -> dict[str, Any]:
    """Each option by its full name, in one spelling of those that mean the same."""
    flat: dict[str, Any] = {}
    for key, value in options.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{parent}{key}.")
        elif isinstance(value, list):
            flat[parent + key] = sorted(set(value))
        elif value is not None:
            flat[parent + key] = value.zfill(4) if key == "permissions" else value
    return flat


def apply_point(client: EFSClient, plan: PointPlan, timeout: int) -> None:
    """Makes the calls that the plan asks for; waits until a new access point can be used."""
    if plan.before and not plan.replace:
        if plan.set_tags:
            api.tag_resource(client, plan.before["access_point_id"], plan.set_tags)
        if plan.delete_tags:
            api.untag_resource(client, plan.before["access_point_id"], plan.delete_tags)
        return
    if plan.before:
        delete_point(client, plan.before, timeout)
    tags = ansible_dict_to_boto3_tag_list(dict(sorted(plan.set_tags.items())))
    api.create_access_point(client, {**plan.desired.params, "Tags": tags})


def await_available(client: EFSClient, desired: DesiredPoint, timeout: int) -> None:
    """Waits until the access point can be used."""

    def is_available() -> bool:
        point = read_point(client, desired.file_system_id, desired.name)
        return point is not None and point["life_cycle_state"] == "available"

    wait_until(is_available, timeout, f"the access point {desired.name}")


def delete_point(client: EFSClient, current: dict[str, Any], timeout: int) -> None:
    """Deletes the access point and waits until it is gone."""
    access_point_id = current["access_point_id"]
    api.delete_access_point(client, access_point_id)

    def is_gone() -> bool:
        found = api.describe_access_points(client, AccessPointId=access_point_id)
        return all(point["LifeCycleState"] == "deleted" for point in found)

    wait_until(is_gone, timeout, f"the removal of {access_point_id}")


@dataclass
class AccessPoint(Resource[PointPlan]):
    """The access point of the module efs_access_point."""

    client: EFSClient
    desired: DesiredPoint
    wait: bool
    wait_timeout: int

    key = "access_point"
    shown = ("posix_user", "root_directory", "tags")

    def problems(self) -> list[str]:
        return point_problems(self.client.meta.service_model, self.desired)

    def read(self) -> State | None:
        return read_point(self.client, self.desired.file_system_id, self.desired.name)

    def plan(self, current: State | None) -> PointPlan:
        return plan_point(self.desired, current)

    def apply(self, plan: PointPlan) -> None:
        apply_point(self.client, plan, self.wait_timeout)
        if self.wait:
            await_available(self.client, self.desired, self.wait_timeout)

    def delete(self, current: State) -> None:
        delete_point(self.client, current, self.wait_timeout)
