# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The plan from the existing storage to the wanted one, or to none. No call to AWS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.efs.read import bucket_name

from .section import SectionPlan
from .storage_access_points import foreign_points, plan_access_points, points_by_name
from .storage_bucket import plan_bucket, results_bucket, tools_bucket
from .storage_file_systems import foreign_file_systems, places, plan_file_systems
from .storage_removal import Removal
from .storage_settings import (
    SHARED_POINT,
    Settings,
    given_file_system_id,
    is_marked,
    log_bucket,
    own_file_systems,
    platform_roles,
)

Found = Mapping[str, Any]


def wanted_to_read(
    settings: Settings, *, people: Sequence[str], removal: bool = False, ids_only: bool = False
) -> dict[str, Any]:
    """The request for read_storage. The module that calls it adds the account."""
    by_point = settings["isolation"] == "access_point" or settings["iam"]
    own = list(own_file_systems(settings, people))
    parts = [] if ids_only or not own else ["mount_targets" if removal else "details"]
    bucket = {"named": settings["results_bucket"], "efs_name": settings["efs_name"], "settings": not removal}
    named_bucket_stays = removal and settings["results_bucket"]
    return {
        "ids_only": ids_only,
        "names": own,
        "file_system_id": given_file_system_id(settings) if by_point else "",
        "parts": [*parts, *(["access_points"] if by_point or (removal and own) else [])],
        "subnet_ids": list(settings["subnet_ids"]) if own and not (removal or ids_only) else [],
        "bucket": None if ids_only or named_bucket_stays else bucket,
        "log_bucket": "" if ids_only or removal else log_bucket(settings),
    }


def plan_storage(
    settings: Settings,
    found: Found,
    *,
    people: Sequence[str],
    network: Mapping[str, Any] | None,
    account: Mapping[str, str],
    access_name: str,
) -> SectionPlan:
    """The plan from the storage that was read to the one that the settings describe.

    `people` are all owners of the inventory, `network` is the ids of the network's plan, or None if there is none;
    `access_name` is what the roles are called by.
    """
    ids = storage_ids(settings, found, people=people, account=account)
    there = file_systems_by_name(found)
    foreign = [
        *foreign_file_systems(settings, there, people),
        *foreign_points(settings, _shared(found), people),
    ]
    if found["ids_only"]:
        return SectionPlan(refused=tuple(foreign), ids=ids)
    roles = platform_roles(access_name, account)
    systems = plan_file_systems(settings, there, people, places(settings, found, network), roles)
    refused = [*foreign, *systems.refused, *_missing(settings, found), *_missing_log_bucket(settings, found)]
    points = plan_access_points(settings, _shared(found), _label(settings), people)
    bucket = plan_bucket(settings, results_bucket(settings, ids["results_bucket"]), found["bucket"], account)
    return SectionPlan(
        changes=(*systems.changes, *points.changes, *bucket.changes),
        refused=(*refused, *points.refused, *bucket.refused),
        notes=tuple(_strangers(settings, people)),
        ids=ids,
        steps={
            "waiting": systems.waiting,
            "file_systems": systems.steps,
            "access_points": points.steps,
            "buckets": bucket.buckets,
            "bucket_lifecycles": bucket.lifecycles,
            "bucket_loggings": bucket.loggings,
        },
    )


def plan_storage_removal(
    settings: Settings, found: Found, *, people: Sequence[str], account: Mapping[str, str], keep_used: bool
) -> SectionPlan:
    """The plan of the storage's removal. File systems and buckets are removed only if the settings say so.

    Of the ids, `mount_target_ids` are those that go: the network may be removed after them.
    """
    ids = storage_ids(settings, found, people=people, account=account)
    removal = Removal(settings, keep_used)
    by_point = settings["isolation"] == "access_point"
    there = file_systems_by_name(found)
    own = [there[name] for name in own_file_systems(settings, people) if name in there]
    if by_point or settings["iam"]:
        removal.access_points(_shared(found), _label(settings), [SHARED_POINT] if settings["iam"] else people)
    for file_system in own:
        removal.file_system(file_system)
    removal.given_file_system()
    removal.bucket(results_bucket(settings, ids["results_bucket"]), found["bucket"], "all query results")
    name = bucket_name("tools", settings["tools_bucket"], settings["efs_name"], account)
    removal.bucket(tools_bucket(settings, name), found["tools_bucket"], "all tools")
    return SectionPlan(
        changes=tuple(removal.changes),
        refused=tuple(removal.refused),
        notes=tuple(removal.notes),
        ids={**ids, "mount_target_ids": removal.mount_target_ids},
        steps=removal.steps,
    )


