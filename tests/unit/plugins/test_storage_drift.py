# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The change that follows from each difference in the storage, and conflicts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.section import Change, SectionPlan
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.storage_settings import (
    made_uid,
    policy,
)
from ansible_collections.datalab.notebooks.tests.unit.plugins.storage_found import (
    A2,
    BUCKET,
    BY_POINT,
    EMPTY,
    FS,
    GIVEN_SUBNETS,
    GROUP,
    KEY,
    KEY_ID,
    LOG,
    MADE,
    MARKED,
    ONLY_TLS,
    OTHER_GROUP,
    OTHER_VPC,
    PEOPLE,
    RULE,
    SUBNETS,
    VPC,
    A,
    B,
    C,
    bucket,
    bucket_policy,
    file_system,
    plan,
    point,
    target,
    texts,
    there,
)

# Differences


@dataclass(frozen=True)
class Drift:
    """A property that differs, the one change that follows, and the step that makes it."""

    change: str
    found: dict[str, Any]  # of the file system, the access point of bob or the bucket
    before: str
    after: str
    settings: dict[str, Any] = field(default_factory=dict)
    step: str = "file_systems"


ANOTHER_POLICY = {**policy(MADE), "Statement": []}
OF_FILE_SYSTEM = [
    Drift("throughput_mode", {"throughput_mode": "bursting"}, "bursting", "elastic"),
    Drift("throughput_mode", {}, "elastic", "bursting", {"throughput_mode": "bursting"}),
    Drift("lifecycle_policies", {"lifecycle_policies": {}}, "{}", "AFTER_30_DAYS"),
    Drift("lifecycle_policies", {}, "AFTER_30_DAYS", "AFTER_1_DAY\n", {"transition_to_ia": "1"}),
    Drift("lifecycle_policies", {}, "AFTER_30_DAYS", "{}", {"transition_to_ia": ""}),
    Drift("backup", {"backup": False}, "false", "true"),
    Drift("backup", {}, "true", "false", {"backup": False}),
    Drift("policy", {"policy": {}}, "{}", "ByMountTarget"),
    Drift("policy", {"policy": ANOTHER_POLICY}, "Statement: []", "ByMountTarget"),
    Drift("tags", {"tags": {"x": "1", **MARKED}}, "x: '1'", "Name: datalab\ndatalab:storage: datalab\nx: '1'"),
    Drift("tags", {"tags": {"Name": "old", **MARKED}}, "Name: old", "Name: datalab"),
    Drift("tags", {}, "Name", "cost: '1'", {"tags": {"cost": "1"}}),
]
THEIRS = {"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObjectAcl", "Resource": "*"}
OF_BUCKET = [
    Drift("encryption", {"encryption": {"algorithm": None, "key_id": None}}, "null", "AES256", step="buckets"),
    Drift("encryption", {}, "AES256", KEY, {"results_kms_key_id": KEY}, "buckets"),
    Drift("encryption", {"encryption": {"algorithm": "aws:kms", "key_id": KEY}}, KEY, "AES256", step="buckets"),
    Drift("encryption", {"encryption": {"algorithm": "aws:kms:dsse", "key_id": KEY}}, "dsse", KEY_ID,
          {"results_kms_key_id": KEY_ID}, "buckets"),
    Drift("public_access", {"public_access": {}}, "{}", "block_public_acls", step="buckets"),
    Drift("public_access", {"public_access": {**bucket()["public_access"], "block_public_acls": False}}, "false",
          "block_public_acls: true", step="buckets"),
    Drift("object_ownership", {"object_ownership": None}, "null", "BucketOwnerEnforced", step="buckets"),
    Drift("policy", {"policy": {}}, "{}", "aws:SecureTransport", step="buckets"),
    Drift("policy", {"policy": bucket_policy(THEIRS, {**ONLY_TLS, "Effect": "Allow"})}, "Effect: Allow", "Sid: Theirs",
          step="buckets"),
    Drift("versioning", {"versioning": "Suspended"}, "Suspended", "Enabled", step="buckets"),
    Drift("tags", {}, "seen-by", "cost: '1'\ndatalab:storage: datalab\nseen-by", {"tags": {"cost": "1"}}, "buckets"),
    Drift("expiration", {"lifecycle_rules": []}, "{}", "days: 30", step="bucket_lifecycles"),
    Drift("expiration", {"lifecycle_rules": [{**RULE, "status": "Disabled"}]}, "Disabled", "Enabled",
          step="bucket_lifecycles"),
    Drift("expiration", {"lifecycle_rules": [{**RULE, "filter": {"prefix": "tmp/"}}]}, "tmp/", "prefix: ''",
          step="bucket_lifecycles"),
    Drift("expiration", {"lifecycle_rules": [{**RULE, "transitions": [{"days": 1}]}]}, "transitions", "Enabled",
          step="bucket_lifecycles"),
    Drift("expiration", {}, "days: 30", "days: 90", {"results_days": 90}, "bucket_lifecycles"),
    Drift("access_log", {}, "{}", "bucket: logs\nprefix: ''", {"results_access_log": {"bucket": "logs"}},
          "bucket_loggings"),
    Drift("access_log", {"access_log": LOG}, "prefix: ours/", "prefix: x/",
          {"results_access_log": {**LOG, "prefix": "x/"}}, "bucket_loggings"),
    Drift("access_log", {"access_log": LOG}, "bucket: logs", "{}", {"results_access_log": {"bucket": ""}},
          "bucket_loggings"),
]  # fmt: skip


