# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""File systems of EFS: what has to change, and the calls that change it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.common import polling
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import InputError, NotebookError
from ansible_collections.datalab.notebooks.plugins.module_utils.efs import api as api_efs
from ansible_collections.datalab.notebooks.plugins.module_utils.efs import file_system as module
from ansible_collections.datalab.notebooks.plugins.module_utils.efs.file_system import (
    FileSystem,
    apply_file_system,
    assert_may_go,
    await_states,
    delete_file_system,
    read_file_system,
    read_settled,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.efs.plan import (
    NOTHING,
    DesiredFileSystem,
    desired_file_system,
    file_system_diff,
    file_system_problems,
    plan_file_system,
    zone_problems,
)

if TYPE_CHECKING:
    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

NAME, FS = "datalab", "fs-0123456789abcdef0"
ARN = f"arn:aws:elasticfilesystem:eu-central-1:123456789012:file-system/{FS}"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
A, B, C = (f"subnet-{n}123456789abcdef0" for n in "abc")
GROUP, OTHER_GROUP = "sg-0123456789abcdef0", "sg-0123456789abcdef1"
ALLOW = {"Effect": "Allow", "Principal": "*", "Action": "elasticfilesystem:ClientMount"}
POLICY = {"Version": "2012-10-17", "Statement": [ALLOW]}
IA = {"transition_to_ia": "AFTER_30_DAYS"}
TAGS = {"team": "research"}
BY_NAME, BY_ID = {"CreationToken": NAME}, {"FileSystemId": FS}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make waits take no time, and calls for several resources in their order."""
    monkeypatch.setattr(polling, "FIRST_DELAY", 0)
    monkeypatch.setattr(module, "in_parallel", lambda function, items: [function(item) for item in items])


def target(subnet: str = A, zone: str = "a", **more: Any) -> dict[str, Any]:
    """A mount target as read_file_system() returns it."""
    return {
        "mount_target_id": f"fsmt-{subnet[-17:]}",
        "subnet_id": subnet,
        "availability_zone_name": f"eu-central-1{zone}",
        "vpc_id": "vpc-1",
        "ip_address": "10.0.0.5",
        "life_cycle_state": "available",
        "security_groups": [GROUP],
        **more,
    }


def current(**more: Any) -> dict[str, Any]:
    """A file system as read_file_system() returns it."""
    return {
        "file_system_id": FS,
        "file_system_arn": ARN,
        "creation_token": NAME,
        "life_cycle_state": "available",
        "encrypted": True,
        "kms_key_id": KEY,
        "performance_mode": "generalPurpose",
        "throughput_mode": "bursting",
        "size_in_bytes": {"value": 6144},
        "lifecycle_policies": {},
        "backup": False,
        "policy": {},
        "mount_targets": [],
        "tags": {},
        **more,
    }


def want(settings: dict[str, Any] | None = None, **more: Any) -> DesiredFileSystem:
    return DesiredFileSystem(NAME, {"encrypted": True, **(settings or {})}, **more)


# Planning


@dataclass(frozen=True)
class Case:
    """The current and the desired file system, and the expected plan."""

    name: str
    desired: DesiredFileSystem
    current: dict[str, Any]
    steps: dict[str, Any] = field(default_factory=dict)  # those of the plan that are not empty
    after: dict[str, Any] = field(default_factory=dict)  # as far as it differs from current


FULL = {"lifecycle_policies": IA, "backup": True, "policy": POLICY, "mount_targets": [target()], "tags": TAGS}
PROVISIONED = {"throughput_mode": "provisioned", "provisioned_throughput_in_mibps": 2.0}
CASES = [
    Case("nothing given", want(), current(**FULL)),
    Case("all as given", want({"kms_key_id": KEY, "throughput_mode": "bursting"}, lifecycle_policies=IA, backup=True,
         policy=POLICY, mount_targets=[{"subnet_id": A, "security_groups": [GROUP]}], tags=TAGS), current(**FULL)),
    Case("the key by its id", want({"kms_key_id": KEY.rpartition("/")[2]}), current()),
    Case("the key by an alias", want({"kms_key_id": "alias/ours"}), current()),
    Case("another mode", want({"throughput_mode": "elastic"}), current(),
         {"throughput": {"throughput_mode": "elastic", "provisioned_throughput_in_mibps": None}},
         {"throughput_mode": "elastic", "provisioned_throughput_in_mibps": None}),
    Case("provisioned", want(PROVISIONED), current(), {"throughput": PROVISIONED}, PROVISIONED),
    Case("more of it", want(PROVISIONED), current(**{**PROVISIONED, "provisioned_throughput_in_mibps": 1.0}),
         {"throughput": PROVISIONED}, PROVISIONED),
    Case("no longer provisioned", want({"throughput_mode": "elastic"}), current(**PROVISIONED),
         {"throughput": {"throughput_mode": "elastic", "provisioned_throughput_in_mibps": None}},
         {"throughput_mode": "elastic", "provisioned_throughput_in_mibps": None}),
    Case("other days", want(lifecycle_policies={"transition_to_ia": "AFTER_7_DAYS"}), current(**FULL),
         {"puts": {"lifecycle_policies": {"transition_to_ia": "AFTER_7_DAYS"}}},
         {"lifecycle_policies": {"transition_to_ia": "AFTER_7_DAYS"}}),
    Case("never", want(lifecycle_policies={}), current(**FULL),
         {"puts": {"lifecycle_policies": {}}}, {"lifecycle_policies": {}}),
    Case("never, as it is", want(lifecycle_policies={}), current()),
    Case("backup", want(backup=True), current(), {"puts": {"backup": True}}, {"backup": True}),
    Case("no backup", want(backup=False), current(**FULL), {"puts": {"backup": False}}, {"backup": False}),
    Case("a policy", want(policy=POLICY), current(), {"puts": {"policy": POLICY}}, {"policy": POLICY}),
    Case("no policy", want(policy={}), current(**FULL), {"puts": {"policy": {}}}, {"policy": {}}),
    Case("no policy, as it is", want(policy={}), current()),
    Case("a policy that AWS has completed", want(policy=POLICY),
         current(policy={**POLICY, "Statement": {**ALLOW, "Principal": {"AWS": "*"}, "Resource": ARN}})),
    Case("a policy for all but something", want(policy={**POLICY, "Statement": [{**ALLOW, "NotResource": "x"}]}),
         current(policy=POLICY), {"puts": {"policy": {**POLICY, "Statement": [{**ALLOW, "NotResource": "x"}]}}},
         {"policy": {**POLICY, "Statement": [{**ALLOW, "NotResource": "x"}]}}),
    Case("one more mount target", want(mount_targets=[{"subnet_id": A}, {"subnet_id": B}]), current(**FULL),
         {"create_targets": [{"subnet_id": B}]}, {"mount_targets": [target(), {"subnet_id": B}]}),
    Case("one less stays", want(mount_targets=[]), current(**FULL)),
    Case("one less goes", want(mount_targets=[], purge_mount_targets=True), current(**FULL),
         {"delete_targets": [target()]}, {"mount_targets": []}),
    Case("none given, none goes", want(purge_mount_targets=True), current(**FULL)),
    Case("other groups", want(mount_targets=[{"subnet_id": A, "security_groups": [OTHER_GROUP]}]), current(**FULL),
         {"security_groups": {target()["mount_target_id"]: [OTHER_GROUP]}},
         {"mount_targets": [target(security_groups=[OTHER_GROUP])]}),
    Case("the same groups", want(mount_targets=[{"subnet_id": A, "security_groups": [OTHER_GROUP, GROUP]}]),
         current(mount_targets=[target(security_groups=[GROUP, OTHER_GROUP])])),
    Case("groups that are not known yet", want(mount_targets=[{"subnet_id": A, "security_groups": [GROUP]}]),
         current(mount_targets=[target(security_groups=None)])),
    Case("missing tag", want(tags=TAGS), current(), {"set_tags": TAGS}, {"tags": TAGS}),
    Case("purged tag", want(tags={}), current(**FULL), {"delete_tags": ["team"]}, {"tags": {}}),
    Case("tag not purged", want(tags={}, purge_tags=False), current(**FULL)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_plans_a_change(case: Case) -> None:
    made = plan_file_system(case.desired, case.current)
    steps = {key: value for key, value in vars(made).items() if value and key not in ("desired", "before")}
    assert steps == case.steps
    assert made.changed == bool(case.steps)
    assert made.after == {**case.current, **case.after}


def test_plans_a_creation() -> None:
    desired = want({"throughput_mode": "elastic"}, backup=True, policy=POLICY, mount_targets=[{"subnet_id": A}])
    made = plan_file_system(desired, None)
    assert made.changed
    assert made.after == {
        "creation_token": NAME,
        "encrypted": True,
        "throughput_mode": "elastic",
        "lifecycle_policies": {},
        "backup": True,
        "policy": POLICY,
        "mount_targets": [{"subnet_id": A}],
        "tags": {},
    }
    assert plan_file_system(DesiredFileSystem(NAME), None).changed


@pytest.mark.parametrize(
    ("settings", "targets", "says"),
    [
        (
            {"encrypted": False},
            None,
            "encrypted: it is True, not False, and AWS sets it at creation only; set True, or",
        ),
        ({"performance_mode": "maxIO"}, None, "performance_mode: it is generalPurpose, not maxIO, and AWS"),
        ({"kms_key_id": "f" * 8}, None, f"kms_key_id: it is {KEY}, not ffffffff, and AWS"),
        (
            {},
            [{"subnet_id": A, "ip_address": "10.0.0.9"}],
            "mount_targets.ip_address: it is 10.0.0.5, not 10.0.0.9, and",
        ),
    ],
)
def test_immutable_settings_are_refused(settings: dict[str, Any], targets: Any, says: str) -> None:
    with pytest.raises(InputError) as caught:
        plan_file_system(want(settings, mount_targets=targets), current(mount_targets=[target()]))
    (problem,) = caught.value.problems
    assert problem.startswith(f"file system {NAME}: {says}")


def subnets(**zones: str) -> dict[str, Any]:
    ids = {"a": A, "b": B, "c": C}
    return {ids[key]: {"AvailabilityZone": f"eu-central-1{zone}", "VpcId": "vpc-1"} for key, zone in zones.items()}


def test_mount_targets_in_zones_of_their_own() -> None:
    made = plan_file_system(want(mount_targets=[{"subnet_id": B}, {"subnet_id": C}]), current(mount_targets=[target()]))
    assert zone_problems(made, subnets(b="b", c="c")) == []


def test_two_mount_targets_in_a_zone() -> None:
    made = plan_file_system(want(mount_targets=[{"subnet_id": B}, {"subnet_id": C}]), None)
    (problem,) = zone_problems(made, subnets(b="a", c="a"))
    says = f"{B} and {C} are both in eu-central-1a, which can have one mount target; leave one out"
    assert problem == f"file system {NAME}: mount_targets: {says}"


def test_a_zone_that_has_a_mount_target() -> None:
    with_one = current(mount_targets=[target()])
    made = plan_file_system(want(mount_targets=[{"subnet_id": B}]), with_one)
    (problem,) = zone_problems(made, subnets(b="a"))
    assert problem.endswith(f"leave one out, or set purge_mount_targets: true to remove that of {A}")
    purging = plan_file_system(want(mount_targets=[{"subnet_id": B}], purge_mount_targets=True), with_one)
    assert zone_problems(purging, subnets(b="a")) == []


def test_subnets_of_two_networks_and_of_none() -> None:
    made = plan_file_system(want(mount_targets=[{"subnet_id": B}, {"subnet_id": C}]), current(mount_targets=[target()]))
    elsewhere = {B: {"AvailabilityZone": "eu-central-1b", "VpcId": "vpc-2"}}
    assert zone_problems(made, elsewhere) == [
        f"file system {NAME}: mount_targets: {C} does not exist",
        f"file system {NAME}: mount_targets: give subnets of one VPC; these are of several: {A} in vpc-1; {B} in vpc-2",
    ]


# Options


OPTIONS = {
    "name": NAME,
    "encrypted": True,
    "kms_key_id": None,
    "performance_mode": None,
    "throughput_mode": None,
    "provisioned_throughput_in_mibps": None,
    "lifecycle_policies": None,
    "backup": None,
    "policy": None,
    "mount_targets": None,
    "purge_mount_targets": False,
    "tags": None,
    "purge_tags": True,
}


def test_options_that_are_not_given_are_left_alone() -> None:
    assert desired_file_system(OPTIONS) == want()


def test_options_that_are_given() -> None:
    given = {
        "lifecycle_policies": {"transition_to_ia": "AFTER_30_DAYS", "transition_to_archive": None},
        "policy": json.dumps(POLICY),
        "mount_targets": [{"subnet_id": A, "security_groups": None, "ip_address": None}],
        "tags": {"cost": 42},
    }
    desired = desired_file_system({**OPTIONS, **given})
    assert desired == want(lifecycle_policies=IA, policy=POLICY, mount_targets=[{"subnet_id": A}], tags={"cost": "42"})


EVERYTHING = current(**FULL, **PROVISIONED)
AGAIN: dict[str, Any] = {
    "encrypted": True,
    "kms_key_id": KEY,
    "performance_mode": "generalPurpose",
    **PROVISIONED,
    "lifecycle_policies": IA,
    "backup": True,
    "policy": json.dumps(POLICY),
    "mount_targets": [{"subnet_id": A, "ip_address": "10.0.0.5", "security_groups": [GROUP, GROUP]}] * 2,
    "purge_mount_targets": True,
    "tags": TAGS,
    "purge_tags": True,
}


@pytest.mark.parametrize("options", [*([option] for option in AGAIN), list(AGAIN)], ids=str)
def test_equal_settings_need_no_change(options: list[str], efs: Script) -> None:
    desired = desired_file_system({**OPTIONS, **{option: AGAIN[option] for option in options}})
    assert file_system_problems(efs.client.meta.service_model, desired) == []
    assert not plan_file_system(desired, EVERYTHING).changed


def test_every_option_is_said_again() -> None:
    assert set(AGAIN) == set(OPTIONS) - {"name"}


def test_more_throughput_of_one_that_is_provisioned() -> None:
    made = plan_file_system(want({"provisioned_throughput_in_mibps": 4.0}), EVERYTHING)
    more = {"throughput_mode": "provisioned", "provisioned_throughput_in_mibps": 4.0}
    assert made.throughput == more
    assert made.after == {**EVERYTHING, **more}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"provisioned_throughput_in_mibps": 4.0},
            "provisioned_throughput_in_mibps: it is for throughput_mode: pro",
        ),
        (
            {**PROVISIONED, "throughput_mode": "elastic"},
            "provisioned_throughput_in_mibps: it is for throughput_mode",
        ),
        (
            {"throughput_mode": "provisioned"},
            "throughput_mode: provisioned needs provisioned_throughput_in_mibps; set it",
        ),
    ],
)
@pytest.mark.parametrize("has", [None, current()], ids=["new", "there"])
def test_throughput_that_does_not_go_with_the_mode(settings: dict[str, Any], says: str, has: Any) -> None:
    with pytest.raises(InputError) as caught:
        plan_file_system(want(settings), has)
    (problem,) = caught.value.problems
    assert problem.startswith(f"file system {NAME}: {says}")


@pytest.mark.parametrize("text", ["", "{}"])
def test_an_empty_policy_is_none(text: str) -> None:
    assert desired_file_system({**OPTIONS, "policy": text}).policy == {}


@pytest.mark.parametrize(("text", "says"), [("x", "it is not JSON: "), ("[]", "it is not a JSON object")])
def test_a_policy_that_is_none(text: str, says: str) -> None:
    with pytest.raises(InputError, match=f"policy: {says}"):
        desired_file_system({**OPTIONS, "policy": text})


def test_tells_every_problem(efs: Script) -> None:
    desired = DesiredFileSystem(
        "n" * 65,
        {"kms_key_id": "ours", "throughput_mode": "elastic", "provisioned_throughput_in_mibps": 0.5},
        lifecycle_policies={"transition_to_ia": "AFTER_30_DAY"},
        mount_targets=[{"subnet_id": A, "security_groups": ["x"]}, {"subnet_id": A}],
        tags={"aws:x": "1"},
    )
    problems = file_system_problems(efs.client.meta.service_model, desired)
    assert [problem.split(": ")[1] for problem in problems] == [
        "name",
        "kms_key_id",
        "provisioned_throughput_in_mibps",
        "lifecycle_policies.transition_to_ia",
        "mount_targets.security_groups",
        "mount_targets.security_groups",
        "mount_targets",
        "tags",
    ]
    assert file_system_problems(efs.client.meta.service_model, want(mount_targets=[{"subnet_id": A}])) == []


# Reading


def described(state: str = "available", **more: Any) -> dict[str, Any]:
    """An element of DescribeFileSystems' answer."""
    return {
        "OwnerId": "123456789012",
        "CreationToken": NAME,
        "FileSystemId": FS,
        "FileSystemArn": ARN,
        "CreationTime": datetime(2026, 3, 1, tzinfo=UTC),
        "LifeCycleState": state,
        "NumberOfMountTargets": 0,
        "SizeInBytes": {"Value": 6144},
        "PerformanceMode": "generalPurpose",
        "Tags": [],
        **more,
    }


def mounted(state: str = "available", subnet: str = A, zone: str = "a") -> dict[str, Any]:
    """An element of DescribeMountTargets' answer."""
    return {
        "MountTargetId": target(subnet)["mount_target_id"],
        "FileSystemId": FS,
        "SubnetId": subnet,
        "LifeCycleState": state,
        "AvailabilityZoneName": f"eu-central-1{zone}",
    }


def finds(efs: Script, *found: dict[str, Any]) -> None:
    efs.call("describe_file_systems", BY_NAME, {"FileSystems": list(found)})


def finds_targets(efs: Script, *targets: dict[str, Any]) -> None:
    efs.call("describe_mount_targets", BY_ID, {"MountTargets": list(targets)})


def reads(efs: Script, *targets: dict[str, Any], state: str = "available") -> None:
    """Expect the calls that read a plain file system next."""
    finds(efs, described(state))
    efs.call("describe_lifecycle_configuration", BY_ID, {"LifecyclePolicies": []})
    efs.refuse("describe_backup_policy", BY_ID, "PolicyNotFound", "None")
    efs.refuse("describe_file_system_policy", BY_ID, "PolicyNotFound", "None")
    finds_targets(efs, *targets)


def test_reads_all_that_belongs_to_it(efs: Script) -> None:
    tags = [{"Key": "Team Name", "Value": "research"}]
    finds(efs, described(Tags=tags))
    policies = [{"TransitionToIA": "AFTER_30_DAYS"}, {"TransitionToPrimaryStorageClass": "AFTER_1_ACCESS"}]
    efs.call("describe_lifecycle_configuration", BY_ID, {"LifecyclePolicies": policies})
    efs.call("describe_backup_policy", BY_ID, {"BackupPolicy": {"Status": "ENABLING"}})
    efs.call("describe_file_system_policy", BY_ID, {"FileSystemId": FS, "Policy": json.dumps(POLICY)})
    finds_targets(efs, mounted(subnet=B, zone="b"), mounted("creating"))
    for subnet in (B, A):
        named = {"MountTargetId": target(subnet)["mount_target_id"]}
        if subnet == A:
            efs.refuse("describe_mount_target_security_groups", named, "IncorrectMountTargetState", "creating")
        else:
            efs.call("describe_mount_target_security_groups", named, {"SecurityGroups": [GROUP]})
    found = read_file_system(efs.client, NAME)
    assert found is not None
    assert found["dns_name"] == f"{FS}.efs.eu-central-1.amazonaws.com"
    assert found["lifecycle_policies"] == {**IA, "transition_to_primary_storage_class": "AFTER_1_ACCESS"}
    assert found["backup"] is True
    assert found["policy"] == POLICY
    assert found["tags"] == {"Team Name": "research"}
    assert [(each["subnet_id"], each["security_groups"]) for each in found["mount_targets"]] == [
        (A, None),
        (B, [GROUP]),
    ]


def test_reads_a_plain_one(efs: Script) -> None:
    reads(efs)
    found = read_file_system(efs.client, NAME)
    assert found is not None
    assert {key: found[key] for key in NOTHING} == NOTHING


def test_reads_what_is_not_there(efs: Script) -> None:
    finds(efs)
    assert read_file_system(efs.client, NAME) is None


def test_the_name_in_china() -> None:
    china = boto3.client("efs", region_name="cn-north-1", aws_access_key_id="x", aws_secret_access_key="x")
    assert api_efs.dns_name(china, FS) == f"{FS}.efs.cn-north-1.amazonaws.com.cn"


def test_transitional_states_are_waited_for(efs: Script) -> None:
    groups = {"MountTargetId": target()["mount_target_id"]}
    reads(efs, mounted("creating"))
    efs.refuse("describe_mount_target_security_groups", groups, "IncorrectMountTargetState", "creating")
    finds(efs, described("updating"))
    finds_targets(efs, mounted("creating"))
    finds(efs, described())
    finds_targets(efs, mounted())
    reads(efs, mounted())
    efs.call("describe_mount_target_security_groups", groups, {"SecurityGroups": [GROUP]})
    found = read_settled(efs.client, NAME, 60)
    assert found is not None
    assert found["mount_targets"][0]["security_groups"] == [GROUP]


def test_one_that_is_being_deleted_is_waited_for(efs: Script) -> None:
    reads(efs, state="deleting")
    finds(efs)
    finds(efs)
    assert read_settled(efs.client, NAME, 60) is None


def test_a_state_that_does_not_come(efs: Script) -> None:
    finds(efs, described("creating"))
    finds_targets(efs)
    with pytest.raises(NotebookError, match="the change of the file system datalab has not finished after -1 s"):
        await_states(efs.client, NAME, -1, lambda states: states == {"available"})


def test_a_state_that_is_an_error(efs: Script) -> None:
    finds(efs, described())
    finds_targets(efs, mounted("error"))
    with pytest.raises(NotebookError, match="the file system datalab, or a mount target of it, is in the state error"):
        await_states(efs.client, NAME, 60, lambda states: states == {"available"})


# Changing


def apply(efs: Script, desired: DesiredFileSystem, has: dict[str, Any] | None) -> None:
    apply_file_system(efs.client, plan_file_system(desired, has), 60)


def test_creates_with_everything(efs: Script) -> None:
    params = {**BY_NAME, "Encrypted": True, "ThroughputMode": "elastic"}
    efs.call("create_file_system", {**params, "Tags": [{"Key": "team", "Value": "research"}]}, described("creating"))
    finds(efs)  # AWS may take a moment to show it
    finds(efs, described("creating"))
    finds_targets(efs)
    finds(efs, described())
    finds_targets(efs)
    finds(efs, described())
    policies = [{"TransitionToIA": "AFTER_30_DAYS"}]
    efs.call("put_lifecycle_configuration", {**BY_ID, "LifecyclePolicies": policies})
    efs.call("put_backup_policy", {**BY_ID, "BackupPolicy": {"Status": "ENABLED"}})
    efs.call("put_file_system_policy", {**BY_ID, "Policy": json.dumps(POLICY)})
    efs.call("create_mount_target", {**BY_ID, "SubnetId": A, "SecurityGroups": [GROUP]}, mounted("creating"))
    targets = [{"subnet_id": A, "security_groups": [GROUP]}]
    everything = {"lifecycle_policies": IA, "backup": True, "policy": POLICY, "mount_targets": targets, "tags": TAGS}
    apply(efs, want({"throughput_mode": "elastic"}, **everything), None)


def test_a_creation_whose_answer_was_lost_is_gone_on_with(efs: Script) -> None:
    efs.refuse("create_file_system", {**BY_NAME, "Encrypted": True}, "FileSystemAlreadyExists", "it is there")
    finds(efs, described())
    finds_targets(efs)
    finds(efs, described())
    efs.call("put_backup_policy", {**BY_ID, "BackupPolicy": {"Status": "ENABLED"}})
    apply(efs, want(backup=True), None)


def test_changes_everything(efs: Script) -> None:
    efs.call("tag_resource", {"ResourceId": FS, "Tags": [{"Key": "team", "Value": "research"}]})
    efs.call("untag_resource", {"ResourceId": FS, "TagKeys": ["x"]})
    efs.call("put_lifecycle_configuration", {**BY_ID, "LifecyclePolicies": []})
    efs.call("put_backup_policy", {**BY_ID, "BackupPolicy": {"Status": "DISABLED"}})
    efs.call("delete_file_system_policy", BY_ID)
    efs.call("delete_mount_target", {"MountTargetId": target(B)["mount_target_id"]})
    finds_targets(efs, mounted(), mounted("deleting", B))
    finds_targets(efs, mounted())
    efs.call("create_mount_target", {**BY_ID, "SubnetId": C, "IpAddress": "10.0.2.9"}, mounted("creating", C))
    params = {"MountTargetId": target()["mount_target_id"], "SecurityGroups": [OTHER_GROUP]}
    efs.call("modify_mount_target_security_groups", params)
    update = {"ThroughputMode": "provisioned", "ProvisionedThroughputInMibps": 2.0}
    efs.call("update_file_system", {**BY_ID, **update}, described("updating"))
    has = current(**{**FULL, "mount_targets": [target(), target(B, "b")], "tags": {"x": "1"}})
    targets = [{"subnet_id": A, "security_groups": [OTHER_GROUP]}, {"subnet_id": C, "ip_address": "10.0.2.9"}]
    nothing = {"lifecycle_policies": {}, "backup": False, "policy": {}}
    apply(efs, want(PROVISIONED, **nothing, mount_targets=targets, purge_mount_targets=True, tags=TAGS), has)


def test_elastic_has_no_throughput_to_send(efs: Script) -> None:
    efs.call("update_file_system", {**BY_ID, "ThroughputMode": "elastic"}, described("updating"))
    apply(efs, want({"throughput_mode": "elastic"}), current(**PROVISIONED))


def test_no_change_makes_no_call(efs: Script) -> None:
    apply(efs, want(), current(**FULL))


# Deleting


POINTS = {"AccessPoints": [{"AccessPointId": "fsap-0123456789abcdef0"}]}
BY_FILE_SYSTEM = {"MaxResults": 100, **BY_ID}


def test_says_what_would_be_lost(efs: Script) -> None:
    efs.call("describe_access_points", BY_FILE_SYSTEM, POINTS)
    with pytest.raises(InputError) as caught:
        assert_may_go(efs.client, current(mount_targets=[target(), target(B)]))
    holds = f"file system datalab ({FS}) has 6,144 bytes, 1 access points and 2 mount targets."
    remedy = "Deleting it deletes everybody's files in it: set force: true if you mean it"
    assert caught.value.problems == [f"{holds} {remedy}"]


def test_deletes_what_belongs_to_it_first(efs: Script) -> None:
    efs.call("describe_access_points", BY_FILE_SYSTEM, POINTS)
    efs.call("delete_access_point", POINTS["AccessPoints"][0])
    efs.call("delete_mount_target", {"MountTargetId": target()["mount_target_id"]})
    efs.call("delete_mount_target", {"MountTargetId": target(B)["mount_target_id"]})
    finds_targets(efs, mounted("deleting", B))
    finds_targets(efs)
    efs.call("delete_file_system", BY_ID)
    delete_file_system(efs.client, current(mount_targets=[target(), target(B)]), 60)


def test_deletes_a_plain_one(efs: Script) -> None:
    efs.call("describe_access_points", BY_FILE_SYSTEM, {"AccessPoints": []})
    efs.refuse("delete_file_system", BY_ID, "FileSystemNotFound", "somebody was faster")
    delete_file_system(efs.client, current(), 60)


# Differences


def test_diff_has_what_can_be_set() -> None:
    has = current(mount_targets=[target()])
    diff = file_system_diff(has, plan_file_system(want(backup=True, tags=TAGS), has).after)
    assert diff["before"]["mount_targets"] == [{"subnet_id": A, "ip_address": "10.0.0.5", "security_groups": [GROUP]}]
    different = {key for key, value in diff["after"].items() if value != diff["before"][key]}
    assert different == {"backup", "tags"}
    assert not {"size_in_bytes", "life_cycle_state"} & diff["after"].keys()


def test_diff_of_nothing() -> None:
    assert file_system_diff(None, None) == {"before": {}, "after": {}}


# The resource of the module


def resource(efs: Script, check_mode: bool = False, **options: Any) -> FileSystem:
    """Return the module's resource with these options; a call of EC2 fails the test."""
    params = {**OPTIONS, "state": "present", "wait": True, "wait_timeout": 60, **options}
    return FileSystem(efs.client, pytest.fail, params, check_mode)


@pytest.mark.parametrize(
    ("wait", "check_mode", "looks"),
    [(True, False, 2), (True, True, 0), (False, False, 0), (False, True, 0)],
)
def test_one_that_is_being_deleted_is_absent_already(wait: bool, check_mode: bool, looks: int, efs: Script) -> None:
    reads(efs, state="deleting")
    if looks:
        finds(efs, described("deleting"))
        finds_targets(efs)
        finds(efs)
    assert resource(efs, check_mode, state="absent", wait=wait).read_settled() is None


def test_one_that_is_there_is_deleted_whatever_its_state(efs: Script) -> None:
    reads(efs, state="updating")
    found = resource(efs, state="absent").read_settled()
    assert found is not None
    assert found["life_cycle_state"] == "updating"


def test_check_mode_waits_for_nothing(efs: Script) -> None:
    reads(efs, state="creating")
    finds(efs, described("creating"))
    finds_targets(efs)
    with pytest.raises(NotebookError, match="has not finished after 0 s"):
        resource(efs, check_mode=True).read_settled()


@pytest.mark.parametrize("wait", [True, False])
def test_deletes_and_waits_if_wanted(wait: bool, efs: Script) -> None:
    efs.call("describe_access_points", BY_FILE_SYSTEM, {"AccessPoints": []})
    efs.call("delete_file_system", BY_ID)
    if wait:
        finds(efs, described("deleting"))
        finds_targets(efs)
        finds(efs)
    resource(efs, state="absent", wait=wait).delete(current())


@pytest.mark.parametrize("wait", [True, False])
def test_changes_and_waits_if_wanted(wait: bool, efs: Script) -> None:
    efs.call("put_backup_policy", {**BY_ID, "BackupPolicy": {"Status": "ENABLED"}})
    if wait:
        finds(efs, described("updating"))
        finds_targets(efs)
        finds(efs, described())
        finds_targets(efs)
    it = resource(efs, backup=True, wait=wait)
    it.apply(it.plan(current()))


def test_a_policy_that_is_none_does_not_matter_to_what_goes(efs: Script) -> None:
    finds(efs)
    assert resource(efs, state="absent", policy="x").read_settled() is None
