# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The bucket that instances fetch tools from, and the files that it lacks. No call to AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.efs.read import bucket_name

from .section import Change, SectionPlan
from .storage_bucket import plan_bucket, tools_bucket
from .storage_settings import Settings

Tools = Mapping[str, str]  # files on the controller, and the key of each in the bucket


def tools_to_read(settings: Settings, tools: Tools | None, *, removal: bool, ids_only: bool) -> dict[str, Any] | None:
    """The request for read_storage about the bucket. A bucket that only an earlier inventory needed is removed, too."""
    named, efs_name = settings["tools_bucket"], settings["efs_name"]
    is_wanted = not named if removal else bool(tools) if ids_only else tools is not None
    asked = {"settings": not removal, "bucket": not ids_only, "keys": not removal}
    return {"named": named, "efs_name": efs_name, **asked} if is_wanted else None


def with_tools(
    plan: SectionPlan, settings: Settings, found: Mapping[str, Any], tools: Tools | None, account: Mapping[str, str]
) -> SectionPlan:
    """The plan of the storage, and what instances fetch: of the people of this run, or None if no instance does."""
    if tools is None:
        ids: dict[str, Any] = {"tools_bucket": "", "missing_tools": []}
        return replace(plan, ids={**plan.ids, **ids}, steps={**plan.steps, "tools": []})
    name = bucket_name("tools", settings["tools_bucket"], settings["efs_name"], account)
    keys = (found["tools_bucket"] or {}).get("keys", ())
    missing = [src for src, key in tools.items() if key not in keys]
    ids = {**plan.ids, "tools_bucket": name, "missing_tools": missing}
    if found["ids_only"]:
        return replace(plan, ids=ids)
    bucket = plan_bucket(settings, tools_bucket(settings, name), found["tools_bucket"], account)
    files = [{"bucket": name, "object": tools[src], "src": src} for src in missing]
    uploads = (Change("create", f"tool {each['object']}", after=each["src"]) for each in files)
    return replace(
        plan,
        changes=(*plan.changes, *bucket.changes, *uploads),
        refused=(*plan.refused, *bucket.refused),
        ids=ids,
        steps={**plan.steps, "buckets": [*plan.steps["buckets"], *bucket.buckets], "tools": files},
    )