def has_one_change(made: SectionPlan, drift: Drift, about: str) -> None:
    """Check that the plan has this change and no other, and one step, which makes it."""
    assert not made.refused
    changes = [change for change in made.changes if change.text.startswith(about)]
    (change,) = changes
    assert change.action == "change"
    assert change.text == f"{about}: {drift.change}"
    assert drift.before in change.before
    assert drift.after in change.after
    assert change.before != change.after
    if "tags" not in drift.settings:  # tags apply to all resources
        assert {name: len(steps) for name, steps in made.steps.items() if steps} == {drift.step: 1}
        assert len(made.changes) == 1


@pytest.mark.parametrize("drift", OF_FILE_SYSTEM, ids=lambda drift: f"{drift.change}-{drift.after}")
def test_a_file_system_that_differs(drift: Drift) -> None:
    made = plan(drift.settings, there(file_systems=[file_system(MADE, **drift.found)]))
    has_one_change(made, drift, "file system datalab")


@pytest.mark.parametrize("drift", OF_BUCKET, ids=lambda drift: f"{drift.change}-{drift.after}")
def test_a_bucket_that_differs(drift: Drift) -> None:
    made = plan(drift.settings, there(drift.settings, bucket=bucket(**drift.found)))
    has_one_change(made, drift, f"bucket {BUCKET}")


@pytest.mark.parametrize(
    ("said", "has"), [({}, {}), ({}, LOG), (LOG, LOG), ({"bucket": "logs"}, {"bucket": "logs", "prefix": ""})], ids=str
)
def test_an_access_log_that_is_as_it_is_wanted_stays(said: dict[str, str], has: dict[str, str]) -> None:
    settings = {"results_access_log": said}
    assert not plan(settings, there(settings, bucket=bucket(access_log=has))).changed


def test_statements_of_others_in_the_policy_of_the_bucket_stay() -> None:
    made = plan({}, there(bucket=bucket(policy={"Version": "2008-10-17", "Statement": [THEIRS]})))
    (step,) = made.steps["buckets"]
    assert json.loads(step["policy"]) == {"Version": "2008-10-17", "Statement": [THEIRS, ONLY_TLS]}
    assert not plan({}, there(bucket=bucket(policy=bucket_policy(THEIRS)))).changed


def test_an_access_point_whose_tags_differ() -> None:
    points = [point("alice"), point("bob", tags={"Name": "bob", **MARKED})]
    made = plan(BY_POINT, there(BY_POINT, file_systems=[file_system({**MADE, **BY_POINT}, access_points=points)]))
    tags = "Name: bob\ndatalab:storage: datalab\n"
    assert made.changes == (
        Change("change", "access point bob of file system datalab: tags", tags, f"{tags}owner: bob\n"),
    )
    assert [step["name"] for step in made.steps["access_points"]] == ["bob"]


