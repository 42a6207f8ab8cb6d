# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The policies, roles, groups and workgroups of the platform: each as wanted, and as AWS has it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.section import Change
from ansible_collections.datalab.notebooks.plugins.plugin_utils.policies import (
    Platform,
    render_policies,
    render_trust,
)

Item = Mapping[str, Any]  # a resource that was read, in snake_case

MARK = "datalab:access"  # the tag of a workgroup that the platform made; IAM's things are marked by their path
WORDS = {"policies": "policy", "roles": "role", "groups": "group", "workgroups": "workgroup"}
NAMES = {"policies": "policy_name", "roles": "role_name", "groups": "group_name", "workgroups": "name"}
IAM = ("policies", "roles", "groups")
DOCUMENTS = ("document", "trust")

SafeDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # faster, but not always installed


@dataclass(frozen=True)
class Thing:
    """One managed resource."""

    kind: str  # a key of WORDS
    name: str
    wanted: dict[str, Any]  # its managed settings, as people read them
    found: dict[str, Any] | None  # the same from AWS; None: it does not exist
    step: dict[str, Any]  # the options of the module that makes it
    waits: bool = False  # needs something that does not exist yet

    @property
    def change(self) -> Change | None:
        """The change that it needs, if any."""
        text = f"{WORDS[self.kind]} {self.name}"
        if self.found is None:
            return Change("create", text, after=as_yaml(self.wanted))
        differing = [key for key, value in self.wanted.items() if _differs(key, self.found[key], value)]
        if not differing:
            return None
        before, after = ({key: side[key] for key in differing} for side in (self.found, self.wanted))
        return Change("change", f"{text}: {', '.join(differing)}", as_yaml(before), as_yaml(after))


def as_yaml(value: Any) -> str:
    """For people to read. By way of JSON, because YAML does not know Ansible's kinds of text."""
    plain = json.loads(json.dumps(value))
    text: str = yaml.dump(plain, Dumper=SafeDumper, sort_keys=False, allow_unicode=True, width=120)
    return text


def _differs(key: str, found: Any, wanted: Any) -> bool:
    return bool(compare_policies(found, wanted)) if key in DOCUMENTS else found != wanted


def by_name(kind: str, items: Iterable[Item]) -> dict[str, Item]:
    """The resources that were read, by lower-case name: IAM ignores capitals."""
    return {str(item[NAMES[kind]]).casefold(): item for item in items}


def ours(platform: Platform, kind: str, found: Mapping[str, Any]) -> Iterator[Item]:
    """The platform's resources in IAM, also those of an earlier inventory: by their path and their name's beginning."""
    begins = f"{platform.name}-".casefold()
    for item in found.get(kind, ()):
        if item["path"] == platform.path and str(item[NAMES[kind]]).casefold().startswith(begins):
            yield item


def attached_arns(item: Item) -> list[str]:
    """The ARNs of the managed policies that a role, a group or a user has."""
    return sorted(policy["policy_arn"] for policy in item.get("attached_managed_policies", ()))


def inline_policies(item: Item) -> dict[str, Any]:
    """The documents of the inline policies of a role or a group, by name."""
    embedded = [*item.get("role_policy_list", ()), *item.get("group_policy_list", ())]
    return {str(policy["policy_name"]): policy.get("document") for policy in embedded}


def boundary_of(item: Item) -> str | None:
    """The ARN of the permissions boundary of a role or a user."""
    arn: str | None = (item.get("permissions_boundary") or {}).get("permissions_boundary_arn")
    return arn


def policies(platform: Platform, found: Iterable[Item], waiting: Iterable[str]) -> Iterator[Thing]:
    """The managed policies; those named in `waiting` cannot be created yet. AWS never changes a description."""
    there, tags = by_name("policies", found), platform.settings["tags"]
    for policy in render_policies(platform):
        current = there.get(policy.name.casefold())
        step = {
            "name": policy.name,
            "path": platform.path,
            "description": policy.description,
            "policy": json.dumps(policy.document),
            "tags": tags,
        }
        wanted = {"document": policy.document, "tags": tags, "old versions": 0}
        has = _policy(current, tags) if current else None
        yield Thing("policies", policy.name, wanted, has, step, waits=policy.name in waiting)


def _policy(item: Item, tags: Item) -> dict[str, Any]:
    versions = item["policy_version_list"]
    return {
        "document": next(version["document"] for version in versions if version["is_default_version"]),
        "tags": _managed_tags(item, tags),
        "old versions": len(versions) - 1,
    }


