# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The plan that removes the platform's storage, as far as the settings allow. No call to AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .section import Change
from .storage_access_points import others_points, points_by_name
from .storage_bucket import Bucket
from .storage_file_systems import without_gone_targets
from .storage_settings import Settings, is_marked, mark

WORD = "platform_storage_destroy_data must be true to remove it, which -e platform_destroy=data sets"
STEPS = ("access_points", "mount_targets", "file_systems", "buckets")


class Removal:
    """The steps of the removal, the obstacles, and the resources that stay."""

    def __init__(self, settings: Settings, keep_used: bool) -> None:
        self._settings = settings
        self._keep_used = keep_used
        self._with_data = bool(settings["destroy_data"])
        self.changes: list[Change] = []
        self.refused: list[str] = []
        self.notes: list[str] = []
        self.mount_target_ids: list[str] = []
        self.steps: dict[str, list[dict[str, Any]]] = {step: [] for step in STEPS}

    def access_points(self, file_system: Mapping[str, Any] | None, label: str, people: Sequence[str]) -> None:
        """Removes everybody's access points, one by one unless the whole file system is removed."""
        there = points_by_name(file_system)
        for person in people:
            if file_system and person in there and is_marked(self._settings, there[person][0]):
                self.changes.append(Change("remove", f"access point {person} of {label}"))
                step = {"name": person, "file_system_id": file_system["file_system_id"]}
                self.steps["access_points"] += [] if self._goes(file_system) else [step]

    def _goes(self, file_system: Mapping[str, Any]) -> bool:
        is_given = bool(self._settings["efs_dns_name"])
        return self._with_data and not is_given and not others_points(self._settings, file_system)

    def file_system(self, file_system: Mapping[str, Any]) -> None:
        """Remove the mount targets, which the subnets wait for, and the data if the settings allow it."""
        name = f"file system {file_system['creation_token']}"
        if not is_marked(self._settings, file_system):
            self._is_foreign(name)
            return
        others = others_points(self._settings, file_system)
        if others:
            self._is_used(name, others)
            return
        current = without_gone_targets(file_system)
        self._mount_targets(name, current)
        if not self._with_data:
            self.notes.append(f"{name} holds data; {WORD}")
            return
        size = file_system["size_in_bytes"]["value"]
        self.changes.append(
            Change("remove", f"{name} ({file_system['file_system_id']}) with all files, {size:,} bytes")
        )
        self.steps["file_systems"].append({"name": file_system["creation_token"]})

    def _is_foreign(self, name: str) -> None:
        ((tag, value),) = mark(self._settings).items()
        self.notes.append(f"{name} does not have the tag {tag}={value} and stays")

    def _is_used(self, name: str, others: Sequence[Mapping[str, Any]]) -> None:
        listed = ", ".join(f"{each['access_point_id']} ({each['tags'].get('Name', 'no name')})" for each in others)
        who = f"{name} has access points that are no person's: {listed}"
        if self._keep_used:
            self.notes.append(f"{who}; its mount targets and all files stay too")
        else:
            remedy = "they must be removed first; -e platform_destroy_keep_used=true leaves the file system as it is"
            self.refused.append(f"{who}; {remedy}")

    def _mount_targets(self, name: str, current: Mapping[str, Any]) -> None:
        for target in current["mount_targets"]:
            zone = target["availability_zone_name"]
            self.changes.append(Change("remove", f"mount target of {name} in {target['subnet_id']} ({zone})"))
            self.mount_target_ids.append(target["mount_target_id"])
        if current["mount_targets"] and not self._with_data:
            self.steps["mount_targets"].append({"name": current["creation_token"]})

    def given_file_system(self) -> None:
        """One that the inventory names is never removed."""
        name = self._settings["efs_dns_name"]
        if name:
            self.notes.append(f"file system {name} is named by platform_storage_efs_dns_name and never removed")

    def bucket(self, bucket: Bucket, current: Mapping[str, Any] | None, what: str) -> None:
        """One named in the inventory may have been there before, with more in it."""
        name = bucket.name
        if bucket.is_named:
            self.notes.append(f"bucket {name} is named by {bucket.variable} and never removed")
        elif current and current["foreign"]:
            self.notes.append(f"bucket {name} belongs to another AWS account, or these credentials may not see it")
        elif current and not (current["is_blank"] or is_marked(self._settings, current)):
            self._is_foreign(f"bucket {name}")
        elif current and self._with_data:
            self.changes.append(Change("remove", f"bucket {name} with {what}"))
            self.steps["buckets"].append({"name": name})
        elif current:
            self.notes.append(f"bucket {name} holds data; {WORD}")