def test_a_policy_for_access_points() -> None:
    system = file_system(MADE, access_points=[point(person) for person in PEOPLE])  # its policy is that of a shared one
    made = plan(BY_POINT, there(BY_POINT, file_systems=[system]))
    assert texts(made) == ["change file system datalab: policy"]
    statements = {each["Sid"]: each for each in yaml.safe_load(made.changes[0].after)["Statement"]}
    assert {sid: each["Effect"] for sid, each in statements.items()} == {
        "ByMountTarget": "Allow",
        "NotWithoutAccessPoint": "Deny",
        "NotWithoutTls": "Deny",
        "NotAsRoot": "Deny",
    }
    root = "elasticfilesystem:ClientRootAccess"
    assert root not in statements["ByMountTarget"]["Action"]
    assert statements["NotAsRoot"] == {
        "Sid": "NotAsRoot", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": root
    }  # fmt: skip
    (shared,) = policy(MADE)["Statement"]
    assert root in shared["Action"]
    assert shared["Condition"] == {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}


def mounted(*targets: dict[str, Any]) -> dict[str, Any]:
    return there(file_systems=[file_system(MADE, mount_targets=list(targets))])


def test_mount_targets() -> None:
    in_b = target(B, "b")
    made = plan({}, mounted(in_b))
    assert texts(made) == [f"create mount target of file system datalab in {A} (eu-central-1a)"]
    assert len(made.steps["file_systems"][0]["mount_targets"]) == 2

    made = plan({}, mounted(target(security_groups=[OTHER_GROUP]), in_b))
    text = f"mount target of file system datalab in {A}: security_groups"
    assert made.changes == (Change("change", text, f"- {OTHER_GROUP}\n", f"- {GROUP}\n"),)
    assert len(made.steps["file_systems"]) == 1

    made = plan({}, mounted(target(), target(B, "b", life_cycle_state="deleting", security_groups=None)))
    assert texts(made) == [f"create mount target of file system datalab in {B} (eu-central-1b)"]

    others = target(C, "c", security_groups=[OTHER_GROUP])
    assert not plan({}, mounted(target(), in_b, others)).changed  # unmanaged mount targets stay
    assert not plan({}, mounted(target(security_groups=None), in_b)).changed  # not known during its creation
    other_groups = plan({"security_group_ids": [OTHER_GROUP]}, mounted(target(), in_b))
    assert [change.action for change in other_groups.changes] == ["change", "change"]


def test_the_first_subnet_of_each_zone() -> None:
    settings = {"subnet_ids": [A, A2, B], "security_group_ids": [GROUP]}
    found = {**EMPTY, "subnets": {**SUBNETS, A2: SUBNETS[A]}, "bucket": bucket()}
    (step,) = plan(settings, found).steps["file_systems"]
    assert [each["subnet_id"] for each in step["mount_targets"]] == [A, B]


# Conflicts


def of_file_system(**found: Any) -> dict[str, Any]:
    return there(file_systems=[file_system(MADE, **found)])


def of_bob(**found: Any) -> dict[str, Any]:
    points = [point("alice"), {**point("bob"), **found}]
    return there(BY_POINT, file_systems=[file_system({**MADE, **BY_POINT}, access_points=points)])


