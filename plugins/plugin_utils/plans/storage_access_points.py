# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The plan from the access points of a file system to one for each person. No call to AWS."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.efs.access_point import (
    DesiredPoint,
    differences,
    plan_point,
)

from .section import Change
from .storage_settings import (
    SHARED_POINT,
    Settings,
    as_text,
    desired_point,
    desired_points,
    is_marked,
    mark,
    point_path,
)

Point = Mapping[str, Any]


@dataclass
class Outcome:
    """The steps for access points."""

    changes: list[Change] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)


def points_by_name(file_system: Mapping[str, Any] | None) -> dict[str, list[Point]]:
    """The access points of a file system, by the name in their tags."""
    named: dict[str, list[Point]] = defaultdict(list)
    for point in (file_system or {}).get("access_points", []):
        named[point["tags"].get("Name", "")].append(point)
    return named


def plan_access_points(
    settings: Settings, file_system: Mapping[str, Any] | None, label: str, people: Sequence[str]
) -> Outcome:
    """The changes of access points; `file_system` is None until it exists."""
    outcome = Outcome()
    there = points_by_name(file_system)
    file_system_id = file_system["file_system_id"] if file_system else ""
    for desired in desired_points(settings, people, file_system_id):
        if not all(is_marked(settings, point) for point in there.get(desired.name, [])):
            continue  # foreign_points refuses it
        refused = list(_refused(desired, there.get(desired.name, []), label))
        if refused:
            outcome.refused += refused
            continue
        current = there[desired.name][0] if desired.name in there else None
        change = _change(desired, current, label)
        if change:
            outcome.changes.append(change)
            outcome.steps += [_step(desired)] if file_system_id else []
    return outcome


def foreign_points(settings: Settings, file_system: Mapping[str, Any] | None, people: Sequence[str]) -> Iterator[str]:
    """Access points with a Name of the platform that are not the platform's."""
    there = points_by_name(file_system)
    ((tag, value),) = mark(settings).items()
    variable = "iam" if settings["iam"] else "isolation"
    for point in (point for each in desired_points(settings, people, "") for point in there.get(each.name, ())):
        if not is_marked(settings, point):
            yield (
                f"platform_storage_{variable}: the access point {point['access_point_id']} with the tag"
                f" Name={point['tags']['Name']} must have the tag {tag}={value} to be the platform's; give it another"
                " Name, or that tag"
            )


def _refused(desired: DesiredPoint, there: Sequence[Point], label: str) -> Iterator[str]:
    person = desired.name
    if len(there) > 1:
        ids = " and ".join(sorted(point["access_point_id"] for point in there))
        yield f"access points {ids} of {label} both have the tag Name: {person}; one must have another"
        return
    for point in there:
        found = list(differences(desired, dict(point)))
        if found:
            yield (
                f"{_about(desired, point)}: access point {point['access_point_id']} of {person} has another user or"
                f" directory ({', '.join(found)}), and AWS sets these at creation only; {_remedy(desired, point)}"
            )


def _about(desired: DesiredPoint, point: Point) -> str:
    if _is_everybodys(desired):
        return "platform_storage_iam"
    return "platform_storage_uids" if _uid_alone(desired, point) is not None else "platform_storage_isolation"


def _remedy(desired: DesiredPoint, point: Point) -> str:
    uid = _uid_alone(desired, point)
    if uid is None or _is_everybodys(desired):
        return "delete it, and the next run creates it again; no file is lost"
    return f"their files belong to user id {uid}, so platform_storage_uids must have {desired.name}: {uid}"


def _is_everybodys(desired: DesiredPoint) -> bool:
    return desired.name == SHARED_POINT and "owner" not in (desired.tags or {})


def _uid_alone(desired: DesiredPoint, point: Point) -> int | None:
    """The user id with which the access point would be as it is wanted; None if more than that differs."""
    uid = (point.get("posix_user") or {}).get("uid")
    if not uid:
        return None
    with_it = desired_point({"tags": {}, "efs_name": ""}, desired.name, uid, desired.file_system_id)
    return uid if not list(differences(with_it, dict(point))) else None


def _change(desired: DesiredPoint, current: Point | None, label: str) -> Change | None:
    plan = plan_point(desired, dict(current) if current else None)
    text = f"access point {desired.name} of {label}"
    if current is None:
        made = {key: plan.after[key] for key in ("posix_user", "root_directory", "tags")}
        return Change("create", text, after=as_text(made))
    if not plan.changed:
        return None
    return Change("change", f"{text}: tags", as_text(current["tags"]), as_text(plan.after["tags"]))


def _step(desired: DesiredPoint) -> dict[str, Any]:
    """The options of the module efs_access_point."""
    return {
        "name": desired.name,
        "file_system_id": desired.file_system_id,
        "posix_user": desired.posix_user,
        "root_directory": desired.root_directory,
        "tags": desired.tags,
    }


def others_points(settings: Settings, file_system: Mapping[str, Any]) -> list[Point]:
    """The access points of others, which show that others use the file system."""
    points = file_system.get("access_points", [])
    return [point for point in points if not (_is_a_persons(settings, point) or _is_shared(settings, point))]


def _is_shared(settings: Settings, point: Point) -> bool:
    path = (point.get("root_directory") or {}).get("path")
    is_named = point["tags"].get("Name") == SHARED_POINT and path == f"/{SHARED_POINT}"
    return is_named and is_marked(settings, point)


def _is_a_persons(settings: Settings, point: Point) -> bool:
    name = point["tags"].get("Name", "")
    path = (point.get("root_directory") or {}).get("path")
    return bool(point["tags"].get("owner") == name and path == point_path(name)) and is_marked(settings, point)
