# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""A wanted file system of EFS, and the plan from the existing one to it. No call to AWS."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies
from ansible_collections.amazon.aws.plugins.module_utils.tagging import compare_aws_tags

from ..common.arguments import once
from ..common.errors import InputError
from ..common.service_model import input_problems, tag_problems

if TYPE_CHECKING:
    from botocore.model import ServiceModel

OWN_TAGS = frozenset({"datalab:storage"})  # marks resources of the role platform_storage
SET_ONCE = {"encrypted": "Encrypted", "kms_key_id": "KmsKeyId", "performance_mode": "PerformanceMode"}
THROUGHPUT = {
    "throughput_mode": "ThroughputMode",
    "provisioned_throughput_in_mibps": "ProvisionedThroughputInMibps",
}
TRANSITIONS = {
    "transition_to_ia": "TransitionToIA",
    "transition_to_archive": "TransitionToArchive",
    "transition_to_primary_storage_class": "TransitionToPrimaryStorageClass",
}
TARGET = {"subnet_id": "SubnetId", "ip_address": "IpAddress", "security_groups": "SecurityGroups"}

NOTHING: dict[str, Any] = {"lifecycle_policies": {}, "backup": False, "policy": {}, "mount_targets": [], "tags": {}}


@dataclass(frozen=True)
class DesiredFileSystem:
    """A wanted file system. None: the setting is left as it is. Empty: it is removed."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)  # the given options of SET_ONCE and THROUGHPUT
    lifecycle_policies: dict[str, str] | None = None
    backup: bool | None = None
    policy: dict[str, Any] | None = None
    mount_targets: list[dict[str, Any]] | None = None
    purge_mount_targets: bool = False
    tags: dict[str, str] | None = None
    purge_tags: bool = True


@dataclass(frozen=True)
class FileSystemPlan:
    """The plan of one file system."""

    desired: DesiredFileSystem
    before: dict[str, Any] | None
    set_tags: dict[str, str] = field(default_factory=dict)
    delete_tags: list[str] = field(default_factory=list)
    puts: dict[str, Any] = field(default_factory=dict)  # lifecycle_policies, backup, policy: their new values
    delete_targets: list[dict[str, Any]] = field(default_factory=list)
    create_targets: list[dict[str, Any]] = field(default_factory=list)
    security_groups: dict[str, list[str]] = field(default_factory=dict)  # by mount target
    throughput: dict[str, Any] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether a call has to be made."""
        steps = [value for key, value in vars(self).items() if key not in ("desired", "before")]
        return self.before is None or any(steps)

    @property
    def kept_targets(self) -> list[dict[str, Any]]:
        """The mount targets that stay, with their security groups as they will be."""
        gone = [target["mount_target_id"] for target in self.delete_targets]
        return [
            {
                **target,
                "security_groups": self.security_groups.get(target["mount_target_id"], target["security_groups"]),
            }
            for target in (self.before or NOTHING)["mount_targets"]
            if target["mount_target_id"] not in gone
        ]

    @property
    def after(self) -> dict[str, Any]:
        """The file system as it will be."""
        before = self.before or {**NOTHING, "creation_token": self.desired.name, **self.desired.settings}
        tags = {**before["tags"], **self.set_tags}
        return {
            **before,
            **self.throughput,
            **self.puts,
            "tags": {key: value for key, value in tags.items() if key not in self.delete_tags},
            "mount_targets": self.kept_targets + self.create_targets,
        }


def desired_file_system(params: dict[str, Any]) -> DesiredFileSystem:
    """Module parameters as DesiredFileSystem."""
    tags, targets, lifecycle = params["tags"], params["mount_targets"], params["lifecycle_policies"]
    return DesiredFileSystem(
        name=params["name"],
        settings=_given({option: params[option] for option in (*SET_ONCE, *THROUGHPUT)}),
        lifecycle_policies=None if lifecycle is None else _given(lifecycle),
        backup=params["backup"],
        policy=_policy(params["policy"]),
        mount_targets=None if targets is None else once([_desired_target(target) for target in targets]),
        purge_mount_targets=params["purge_mount_targets"],
        tags=None if tags is None else {str(key): str(value) for key, value in tags.items()},
        purge_tags=params["purge_tags"],
    )


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}


def _desired_target(target: dict[str, Any]) -> dict[str, Any]:
    return {key: once(value) for key, value in _given(target).items()}