OTHER_KEY = f"{KEY[:-1]}e"
UIDS = {"uids": {"bob": 2001}, **BY_POINT}
IN_OTHER_VPC = {**SUBNETS[B], "vpc_id": OTHER_VPC}
OF_ROOT = {"path": "/people/bob", "creation_info": {"owner_uid": 0, "owner_gid": 0, "permissions": "0700"}}
REFUSED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, of_file_system(encrypted=False), "platform_storage_efs_name datalab not encrypted another name"),
    ({"kms_key_id": OTHER_KEY}, of_file_system(), f'platform_storage_kms_key_id is {OTHER_KEY} {KEY} ""'),
    ({}, of_file_system(mount_targets=[target(A2, "a")]),
     f"platform_network_subnet_ids {A} eu-central-1a {A2} fsmt-aa"),
    (GIVEN_SUBNETS, {**of_file_system(mount_targets=[target(A2, "a")]), "subnets": SUBNETS},
     f"platform_storage_subnet_ids has {A} {A2} remove"),
    ({}, of_file_system(mount_targets=[target(C, "c", vpc_id=OTHER_VPC)]),
     f"platform_network_subnet_ids {VPC} {OTHER_VPC}"),
    (GIVEN_SUBNETS, there(subnets={A: SUBNETS[A]}), f"platform_storage_subnet_ids has {B} not in this account"),
    (GIVEN_SUBNETS, {**EMPTY, "subnets": {A: SUBNETS[A], B: IN_OTHER_VPC}},
     f"platform_storage_subnet_ids {VPC} and {OTHER_VPC} one VPC"),
    (UIDS, of_bob(), f"platform_storage_uids fsap-bob {made_uid('bob')} bob: {made_uid('bob')}"),
    (BY_POINT, of_bob(posix_user={"uid": 7, "gid": 8}), "platform_storage_isolation fsap-bob delete"),
    (BY_POINT, of_bob(posix_user={"uid": 0, "gid": 0}, root_directory=OF_ROOT), "platform_storage_isolation delete"),
    (BY_POINT, of_bob(posix_user=None), "platform_storage_isolation fsap-bob delete"),
    (BY_POINT, of_bob(root_directory={"path": "/"}), "platform_storage_isolation root_directory.path delete"),
    (BY_POINT, of_bob(tags={"Name": "alice", **MARKED}), "access points fsap-alice and fsap-bob Name: alice"),
    (BY_POINT, of_bob(tags={"Name": "bob", "owner": "bob"}),
     "platform_storage_isolation fsap-bob Name=bob datalab:storage=datalab give it another Name"),
    (BY_POINT, of_bob(tags={"Name": "alice"}), "platform_storage_isolation fsap-bob Name=alice"),
    ({}, of_file_system(tags={"Name": "datalab"}),
     f"platform_storage_efs_name file system datalab ({FS}) datalab:storage=datalab platform_storage_efs_dns_name"),
    ({}, of_file_system(tags={"datalab:storage": "other"}), "platform_storage_efs_name must have the tag"),
    ({}, there(bucket=bucket(tags={"seen-by": "others"})),
     f"platform_storage_efs_name bucket {BUCKET} datalab:storage=datalab platform_storage_results_bucket"),
    ({}, there(bucket=bucket(tags={})), "platform_storage_efs_name must have the tag"),
    ({}, there(bucket={"name": BUCKET, "foreign": True}), f"platform_storage_efs_name bucket {BUCKET} another AWS"),
    ({"results_bucket": "ours"}, there(bucket={"name": "ours", "foreign": True}),
     "platform_storage_results_bucket ours"),
    ({"results_access_log": LOG}, there(has_log_bucket=False),
     "platform_storage_results_access_log: bucket is logs must be a bucket of this account make it first"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "found", "words"), REFUSED, ids=lambda value: str(value)[:70])
def test_refuses_before_the_first_change(settings: dict[str, Any], found: dict[str, Any], words: str) -> None:
    (problem,) = plan(settings, found).refused
    first, *others = words.split()
    assert problem.startswith(first)
    assert [word for word in others if word not in problem] == []


@pytest.mark.parametrize(
    ("settings", "system"),
    [
        ({}, file_system(MADE, tags={"Name": "datalab"})),
        (BY_POINT, file_system({**MADE, **BY_POINT}, access_points=[point("bob", tags={"Name": "bob"})])),
    ],
    ids=str,
)
def test_no_instance_is_given_what_is_not_the_platforms(settings: dict[str, Any], system: dict[str, Any]) -> None:
    """Resources without the platform's tag are refused, even by a run for instances, which reads only ids."""
    read = {"ids_only": True, "subnets": {}, "bucket": None, "file_systems": [system]}
    (problem,) = plan(settings, read, None).refused
    assert "must have the tag datalab:storage=datalab to be the platform's" in problem


def test_an_empty_bucket_without_tags_is_of_a_run_that_was_interrupted() -> None:
    made = plan({}, there(bucket=bucket(is_blank=True, tags={})))
    assert (texts(made), made.refused) == ([f"change bucket {BUCKET}: tags"], ())
    assert made.steps["buckets"][0]["tags"] == MARKED


def test_a_bucket_that_is_named_needs_no_mark() -> None:
    made = plan({"results_bucket": "ours"}, there(bucket=bucket("ours", tags={})))
    assert (texts(made), made.refused) == (["change bucket ours: policy"], ())


def test_user_ids_of_people_who_have_left_are_told() -> None:
    found = there(BY_POINT)
    settings = {**BY_POINT, "uids": {"alice": made_uid("alice"), "zoe": 2001}}
    (note,) = plan(settings, found).notes
    assert note == "user id 2001 is kept for zoe, who is in platform_storage_uids but not in the inventory"
    assert not plan({"uids": {"zoe": 2001}}, there()).notes
