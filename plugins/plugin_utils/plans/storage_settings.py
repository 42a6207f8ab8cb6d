# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Values that follow from the settings of the storage: names, user ids, policies and rules. No call to AWS."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from ansible_collections.datalab.notebooks.plugins.module_utils.efs.access_point import DesiredPoint
from ansible_collections.datalab.notebooks.plugins.module_utils.efs.plan import DesiredFileSystem

Settings = Mapping[str, Any]

MARK = "datalab:storage"  # the tag of the platform's resources; its value is the name of the file system


@dataclass(frozen=True)
class Roles:
    """The ARNs of the roles that mount with IAM: all of the platform, and the one that only reads."""

    platform: str = ""
    viewer: str = ""


NO_ROLES = Roles()
FIRST_UID = 100000  # below are those of the system
FILE_SYSTEM_ID = re.compile(r"fs-[0-9a-f]+(?=\.)")
UID = re.compile(r"[0-9]{1,10}")

SHARED_POINT = "shared"  # by which all mount one file system with IAM, as the user of every instance
SHARED_USER = 1000

WRITE = "elasticfilesystem:ClientWrite"
ALLOWED = ["elasticfilesystem:ClientMount", WRITE]
AS_ROOT = "elasticfilesystem:ClientRootAccess"
EVERYBODY = {"AWS": "*"}
BY_MOUNT_TARGET = {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}


# Names


def own_file_systems(settings: Settings, people: Sequence[str]) -> dict[str, dict[str, str]]:
    """The tags of the file systems that the role makes, by name; none if the inventory names one."""
    name = settings["efs_name"]
    if settings["efs_dns_name"]:
        return {}
    if settings["isolation"] == "file_system":
        return {
            f"{name}-{person}": {"Name": f"{name}-{person}", "owner": person, **mark(settings)} for person in people
        }
    return {name: {"Name": name, **mark(settings)}}


def given_file_system_id(settings: Settings) -> str:
    """The id in the DNS name that AWS gives a file system; "" if there is none."""
    found = FILE_SYSTEM_ID.match(settings["efs_dns_name"])
    return found[0] if found else ""


def log_bucket(settings: Settings) -> str:
    """The bucket that S3 writes the access log of the bucket for results to; "" if none is named."""
    return str(settings["results_access_log"].get("bucket", ""))


def mark(settings: Settings) -> dict[str, str]:
    """The tag of resources that the platform has created."""
    return {MARK: str(settings["efs_name"])}


def is_marked(settings: Settings, thing: Mapping[str, Any]) -> bool:
    """Whether the platform created this file system, access point or bucket."""
    return bool(mark(settings).items() <= thing["tags"].items())


# Users


def uids(settings: Settings, people: Sequence[str]) -> dict[str, int | None]:
    """The user id of each person: the given one (None if that is no number), or one of 268 million, from the name."""
    given = {str(person): uid for person, uid in settings["uids"].items()}
    return {person: _uid(given[person]) if person in given else made_uid(person) for person in people}


def made_uid(person: str) -> int:
    """The user id that is computed from a name."""
    return FIRST_UID + int(hashlib.sha256(person.encode()).hexdigest()[:7], 16)


