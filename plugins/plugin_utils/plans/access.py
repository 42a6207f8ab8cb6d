# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The plan of IAM and Athena: from what was read in AWS to the wanted rights. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import some_of
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans import access_things
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.access_removal import plan_access_removal
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.access_things import (
    IAM,
    MARK,
    NAMES,
    WORDS,
    Item,
    Thing,
    attached_arns,
    boundary_of,
    by_name,
    execution_roles,
    inline_policies,
    ours,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.section import SectionPlan
from ansible_collections.datalab.notebooks.plugins.plugin_utils.policies import Platform
from ansible_collections.datalab.notebooks.plugins.plugin_utils.teams import team_names

__all__ = ["plan_access", "plan_access_removal", "wanted_to_read"]

Settings = Mapping[str, Any]
People = Sequence[Mapping[str, Any]]

# In the place of an id that does not exist yet; a document with it is never sent.
LATER = "(known once the network is there)"


def wanted_to_read(
    settings: Settings, *, people: People, removal: bool = False, ids_only: bool = False
) -> dict[str, Any]:
    """The request for `read_access`. Whether the bucket for results exists is not known yet."""
    name = settings["name"]
    return {
        "name": name,
        "path": f"/{name}/",
        "iam": not settings["role_arn"],
        "ids_only": ids_only,
        "removal": removal,
        "policy_tags": not removal,
        "workgroups": [f"{name}-{team}" for team in team_names(settings, people)],
        "queries": removal and not settings["destroy_queries"],
    }


def plan_access(
    settings: Settings,
    found: Mapping[str, Any],
    *,
    network: Mapping[str, Any] | None,
    results_bucket: str,
    **others: Any,
) -> SectionPlan:
    """The plan. `network` has None for resources that do not exist yet, and is None if the platform has no network."""
    subnets, groups = _places(settings, network)
    platform = Platform(
        settings,
        results_bucket=settings["results_bucket"] or results_bucket,
        subnet_ids=subnets or [LATER],
        security_group_ids=groups or [LATER],
        network=network or {},
        **others,
    )
    ids = _ids(platform, found)
    if found.get("ids_only"):
        return SectionPlan(ids=ids)
    restricted = [team for team, limits in platform.teams.items() if limits.get("limits")]
    nowhere = restricted if not (subnets and groups) else []
    things = list(_things(platform, found, nowhere))
    refused = [*_foreign(platform, things, found)]
    if network is None and nowhere and not settings["role_arn"]:
        refused.append(_no_place(nowhere))
    changes = {(thing.kind, thing.name): change for thing in things if (change := thing.change)}
    pending = [thing for thing in things if (thing.kind, thing.name) in changes]
    return SectionPlan(
        changes=tuple(changes.values()),
        refused=tuple(refused),
        notes=() if settings["role_arn"] else tuple(_notes(platform, things, found)),
        ids=ids | {"waiting": [f"{WORDS[thing.kind]} {thing.name}" for thing in pending if thing.waits]},
        steps={
            **{kind: [thing.step for thing in pending if thing.kind == kind and not thing.waits] for kind in WORDS},
            "inline_policies": [{"role": thing.name, "name": name} for thing in pending for name in _embedded(thing)],
        },
    )


def _embedded(thing: Thing) -> list[str]:
    """The inline policies of a role, which must not have any."""
    return list((thing.found or {}).get("inline policies", ()))


def _places(settings: Settings, network: Mapping[str, Any] | None) -> tuple[list[str], list[str]]:
    """The subnets and security groups of restricted groups; none until all of them exist."""
    made = network or {}
    subnets = list(settings["subnet_ids"] or made.get("subnet_ids") or ())
    groups = list(settings["security_group_ids"] or [made.get("instances_security_group")])
    return subnets if all(subnets) else [], groups if all(groups) else []


def _no_place(restricted: Sequence[str]) -> str:
    return (
        f"platform_access_subnet_ids and platform_access_security_group_ids must each have an id, because"
        f" {', '.join(restricted)} in platform_access_teams have limits, and their people create instances there"
    )


def _things(platform: Platform, found: Mapping[str, Any], nowhere: Sequence[str]) -> Iterator[Thing]:
    waiting = [f"{platform.name}-people-{team}" for team in nowhere]
    if not platform.settings["role_arn"]:
        yield from access_things.policies(platform, found["policies"], waiting)
        yield from access_things.roles(platform, found["roles"])
        yield from access_things.groups(platform, found["groups"], waiting)
    yield from access_things.workgroups(platform, found["workgroups"])


def _ids(platform: Platform, found: Mapping[str, Any]) -> dict[str, Any]:
    """The ARNs of roles follow from the account and the inventory: they are known before there are roles."""
    given, arn = platform.settings["role_arn"], platform.arns["role"]
    people = {person: role.name for role in execution_roles(platform) for person in role.people}
    there = {role["role_name"] for role in found.get("roles", ()) if role["path"] == platform.path}
    shared = [team for team, settings in platform.teams.items() if given or not settings.get("role_per_person")]
    owners = [str(person["name"]) for person in platform.people]
    return {
        "person_roles": {person: given or f"{arn}{people[person]}" for person in owners if person in people},
        "team_roles": {team: given or f"{arn}{platform.name}-{team}" for team in shared},
        "viewer_role": given or f"{arn}{platform.name}-viewer",
        "role_names_missing": {} if given else {who: name for who, name in people.items() if name not in there},
    }


def _foreign(platform: Platform, things: Sequence[Thing], found: Mapping[str, Any]) -> Iterator[str]:
    """Resources with a name of the platform that are not the platform's."""
    other = "set another platform_access_name, or"
    for kind in IAM:
        there = by_name(kind, found.get(kind, ()))
        for thing in things:
            item = there.get(thing.name.casefold()) if thing.kind == kind else None
            if item and (item["path"], item[NAMES[kind]]) != (platform.path, thing.name):
                yield (
                    f"platform_access_name: the {WORDS[kind]} {item['path']}{item[NAMES[kind]]} must be"
                    f" {platform.path}{thing.name} to be the platform's; {other} remove it"
                )
    wanted = {thing.name for thing in things if thing.kind == "workgroups"}
    for item in found.get("workgroups", ()):
        if item["name"] in wanted and item["tags"].get(MARK) != platform.name:
            yield (
                f"platform_access_name: the workgroup {item['name']} must have the tag {MARK}={platform.name} to be the"
                f" platform's; {other} give it that tag"
            )


def _notes(platform: Platform, things: Sequence[Thing], found: Mapping[str, Any]) -> Iterator[str]:
    wanted = {(thing.kind, thing.name) for thing in things}
    surplus = []
    for kind in IAM:
        for item in sorted(ours(platform, kind, found), key=lambda each: str(each[NAMES[kind]])):
            name = str(item[NAMES[kind]])
            if (kind, name) not in wanted:
                surplus.append(f"{WORDS[kind]} {name}")
            if kind == "groups" or (kind, name) not in wanted:
                yield from _unmanaged_rights(platform, kind, name, item)
    if surplus:
        yield (
            f"{some_of(surplus)}: no team or person of the inventory needs this; it is kept. Delete it once"
            " no instance uses it, and with a team's role also its workgroup"
        )


def _unmanaged_rights(platform: Platform, kind: str, name: str, item: Item) -> Iterator[str]:
    """Rights that others have given to a group, or to a role that is no longer used; they add to ours."""
    policy = platform.arns["policy"]
    known = {f"{policy}{name}"} if kind == "groups" else {arn for arn in attached_arns(item) if arn.startswith(policy)}
    more = [arn for arn in attached_arns(item) if arn not in known]
    if policies := [*inline_policies(item), *more]:
        yield f"{WORDS[kind]} {name} has policies that the platform leaves alone: {some_of(policies)}"
    if kind == "roles" and boundary_of(item) != platform.boundary_arn:
        yield f"role {name} is not within the boundary {platform.boundary_arn}"
