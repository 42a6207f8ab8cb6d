# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The plan from the existing file systems and mount targets to the wanted ones. No call to AWS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.efs.access_point import GONE
from ansible_collections.datalab.notebooks.plugins.module_utils.efs.plan import (
    DesiredFileSystem,
    FileSystemPlan,
    is_same,
    plan_file_system,
)

from .section import Change
from .storage_settings import Roles, Settings, as_text, desired_file_system, is_marked, mark, own_file_systems

NONE_THERE: dict[str, Any] = {"mount_targets": []}


@dataclass(frozen=True)
class Place:
    """A subnet that file systems are mounted from."""

    label: str
    subnet_id: str | None  # None: not there yet
    zone: str = ""
    vpc_id: str = ""


@dataclass(frozen=True)
class Places:
    """The subnets that file systems are mounted from, and the security groups."""

    variable: str  # the begin of a sentence about them
    subnets: tuple[Place, ...] = ()
    security_groups: tuple[str | None, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass
class Outcome:
    """The steps for file systems."""

    changes: list[Change] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[dict[str, Any]] = field(default_factory=list)  # what cannot be made without the network


# Where


def places(settings: Settings, found: Mapping[str, Any], network: Mapping[str, Any] | None) -> Places:
    """The subnets of the settings, or else of the network, with their zones."""
    groups = settings["security_group_ids"]
    if settings["subnet_ids"]:
        return _given_places(settings["subnet_ids"], tuple(groups), found["subnets"])
    if network is None:
        return Places("platform_storage_subnet_ids")
    subnets = [
        Place(subnet or f"subnet {number} of the network", subnet, network["zones"].get(subnet, ""), network["vpc_id"])
        for number, subnet in enumerate(network["subnet_ids"], 1)
    ]
    return Places("platform_network_subnet_ids", tuple(subnets), tuple(groups or [network["storage_security_group"]]))


def _given_places(subnet_ids: Sequence[str], groups: tuple[str, ...], there: Mapping[str, Any]) -> Places:
    name = "platform_storage_subnet_ids"
    missing = [subnet for subnet in subnet_ids if subnet not in there]
    problems = [
        f"{name} has {subnet}, which is not in this account and region; it must be a subnet that is there"
        for subnet in missing
    ]
    networks = sorted({there[subnet]["vpc_id"] for subnet in subnet_ids if subnet in there})
    if len(networks) > 1:
        problems.append(f"{name} has subnets in {' and '.join(networks)}; they must be in one VPC")
    subnets = [
        Place(subnet, subnet, there[subnet]["zone"], there[subnet]["vpc_id"])
        for subnet in subnet_ids
        if subnet in there
    ]
    return Places(name, tuple(subnets), groups, tuple(problems))


def _one_in_each_zone(wanted: Places, current: Mapping[str, Any]) -> list[Place]:
    """In each zone the subnet that has a mount target already, or else the first one."""
    has = {target["subnet_id"] for target in current["mount_targets"]}
    by_zone: dict[str, Place] = {}
    for place in sorted(wanted.subnets, key=lambda place: place.subnet_id not in has):
        by_zone.setdefault(place.zone or place.label, place)
    return [place for place in wanted.subnets if place in by_zone.values()]


# What


def plan_file_systems(
    settings: Settings, there: Mapping[str, Mapping[str, Any]], people: Sequence[str], wanted: Places, roles: Roles
) -> Outcome:
    """The changes of the file systems of the role; `there` are the existing ones, by name."""
    outcome = Outcome()
    own = own_file_systems(settings, people)
    outcome.refused += wanted.problems if own else ()
    for name, tags in own.items():
        current = without_gone_targets(there[name]) if name in there else None
        desired = desired_file_system(settings, name, tags, roles)
        if current and not is_marked(settings, current):
            continue  # foreign_file_systems refuses it
        refused = [*_set_once(desired, current), *_misplaced(name, current, wanted)]
        if refused:
            outcome.refused += refused
        else:
            _plan_one(outcome, desired, current, wanted)
    return outcome


def foreign_file_systems(
    settings: Settings, there: Mapping[str, Mapping[str, Any]], people: Sequence[str]
) -> Iterator[str]:
    """File systems with a name of the platform that are not the platform's."""
    for name in own_file_systems(settings, people):
        if name in there and not is_marked(settings, there[name]):
            ((tag, value),) = mark(settings).items()
            yield (
                f"platform_storage_efs_name: the file system {name} ({there[name]['file_system_id']}) must have the tag"
                f" {tag}={value} to be the platform's; set another platform_storage_efs_name, name it in"
                " platform_storage_efs_dns_name to use it as it is, or give it that tag"
            )


def without_gone_targets(current: Mapping[str, Any]) -> dict[str, Any]:
    """The file system without the mount targets that AWS is removing."""
    return {**current, "mount_targets": [each for each in current["mount_targets"] if not _is_gone(each)]}


def _is_gone(target: Mapping[str, Any]) -> bool:
    return target["life_cycle_state"] in GONE


def _set_once(desired: DesiredFileSystem, current: Mapping[str, Any] | None) -> Iterator[str]:
    if current is None:
        return
    once = "AWS sets this at creation only"
    key, name = desired.settings.get("kms_key_id"), desired.name
    if not current["encrypted"]:
        remedy = "platform_storage_efs_name must be another name, for a file system to which its files are moved"
        yield f"platform_storage_efs_name is for {name}, which is there and not encrypted; {once}: {remedy}"
    elif key and not is_same(key, current["kms_key_id"]):
        has = current["kms_key_id"]
        yield f'platform_storage_kms_key_id is {key}, and file system {name} has {has}; {once}: it must be {has} or ""'


def _misplaced(name: str, current: Mapping[str, Any] | None, wanted: Places) -> Iterator[str]:
    """Mount targets that AWS would refuse because of existing ones."""
    targets = current["mount_targets"] if current else []
    networks = {target["vpc_id"] for target in targets}
    for vpc_id in sorted({place.vpc_id for place in wanted.subnets if place.subnet_id}):
        if networks and vpc_id not in networks:
            has = ", ".join(sorted(networks))
            yield (
                f"{wanted.variable}: the subnets are in {vpc_id}, and file system {name} has mount targets in {has};"
                f" all must be in one VPC: remove these mount targets, or use subnets of {has}"
            )
            return
    by_zone = {target["availability_zone_name"]: target for target in targets}
    for place in _one_in_each_zone(wanted, current or NONE_THERE):
        other = by_zone.get(place.zone)
        if other and other["subnet_id"] != place.subnet_id:
            yield (
                f"{wanted.variable} has {place.subnet_id} in {place.zone}, where file system {name} has a mount target"
                f" in {other['subnet_id']}; AWS allows one in a zone: remove {other['mount_target_id']}, or use"
                f" {other['subnet_id']}"
            )


def _plan_one(outcome: Outcome, desired: DesiredFileSystem, current: dict[str, Any] | None, wanted: Places) -> None:
    name = desired.name
    chosen = _one_in_each_zone(wanted, current or NONE_THERE)
    ready = [place for place in chosen if place.subnet_id and None not in wanted.security_groups]
    groups = list(wanted.security_groups)
    desired = replace(
        desired, mount_targets=[{"subnet_id": place.subnet_id, "security_groups": groups} for place in ready]
    )
    plan = plan_file_system(desired, current)
    outcome.changes += [] if current else [Change("create", f"file system {name}", after=as_text(_made(plan)))]
    outcome.changes += _changed(plan) if current else []
    new = [target["subnet_id"] for target in plan.create_targets]
    for place in chosen:
        if place not in ready or place.subnet_id in new:
            outcome.changes.append(_target_change(name, place, wanted))
    outcome.changes += list(_regrouped(plan))
    outcome.waiting += [{"text": _target_text(name, place.label)} for place in chosen if place not in ready]
    if plan.changed:
        outcome.steps.append(_step(plan.desired))


def _made(plan: FileSystemPlan) -> dict[str, Any]:
    desired = plan.desired
    return {
        **desired.settings,
        "backup": desired.backup,
        "lifecycle_policies": desired.lifecycle_policies,
        "policy": desired.policy,
        "tags": desired.tags,
    }


def _changed(plan: FileSystemPlan) -> Iterator[Change]:
    """The differences of an existing file system, one for each property."""
    before: Mapping[str, Any] = plan.before or {}
    after: dict[str, Any] = {**plan.puts}
    if plan.throughput:
        after["throughput_mode"] = plan.throughput["throughput_mode"]
    if plan.set_tags:
        after["tags"] = {**before["tags"], **plan.set_tags}
    for option, value in after.items():
        text = f"file system {plan.desired.name}: {option}"
        yield Change("change", text, as_text(before.get(option)), as_text(value))


def _target_text(name: str, label: str) -> str:
    return f"mount target of file system {name} in {label}"


def _target_change(name: str, place: Place, wanted: Places) -> Change:
    zone = f" ({place.zone})" if place.zone else ""
    groups = [group for group in wanted.security_groups if group]
    return Change(
        "create", _target_text(name, place.label) + zone, after=as_text({"security_groups": groups}) if groups else ""
    )


def _regrouped(plan: FileSystemPlan) -> Iterator[Change]:
    for target in (plan.before or NONE_THERE)["mount_targets"]:
        groups = plan.security_groups.get(target["mount_target_id"])
        if groups is not None:
            text = f"{_target_text(plan.desired.name, target['subnet_id'])}: security_groups"
            yield Change("change", text, as_text(sorted(target["security_groups"])), as_text(sorted(groups)))


def _step(desired: DesiredFileSystem) -> dict[str, Any]:
    """The options of the module efs_file_system."""
    return {
        "name": desired.name,
        "kms_key_id": desired.settings.get("kms_key_id", ""),
        "throughput_mode": desired.settings["throughput_mode"],
        "lifecycle_policies": desired.lifecycle_policies,
        "backup": desired.backup,
        "policy": desired.policy,
        "mount_targets": desired.mount_targets,
        "tags": desired.tags,
    }