def _managed_tags(item: Item, tags: Item) -> dict[str, str]:
    """The tags of a resource that the platform sets; others are left alone."""
    return {key: value for key, value in item.get("tags", {}).items() if key in tags}


@dataclass(frozen=True)
class Role:
    """An execution role, with its owner and the team of its policy; without a team it is the viewers'."""

    name: str
    policy: str
    description: str
    tags: dict[str, str]
    people: tuple[str, ...]


def execution_roles(platform: Platform) -> Iterator[Role]:
    """All execution roles: the viewers', and of each team one, or one for each of its people."""
    viewer = f"{platform.name}-viewer"
    if platform.viewers:
        yield Role(viewer, viewer, "The viewers", {}, tuple(platform.viewers))
    for team, settings in platform.teams.items():
        name, members = f"{platform.name}-{team}", [each for each in platform.people if each["team"] == team]
        if not settings.get("role_per_person"):
            names = tuple(str(each["name"]) for each in members)
            yield Role(name, name, f"The instances of the team {team}", {"team": team}, names)
            continue
        for each in members:
            person, instance = str(each["name"]), str(each["instance"])
            tags = {"team": team, "owner": person, "instance": instance}
            yield Role(f"{name}-{person}", name, f"The instance {instance}", tags, (person,))


def roles(platform: Platform, found: Iterable[Item]) -> Iterator[Thing]:
    """The execution roles, each with its policy and no other, within the boundary.

    Inline policies and other attached policies are removed: a role may read what the inventory says, and nothing
    else tells of rights that were given by hand. `--diff` shows them, so that they can be given back.
    """
    there, trust = by_name("roles", found), render_trust(platform)
    for role in execution_roles(platform):
        current, tags = there.get(role.name.casefold()), {**platform.settings["tags"], **role.tags}
        wanted = {
            "description": role.description,
            "trust": trust,
            "boundary": platform.boundary_arn,
            "policies": [f"{platform.arns['policy']}{role.policy}"],
            "inline policies": {},
            "tags": tags,
        }
        step = {
            "name": role.name,
            "path": platform.path,
            "description": role.description,
            "assume_role_policy_document": json.dumps(trust),
            "managed_policies": wanted["policies"],
            "boundary": platform.boundary_arn,
            "tags": tags,
        }
        yield Thing("roles", role.name, wanted, _role(current, tags) if current else None, step)


def _role(item: Item, tags: Item) -> dict[str, Any]:
    return {
        "description": item.get("description", ""),
        "trust": item["assume_role_policy_document"],
        "boundary": boundary_of(item),
        "policies": attached_arns(item),
        "inline policies": inline_policies(item),
        "tags": _managed_tags(item, tags),
    }


def groups(platform: Platform, found: Iterable[Item], waiting: Iterable[str]) -> Iterator[Thing]:
    """The groups, each with the policy of its people. Their members and other policies are the account's."""
    there = by_name("groups", found)
    for team in platform.teams:
        name = f"{platform.name}-people-{team}"
        current, wanted = there.get(name.casefold()), [f"{platform.arns['policy']}{name}"]
        has = {"policies": [arn for arn in wanted if arn in attached_arns(current)]} if current else None
        step = {"name": name, "path": platform.path, "managed_policies": wanted}
        yield Thing("groups", name, {"policies": wanted}, has, step, waits=name in waiting)


def workgroups(platform: Platform, found: Iterable[Item]) -> Iterator[Thing]:
    """The workgroup of each team. Its settings override those of a query."""
    if not platform.results_bucket:
        return
    there = {item["name"]: item for item in found}
    for team, settings in platform.teams.items():
        name, limits = f"{platform.name}-{team}", settings.get("limits") or {}
        current, tags = there.get(name), {**platform.settings["tags"], "team": team, MARK: platform.name}
        wanted = {
            "description": f"Queries of the team {team}",
            "output_location": f"s3://{platform.results_bucket}/{team}/",
            "expected_bucket_owner": platform.account["account"],  # never to a bucket of another account
            "encryption": {"encryption_option": "SSE_S3"},
            "enforce_work_group_configuration": True,
            "publish_cloudwatch_metrics_enabled": True,
            "bytes_scanned_cutoff_per_query": limits.get("query_bytes", 0),
        }
        has = _workgroup(current, wanted, tags) if current else None
        yield Thing("workgroups", name, {**wanted, "tags": tags}, has, {"name": name, **wanted, "tags": tags})


def _workgroup(item: Item, wanted: Item, tags: Item) -> dict[str, Any]:
    has = {option: item[option] or 0 if wanted[option] == 0 else item[option] for option in wanted}
    return {**has, "tags": _managed_tags(item, tags)}