def _uid(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return int(value) if isinstance(value, int) or UID.fullmatch(value) else None


# What is wanted


def platform_roles(access_name: str, account: Mapping[str, str]) -> Roles:
    """The roles that the role platform_access creates."""
    path = f"arn:{account['partition']}:iam::{account['account']}:role/{access_name}"
    return Roles(f"{path}/*", f"{path}/{access_name}-viewer")


def desired_file_system(
    settings: Settings, name: str, own_tags: Mapping[str, str], roles: Roles = NO_ROLES
) -> DesiredFileSystem:
    """The file system without its mount targets."""
    days = settings["transition_to_ia"]
    transitions = {
        "transition_to_ia": f"AFTER_{days}_DAY{'' if days == '1' else 'S'}",
        "transition_to_primary_storage_class": "AFTER_1_ACCESS",
    }
    key = {"kms_key_id": settings["kms_key_id"]} if settings["kms_key_id"] else {}
    return DesiredFileSystem(
        name,
        settings={"encrypted": True, "throughput_mode": settings["throughput_mode"], **key},
        lifecycle_policies=transitions if days else {},
        backup=settings["backup"],
        policy=policy(settings, roles),
        tags={**own_tags, **settings["tags"]},
        purge_tags=False,
    )


def policy(settings: Settings, roles: Roles = NO_ROLES) -> dict[str, Any]:
    """The file-system policy: what clients may do."""
    by_point = settings["isolation"] == "access_point"
    # The first step on an instance makes teams/ in the root directory, which is root's on a new file system.
    allow = _statement("ByMountTarget", "Allow", ALLOWED if by_point else [*ALLOWED, AS_ROOT], BY_MOUNT_TARGET)
    denials = [  # also hold for roles that other policies allow more
        _statement("NotWithoutAccessPoint", "Deny", ALLOWED, {"Null": {"elasticfilesystem:AccessPointArn": "true"}}),
        _statement("NotWithoutTls", "Deny", ALLOWED, {"Bool": {"aws:SecureTransport": "false"}}),
        _statement("NotAsRoot", "Deny", AS_ROOT, {}),
    ]
    of_roles = [  # a client without IAM has no ARN, which matches none
        _statement("NotByOthers", "Deny", ALLOWED, {"ArnNotLike": {"aws:PrincipalArn": roles.platform}}),
        _statement("NotByViewers", "Deny", WRITE, {"ArnLike": {"aws:PrincipalArn": roles.viewer}}),
    ]
    if settings["iam"]:  # this policy allows nothing: the policies of the roles do
        return {"Version": "2012-10-17", "Statement": [*denials, *of_roles]}
    return {"Version": "2012-10-17", "Statement": [allow, *(denials if by_point else [])]}


def _statement(sid: str, effect: str, action: str | list[str], condition: dict[str, Any]) -> dict[str, Any]:
    statement = {"Sid": sid, "Effect": effect, "Principal": EVERYBODY, "Action": action}
    return {**statement, "Condition": condition} if condition else statement


def shared_point(settings: Settings, file_system_id: str) -> DesiredPoint:
    """The access point that all mount by with IAM: AWS makes its directory, so that no one has to be root for it."""
    return DesiredPoint(
        name=SHARED_POINT,
        file_system_id=file_system_id,
        posix_user={"uid": SHARED_USER, "gid": SHARED_USER},
        root_directory={
            "path": f"/{SHARED_POINT}",
            "creation_info": {"owner_uid": SHARED_USER, "owner_gid": SHARED_USER, "permissions": "0775"},
        },
        tags={"Name": SHARED_POINT, **mark(settings), **settings["tags"]},
        purge_tags=False,
    )


def desired_points(settings: Settings, people: Sequence[str], file_system_id: str) -> list[DesiredPoint]:
    """All access points that are wanted."""
    if settings["iam"]:
        return [shared_point(settings, file_system_id)]
    if settings["isolation"] != "access_point":
        return []
    return [desired_point(settings, person, uid or 0, file_system_id) for person, uid in uids(settings, people).items()]


def desired_point(settings: Settings, person: str, uid: int, file_system_id: str) -> DesiredPoint:
    """A person's access point: a directory that is theirs, with a user id of their own."""
    return DesiredPoint(
        name=person,
        file_system_id=file_system_id,
        posix_user={"uid": uid, "gid": uid},
        root_directory={
            "path": point_path(person),
            "creation_info": {"owner_uid": uid, "owner_gid": uid, "permissions": "0700"},
        },
        tags={"Name": person, "owner": person, **mark(settings), **settings["tags"]},
        purge_tags=False,
    )


def point_path(person: str) -> str:
    """The directory of a person's access point."""
    return f"/people/{person}"


# Showing


def as_text(value: Any) -> str:
    """A value as --diff shows it."""
    return value if isinstance(value, str) else yaml.dump(value, Dumper=_WithoutAliases)


class _WithoutAliases(yaml.SafeDumper):
    """Writes a list in full at each place, without YAML aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