def _policy(text: str | None) -> dict[str, Any] | None:
    try:
        policy = None if text is None else json.loads(text or "{}")
    except ValueError as error:
        raise InputError([f"policy: it is not JSON: {error}"]) from None
    if not isinstance(policy, dict | None):
        raise InputError(["policy: it is not a JSON object"])
    return policy


def file_system_problems(model: ServiceModel, desired: DesiredFileSystem) -> list[str]:
    """One sentence for each mistake in a wanted file system."""
    create = {"CreationToken": desired.name, **create_params(desired)}
    problems = [text.replace("creation_token", "name") for text in input_problems(model, "CreateFileSystem", create)]
    policies = {"LifecyclePolicies": as_policies(desired.lifecycle_policies or {})}
    problems += input_problems(model, "PutLifecycleConfiguration", policies)
    targets = desired.mount_targets or []
    for target in targets:
        found = input_problems(model, "CreateMountTarget", target_params(target))
        problems += [f"mount_targets.{text}" for text in found]
    subnets = [target["subnet_id"] for target in targets]
    twice = sorted({subnet for subnet in subnets if subnets.count(subnet) > 1})
    problems += [f"mount_targets: {subnet} is listed twice; remove one" for subnet in twice]
    problems += [f"tags: {text}" for text in tag_problems(desired.tags or {}, own=OWN_TAGS)]
    return [f"file system {desired.name}: {problem}" for problem in problems]


# Planning


def plan_file_system(desired: DesiredFileSystem, current: dict[str, Any] | None) -> FileSystemPlan:
    """The plan from `current`, the result of `read_file_system`, to `desired`; raises InputError if AWS has no way."""
    problems = [*_throughput_problems(desired, current or {}), *(_unchangeable(desired, current) if current else ())]
    if problems:
        raise InputError([f"file system {desired.name}: {problem}" for problem in problems])
    has = current or NOTHING
    purge_tags = desired.purge_tags and desired.tags is not None
    to_set, to_delete = compare_aws_tags(has["tags"], desired.tags or {}, purge_tags)
    wanted = {target["subnet_id"]: target for target in desired.mount_targets or []}
    there = {target["subnet_id"]: target for target in has["mount_targets"]}
    purge_targets = desired.purge_mount_targets and desired.mount_targets is not None
    return FileSystemPlan(
        desired=desired,
        before=current,
        set_tags=to_set,
        delete_tags=to_delete,
        puts=_puts(desired, has),
        delete_targets=[target for subnet, target in there.items() if purge_targets and subnet not in wanted],
        create_targets=[target for subnet, target in wanted.items() if subnet not in there],
        security_groups={
            there[subnet]["mount_target_id"]: target["security_groups"]
            for subnet, target in wanted.items()
            if subnet in there and _other_groups(target, there[subnet])
        },
        throughput=_throughput(desired, current) if current else {},
    )


def _throughput_problems(desired: DesiredFileSystem, current: dict[str, Any]) -> Iterator[str]:
    given = {option: {**current, **desired.settings}.get(option) for option in THROUGHPUT}
    is_provisioned = given["throughput_mode"] == "provisioned"
    if "provisioned_throughput_in_mibps" in desired.settings and not is_provisioned:
        yield "provisioned_throughput_in_mibps: it is for throughput_mode: provisioned only; remove it"
    if is_provisioned and "throughput_mode" in desired.settings and given["provisioned_throughput_in_mibps"] is None:
        yield "throughput_mode: provisioned needs provisioned_throughput_in_mibps; set it"


def _unchangeable(desired: DesiredFileSystem, current: dict[str, Any]) -> Iterator[str]:
    once = "and AWS sets it at creation only"
    for option in SET_ONCE:
        wanted, has = desired.settings.get(option), current.get(option)
        if wanted is not None and not is_same(wanted, has):
            yield f"{option}: it is {has}, not {wanted}, {once}; set {has}, or move the files to another file system"
    there = {target["subnet_id"]: target["ip_address"] for target in current["mount_targets"]}
    for target in desired.mount_targets or []:
        wanted, has = target.get("ip_address"), there.get(target["subnet_id"])
        if wanted and has and wanted != has:
            yield f"mount_targets.ip_address: it is {has}, not {wanted}, {once}; set {has}, or remove the mount target"


def is_same(wanted: Any, has: Any) -> bool:
    """Whether two values are the same. AWS returns keys as ARNs; an alias does not show its key."""
    return wanted == has or str(has).endswith(f":key/{wanted}") or "alias/" in str(wanted)


