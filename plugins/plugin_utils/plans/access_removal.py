# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The plan that removes all rights of the platform, but nothing that others have created or use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import some_of
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.access_things import (
    IAM,
    MARK,
    NAMES,
    WORDS,
    Item,
    attached_arns,
    boundary_of,
    by_name,
    execution_roles,
    ours,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.section import Change, SectionPlan
from ansible_collections.datalab.notebooks.plugins.plugin_utils.policies import Platform

ORDER = ("workgroups", "groups", "roles", "policies")  # AWS deletes a policy once it is attached to nothing

LEAVE = "platform_destroy_keep_used=true to leave it"


@dataclass(frozen=True)
class Removal:
    """One resource of the platform, and the obstacles to its removal."""

    kind: str
    name: str
    more: str = ""  # what is removed with it
    use: str = ""
    word: str = LEAVE

    @property
    def text(self) -> str:
        """The resource in words."""
        return f"{WORDS[self.kind]} {self.name}"


def plan_access_removal(
    settings: Mapping[str, Any],
    found: Mapping[str, Any],
    *,
    people: Sequence[Mapping[str, Any]],
    viewers: Mapping[str, str],
    keep_used: bool,
    **_others: Any,
) -> SectionPlan:
    """The plan of a removal. Resources that others use stop it, or stay with `keep_used`.

    It has the arguments of `plan_access`, and ignores those that it does not need.
    """
    platform = Platform(settings, people, viewers, instance_prefix="")
    removals = list(_removals(platform, found, keep_used))
    used = [removal for removal in removals if removal.use]
    gone = sorted((removal for removal in removals if not removal.use), key=lambda each: ORDER.index(each.kind))
    steps: dict[str, list[dict[str, Any]]] = {
        kind: [{"name": removal.name} for removal in gone if removal.kind == kind] for kind in ORDER
    }
    for step in steps["workgroups"]:
        step["force"] = bool(settings["destroy_queries"])
    return SectionPlan(
        changes=tuple(Change("remove", f"{removal.text}{removal.more}") for removal in gone),
        refused=() if keep_used else tuple(f"{each.text} {each.use}; set -e {each.word}" for each in used),
        notes=(
            *(f"{each.text} {each.use} and stays" for each in used if keep_used),
            *_not_ours(platform, found),
        ),
        steps=steps,
    )


def _removals(platform: Platform, found: Mapping[str, Any], keep_used: bool) -> Iterator[Removal]:
    yield from _workgroups(platform, found)
    leaving = set()
    for group in ours(platform, "groups", found):
        members = [user for user in found["users"] if group["group_name"] in user["group_list"]]
        leaving.add(group["arn"])
        yield Removal("groups", group["group_name"], f", and its members: {len(members)}" if members else "")
    for role in ours(platform, "roles", found):
        profiles = [profile["instance_profile_name"] for profile in role.get("instance_profile_list", ())]
        use = f"is in the instance profile {some_of(profiles)}" if profiles else ""
        if not (use and keep_used):
            leaving.add(role["arn"])
        yield Removal("roles", role["role_name"], use=use)
    for policy in ours(platform, "policies", found):
        users = list(_users(policy["arn"], found, leaving))
        yield Removal("policies", policy["policy_name"], use=f"is used by {some_of(users)}" if users else "")


def _workgroups(platform: Platform, found: Mapping[str, Any]) -> Iterator[Removal]:
    for group in found.get("workgroups", ()):
        if group["tags"].get(MARK) == platform.name:
            contents = " and ".join(group.get("contents", ()))
            yield Removal(
                "workgroups",
                group["name"],
                ", with its saved queries and history" if platform.settings["destroy_queries"] else "",
                f"has {contents}" if contents else "",
                f"platform_access_destroy_queries=true to remove them with it, or {LEAVE}",
            )


def _users(arn: str, found: Mapping[str, Any], leaving: set[str]) -> Iterator[str]:
    """The remaining roles, groups and users with the policy, or bounded by it."""
    for kind in ("roles", "groups"):
        staying = (each for each in found[kind] if each["arn"] not in leaving)
        yield from (f"the {WORDS[kind]} {each[NAMES[kind]]}" for each in staying if _has(each, arn))
    yield from (f"the user {each['user_name']}" for each in found["users"] if _has(each, arn))


def _has(item: Item, arn: str) -> bool:
    return arn == boundary_of(item) or arn in attached_arns(item)


def _not_ours(platform: Platform, found: Mapping[str, Any]) -> Iterator[str]:
    """Resources that a run would refuse because they are not the platform's."""
    teams = [f"{platform.name}-{team}" for team in platform.teams]
    people = [f"{platform.name}-people-{team}" for team in platform.teams]
    own = [f"{platform.name}-{word}" for word in ("viewer", "boundary")]
    wanted = {
        "policies": {*teams, *people, *own},
        "roles": {role.name for role in execution_roles(platform)},
        "groups": {*people},
    }
    for kind in IAM:
        there = by_name(kind, found.get(kind, ()))
        for item in (there[name.casefold()] for name in sorted(wanted[kind]) if name.casefold() in there):
            if item["path"] != platform.path:
                yield f"{WORDS[kind]} {item['path']}{item[NAMES[kind]]} is not on the path {platform.path} and stays"
    for group in found.get("workgroups", ()):
        if group["name"] in teams and group["tags"].get(MARK) != platform.name:
            yield f"workgroup {group['name']} does not have the tag {MARK}={platform.name} and stays"