def storage_ids(
    settings: Settings, found: Found, *, people: Sequence[str], account: Mapping[str, str]
) -> dict[str, Any]:
    """The storage's ids for other sections; None for what does not exist yet."""
    there = file_systems_by_name(found)
    named = [there[name] for name in own_file_systems(settings, people) if name in there]
    own = [each for each in named if is_marked(settings, each)]
    return {
        "file_system": _file_system(settings, there),
        "mount": _shared_mount(settings, found),
        "mounts": _mounts(settings, found, people),
        "results_bucket": bucket_name("results", settings["results_bucket"], settings["efs_name"], account),
        "file_system_ids": [each["file_system_id"] for each in own],
        "mount_target_ids": [target["mount_target_id"] for each in own for target in each.get("mount_targets", [])],
    }


def file_systems_by_name(found: Found) -> dict[str, Mapping[str, Any]]:
    """The file systems that were read, by the name in their tags."""
    return {each["creation_token"]: each for each in found["file_systems"]}


def _file_system(settings: Settings, there: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The DNS name of the file system that people share; "" if everybody has their own."""
    if settings["isolation"] == "file_system":
        return ""
    return settings["efs_dns_name"] or _dns_name(there, settings["efs_name"])


def _dns_name(there: Mapping[str, Mapping[str, Any]], name: str) -> str | None:
    return str(there[name]["dns_name"]) if name in there else None


def _mounts(settings: Settings, found: Found, people: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What each person's instance mounts, as variables of the role notebook_host; none if all is shared."""
    if settings["isolation"] == "shared":
        return {}
    there = file_systems_by_name(found)
    if settings["isolation"] == "file_system":
        names = {person: f"{settings['efs_name']}-{person}" for person in people}
        return {person: _mount(_dns_name(there, name), "", tls=False) for person, name in names.items()}
    points = points_by_name(_shared(found))
    shared = _file_system(settings, there)
    ids = {person: points[person][0]["access_point_id"] if person in points else None for person in people}
    return {person: _mount(shared, point, tls=True) for person, point in ids.items()}


def _shared_mount(settings: Settings, found: Found) -> dict[str, Any]:
    """How all mount the file system that they share, as variables of the role notebook_host, beside its name."""
    if not settings["iam"]:
        return {}
    point = next(iter(points_by_name(_shared(found)).get(SHARED_POINT, ())), None)
    return {
        "notebook_host_efs_access_point": point["access_point_id"] if point else None,
        "notebook_host_efs_tls": True,
        "notebook_host_efs_iam": True,
    }


def _mount(dns_name: str | None, access_point: str | None, *, tls: bool) -> dict[str, Any]:
    return {
        "notebook_host_efs_dns_name": dns_name,
        "notebook_host_efs_access_point": access_point,
        "notebook_host_efs_tls": tls,
    }


def _shared(found: Found) -> Mapping[str, Any] | None:
    """The file system with everybody's access points; no other one is read then."""
    return next(iter(found["file_systems"]), None)


def _label(settings: Settings) -> str:
    return f"file system {given_file_system_id(settings) or settings['efs_name']}"


def _strangers(settings: Settings, people: Sequence[str]) -> Iterator[str]:
    """User ids whose names are not in the inventory: of people who have left, or misspelt."""
    if settings["isolation"] == "access_point":
        for name, uid in settings["uids"].items():
            if name not in people:
                yield f"user id {uid} is kept for {name}, who is in platform_storage_uids but not in the inventory"


def _missing(settings: Settings, found: Found) -> list[str]:
    """A file system of the inventory that access points are wanted on, and that does not exist."""
    name = settings["efs_dns_name"]
    if not name or settings["isolation"] != "access_point" or _shared(found):
        return []
    where = "in this account and region, and access points can be made nowhere else"
    return [
        f"platform_storage_efs_dns_name is {name}; there must be a file system {given_file_system_id(settings)} {where}"
    ]


def _missing_log_bucket(settings: Settings, found: Found) -> Iterator[str]:
    """S3 writes to a bucket of the same account and region only."""
    bucket = log_bucket(settings)
    if bucket and not found["has_log_bucket"]:
        yield (
            f"platform_storage_results_access_log: bucket is {bucket}; it must be a bucket of this account that"
            " these credentials may see (s3:ListBucket): make it first, or name another"
        )