def _puts(desired: DesiredFileSystem, has: dict[str, Any]) -> dict[str, Any]:
    puts: dict[str, Any] = {}
    for option in ("lifecycle_policies", "backup"):
        wanted = getattr(desired, option)
        if wanted is not None and wanted != has[option]:
            puts[option] = wanted
    arn = has.get("file_system_arn")
    if desired.policy is not None and compare_policies(_on(arn, has["policy"]), _on(arn, desired.policy)):
        puts["policy"] = desired.policy
    return puts


def _on(arn: str | None, policy: dict[str, Any]) -> dict[str, Any]:
    """The policy with the file system as its resource where it names none, as AWS completes it."""
    statements = policy.get("Statement", [])
    if not isinstance(statements, list):
        statements = [statements]
    whole = [each if "NotResource" in each else {"Resource": arn, **each} for each in statements]
    return {**policy, "Statement": whole} if policy else {}


def _throughput(desired: DesiredFileSystem, current: dict[str, Any]) -> dict[str, Any]:
    mode = {"throughput_mode": current.get("throughput_mode")}
    wanted = {option: {**mode, **desired.settings}.get(option) for option in THROUGHPUT}
    same = all(value is None or value == current.get(option) for option, value in wanted.items())
    return {} if same else wanted


def _other_groups(wanted: dict[str, Any], has: dict[str, Any]) -> bool:
    groups = wanted.get("security_groups"), has["security_groups"]
    return None not in groups and set(groups[0]) != set(groups[1])  # type: ignore[arg-type]  # not None


def zone_problems(plan: FileSystemPlan, subnets: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Reasons for which AWS would refuse the new mount targets; `subnets` are theirs, by id."""
    missing = [target["subnet_id"] for target in plan.create_targets if target["subnet_id"] not in subnets]
    problems = [f"{subnet} does not exist" for subnet in missing]
    zones, networks = defaultdict(list), defaultdict(list)
    for target in plan.kept_targets:
        zones[target["availability_zone_name"]].append(target["subnet_id"])
        networks[target["vpc_id"]].append(target["subnet_id"])
    for subnet_id, subnet in subnets.items():
        zones[subnet["AvailabilityZone"]].append(subnet_id)
        networks[subnet["VpcId"]].append(subnet_id)
    problems += [
        f"{' and '.join(found)} are both in {zone}, which can have one mount target; leave one out"
        f"{_of_those_there(plan, found)}"
        for zone, found in zones.items()
        if len(found) > 1
    ]
    if len(networks) > 1:
        apart = "; ".join(f"{', '.join(found)} in {vpc}" for vpc, found in networks.items())
        problems.append(f"give subnets of one VPC; these are of several: {apart}")
    return [f"file system {plan.desired.name}: mount_targets: {problem}" for problem in problems]


def _of_those_there(plan: FileSystemPlan, subnets: list[str]) -> str:
    there = [target["subnet_id"] for target in plan.kept_targets if target["subnet_id"] in subnets]
    return f", or set purge_mount_targets: true to remove that of {there[0]}" if there else ""


# Parameters of calls


def create_params(desired: DesiredFileSystem) -> dict[str, Any]:
    return {parameter: desired.settings[option] for option, parameter in given_parameters(desired.settings)}


def given_parameters(settings: dict[str, Any]) -> list[tuple[str, str]]:
    return [item for item in {**SET_ONCE, **THROUGHPUT}.items() if settings.get(item[0]) is not None]


def target_params(target: dict[str, Any]) -> dict[str, Any]:
    return {TARGET[key]: value for key, value in target.items()}


def as_policies(lifecycle_policies: dict[str, str]) -> list[dict[str, str]]:
    """As PutLifecycleConfiguration takes them: one transition each."""
    return [{TRANSITIONS[key]: value} for key, value in sorted(lifecycle_policies.items())]


# Showing


def file_system_diff(before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
    """What options set, before and after, for `--diff`."""
    return {"before": _settings(before), "after": _settings(after)}


def _settings(file_system: dict[str, Any] | None) -> dict[str, Any]:
    if file_system is None:
        return {}
    kept = {key: file_system.get(key) for key in (*SET_ONCE, *THROUGHPUT, *NOTHING)}
    targets = [{key: target.get(key) for key in TARGET} for target in file_system["mount_targets"]]
    return {**kept, "mount_targets": sorted(targets, key=lambda target: str(target["subnet_id"]))}
