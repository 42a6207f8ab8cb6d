# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plans that turn the current storage into the desired one."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.section import SectionPlan
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.storage import wanted_to_read
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.storage_settings import (
    desired_file_system,
    made_uid,
    own_file_systems,
    policy,
)
from ansible_collections.datalab.notebooks.tests.unit.plugins.storage_found import (
    A2,
    BUCKET,
    BY_FILE_SYSTEM,
    BY_IAM,
    BY_POINT,
    EMPTY,
    FS,
    GIVEN,
    GIVEN_SUBNETS,
    GROUP,
    KEY,
    KEY_ID,
    LOG,
    MADE,
    MARKED,
    NETWORK,
    NO_NETWORK_YET,
    ONLY_TLS,
    PEOPLE,
    RULE,
    SUBNETS,
    A,
    B,
    bucket,
    bucket_policy,
    file_system,
    plan,
    point,
    target,
    texts,
    there,
)

ONLY_TLS_OTHERWISE = {  # as S3 may return it
    **ONLY_TLS,
    "Principal": {"AWS": "*"},
    "Condition": {"Bool": {"aws:SecureTransport": ["false"]}},
    "Resource": ONLY_TLS["Resource"][::-1],
}

# Nothing differs


@pytest.mark.parametrize("settings", [{}, BY_POINT, BY_FILE_SYSTEM, BY_IAM], ids=str)
def test_a_converged_platform_has_an_empty_plan(settings: dict[str, Any]) -> None:
    made = plan(settings, there(settings))
    assert (made.changes, made.refused, made.notes) == ((), (), ())
    assert [step for steps in made.steps.values() for step in steps] == []
    assert not made.changed


@pytest.mark.parametrize(
    ("settings", "found", "network"),
    [
        (GIVEN_SUBNETS, {"subnets": SUBNETS}, NETWORK),
        (GIVEN_SUBNETS, {"subnets": SUBNETS}, None),
        ({}, {}, None),  # without a network, mount targets are not compared
        ({**GIVEN_SUBNETS, "subnet_ids": [A2, A, B]}, {"subnets": {A2: SUBNETS[A], **SUBNETS}}, None),
        ({"kms_key_id": KEY}, {}, NETWORK),
        ({"kms_key_id": KEY_ID}, {}, NETWORK),
        ({"kms_key_id": "alias/datalab"}, {}, NETWORK),
        ({"results_bucket": BUCKET}, {}, NETWORK),
        ({"results_kms_key_id": KEY}, {"bucket": bucket(encryption={"algorithm": "aws:kms", "key_id": KEY})}, NETWORK),
        (
            {"results_kms_key_id": KEY_ID},
            {"bucket": bucket(encryption={"algorithm": "aws:kms", "key_id": KEY})},
            NETWORK,
        ),
        ({}, {"bucket": bucket(lifecycle_rules=[{**RULE, "filter": {}}])}, NETWORK),
        ({}, {"bucket": bucket(policy={**bucket_policy(), "Statement": [ONLY_TLS_OTHERWISE]})}, NETWORK),
        ({}, {"bucket": bucket(policy={**bucket_policy(), "Statement": ONLY_TLS_OTHERWISE})}, NETWORK),
    ],
)
def test_equivalent_settings_are_equal(
    settings: dict[str, Any], found: dict[str, Any], network: dict[str, Any] | None
) -> None:
    made = plan(settings, there(settings, **found), network)
    assert (made.changes, made.refused) == ((), ())


def test_a_file_system_that_is_given_is_not_looked_at() -> None:
    made = plan({"efs_dns_name": "nfs.example", **GIVEN_SUBNETS}, {**EMPTY, "bucket": bucket()})
    assert (made.changes, made.refused, made.ids["file_system"]) == ((), (), "nfs.example")


# Something is missing


def test_an_empty_account() -> None:
    made = plan({"tags": {"cost": "4711"}}, EMPTY)
    assert texts(made) == [
        "create file system datalab",
        f"create mount target of file system datalab in {A} (eu-central-1a)",
        f"create mount target of file system datalab in {B} (eu-central-1b)",
        f"create bucket {BUCKET}",
    ]
    assert made.steps == {
        "waiting": [],
        "file_systems": [
            {
                "name": "datalab",
                "kms_key_id": "",
                "throughput_mode": "elastic",
                "lifecycle_policies": {
                    "transition_to_ia": "AFTER_30_DAYS",
                    "transition_to_primary_storage_class": "AFTER_1_ACCESS",
                },
                "backup": True,
                "policy": policy(MADE),
                "mount_targets": [
                    {"subnet_id": A, "security_groups": [GROUP]},
                    {"subnet_id": B, "security_groups": [GROUP]},
                ],
                "tags": {"Name": "datalab", **MARKED, "cost": "4711"},
            }
        ],
        "access_points": [],
        "buckets": [
            {
                "name": BUCKET,
                "encryption": "AES256",
                "encryption_key_id": "",
                "public_access": {
                    "block_public_acls": True,
                    "block_public_policy": True,
                    "ignore_public_acls": True,
                    "restrict_public_buckets": True,
                },
                "object_ownership": "BucketOwnerEnforced",
                "policy": json.dumps(bucket_policy()),
                "versioning": True,
                "tags": {**MARKED, "cost": "4711"},
            }
        ],
        "bucket_lifecycles": [
            {
                "name": BUCKET,
                "rule_id": "expire",
                "expiration_days": 30,
                "noncurrent_version_expiration_days": 7,
                "abort_incomplete_multipart_upload_days": 7,
            }
        ],
        "bucket_loggings": [],
    }
    assert made.ids == {
        "file_system": None,
        "mount": {},
        "mounts": {},
        "results_bucket": BUCKET,
        "file_system_ids": [],
        "mount_target_ids": [],
    }


def test_creations_show_what_is_created() -> None:
    made = plan(BY_POINT, EMPTY)
    shown = {change.text: yaml.safe_load(change.after) for change in made.changes}
    assert shown["file system datalab"]["policy"] == policy({**MADE, **BY_POINT})
    assert shown["file system datalab"]["tags"] == {"Name": "datalab", **MARKED}
    assert shown[f"mount target of file system datalab in {A} (eu-central-1a)"] == {"security_groups": [GROUP]}
    assert shown["access point bob of file system datalab"]["root_directory"]["path"] == "/people/bob"
    assert shown[f"bucket {BUCKET}"]["lifecycle_rule"] == RULE
    assert not any("&" in change.after for change in made.changes)  # YAML's anchors


def test_a_key_for_what_is_created() -> None:
    made = plan({"kms_key_id": KEY, "results_kms_key_id": KEY_ID}, EMPTY)
    assert made.steps["file_systems"][0]["kms_key_id"] == KEY
    (step,) = made.steps["buckets"]
    assert (step["encryption"], step["encryption_key_id"]) == ("aws:kms", KEY_ID)


def test_an_access_log_for_a_bucket_that_is_created() -> None:
    made = plan({"results_access_log": LOG}, {**EMPTY, "has_log_bucket": True})
    assert made.steps["bucket_loggings"] == [{"name": BUCKET, "account": "123456789012", **LOG}]
    (shown,) = [yaml.safe_load(change.after) for change in made.changes if change.text == f"bucket {BUCKET}"]
    assert shown["access_log"] == LOG
    assert plan({"results_access_log": {"bucket": ""}}, EMPTY).steps["bucket_loggings"] == []


def test_an_account_without_a_network() -> None:
    made = plan({}, {**EMPTY, "bucket": bucket()}, NO_NETWORK_YET)
    waiting = [f"mount target of file system datalab in subnet {n} of the network" for n in (1, 2)]
    assert texts(made) == ["create file system datalab", *(f"create {text}" for text in waiting)]
    assert made.steps["waiting"] == [{"text": text} for text in waiting]
    assert made.steps["file_systems"][0]["mount_targets"] == []
    assert not made.refused


def test_a_subnet_that_the_network_gets_now() -> None:
    made = plan({}, there(), {**NETWORK, "subnet_ids": [A, B, None]})
    assert texts(made) == ["create mount target of file system datalab in subnet 3 of the network"]
    assert made.steps["file_systems"] == []
    assert len(made.steps["waiting"]) == 1


def test_a_security_group_that_the_network_gets_now() -> None:
    made = plan(
        {}, there(file_systems=[file_system(MADE, mount_targets=[])]), {**NETWORK, "storage_security_group": None}
    )
    assert [step["text"][-len(A) :] for step in made.steps["waiting"]] == [A, B]
    assert len(made.changes) == 2


def test_access_points_wait_for_their_file_system() -> None:
    made = plan(BY_POINT, EMPTY)
    assert texts(made)[3:5] == [f"create access point {person} of file system datalab" for person in PEOPLE]
    assert made.steps["access_points"] == []
    assert made.ids["mounts"]["alice"] == {
        "notebook_host_efs_dns_name": None,
        "notebook_host_efs_access_point": None,
        "notebook_host_efs_tls": True,
    }

    fresh = there(BY_POINT, file_systems=[file_system({**MADE, **BY_POINT}, access_points=[])])
    made = plan({**BY_POINT, "uids": {"bob": "2001"}, "tags": {"cost": "1"}}, fresh)
    alice, bob = made.steps["access_points"]
    uid = made_uid("alice")
    assert alice == {
        "name": "alice",
        "file_system_id": FS,
        "posix_user": {"uid": uid, "gid": uid},
        "root_directory": {
            "path": "/people/alice",
            "creation_info": {"owner_uid": uid, "owner_gid": uid, "permissions": "0700"},
        },
        "tags": {"Name": "alice", "owner": "alice", **MARKED, "cost": "1"},
    }
    assert bob["posix_user"] == {"uid": 2001, "gid": 2001}


def test_user_ids_are_those_that_they_always_were() -> None:
    assert made_uid("alice") == 100000 + 0x2BD806C  # the first 7 digits of sha256("alice")


def test_access_points_of_a_file_system_that_is_given() -> None:
    settings = {**BY_POINT, "efs_dns_name": GIVEN}
    theirs = file_system(MADE, "theirs", access_points=[point("bob")])
    made = plan(settings, there(file_systems=[theirs]))
    assert texts(made) == [f"create access point alice of file system {FS}"]
    assert made.ids["mounts"]["bob"]["notebook_host_efs_access_point"] == "fsap-bob"
    assert made.ids["file_system_ids"] == []

    (problem,) = plan(settings, there(file_systems=[])).refused
    assert problem.startswith(f"platform_storage_efs_dns_name is {GIVEN}; there must be a file system {FS} in this")


def test_a_file_system_for_each_person() -> None:
    made = plan(BY_FILE_SYSTEM, there(file_systems=[file_system({**MADE, **BY_FILE_SYSTEM}, "datalab-alice")]))
    assert [step["name"] for step in made.steps["file_systems"]] == ["datalab-bob"]
    assert made.steps["file_systems"][0]["tags"] == {"Name": "datalab-bob", "owner": "bob", **MARKED}
    assert texts(made)[0] == "create file system datalab-bob"
    assert made.ids["file_system"] == ""
    assert made.ids["mounts"] == {
        person: {
            "notebook_host_efs_dns_name": dns_name,
            "notebook_host_efs_access_point": "",
            "notebook_host_efs_tls": False,
        }
        for person, dns_name in (("alice", GIVEN), ("bob", None))
    }


def test_ids_of_what_is_there() -> None:
    ids = plan(BY_POINT, there(BY_POINT)).ids
    assert ids["file_system"] == GIVEN
    assert ids["mounts"]["bob"] == {
        "notebook_host_efs_dns_name": GIVEN,
        "notebook_host_efs_access_point": "fsap-bob",
        "notebook_host_efs_tls": True,
    }
    assert ids["file_system_ids"] == [FS]
    assert ids["mount_target_ids"] == ["fsmt-a123456789abcdef0", "fsmt-b123456789abcdef0"]


def test_a_run_that_only_needs_ids_plans_nothing() -> None:
    without_details = {"ids_only": True, "subnets": {}, "bucket": None}
    keys = ("file_system_id", "creation_token", "dns_name", "tags", "access_points")
    system = there(BY_POINT)["file_systems"][0]
    read = {**without_details, "file_systems": [{key: system[key] for key in keys}]}
    made = plan(BY_POINT, read, None)
    assert not made.changed
    whole = plan(BY_POINT, there(BY_POINT)).ids
    assert made.ids == {**whole, "mount_target_ids": []}
    assert plan({}, {**without_details, "file_systems": []}, None).ids["file_system"] is None


# Reads


@pytest.mark.parametrize(
    ("settings", "mode", "expected"),
    [
        ({}, {}, {"names": ["datalab"], "parts": ["details"]}),
        (GIVEN_SUBNETS, {}, {"names": ["datalab"], "parts": ["details"], "subnet_ids": [A, B]}),
        (BY_POINT, {}, {"names": ["datalab"], "parts": ["details", "access_points"]}),
        (BY_FILE_SYSTEM, {}, {"names": ["datalab-alice", "datalab-bob"], "parts": ["details"]}),
        ({"efs_dns_name": GIVEN, **GIVEN_SUBNETS}, {}, {}),
        ({"efs_dns_name": GIVEN, **BY_POINT}, {}, {"file_system_id": FS, "parts": ["access_points"]}),
        ({"results_access_log": LOG}, {}, {"names": ["datalab"], "parts": ["details"], "log_bucket": "logs"}),
        ({"results_access_log": LOG}, {"ids_only": True}, {"names": ["datalab"], "bucket": None}),
        ({"results_access_log": LOG}, {"removal": True},
         {"names": ["datalab"], "parts": ["mount_targets", "access_points"]}),
        ({}, {"ids_only": True}, {"names": ["datalab"], "bucket": None}),
        ({**BY_POINT, **GIVEN_SUBNETS}, {"ids_only": True},
         {"names": ["datalab"], "parts": ["access_points"], "bucket": None}),
        (BY_FILE_SYSTEM, {"ids_only": True}, {"names": ["datalab-alice", "datalab-bob"], "bucket": None}),
        (GIVEN_SUBNETS, {"removal": True}, {"names": ["datalab"], "parts": ["mount_targets", "access_points"]}),
        ({"efs_dns_name": GIVEN, "results_bucket": "ours"}, {"removal": True}, {"bucket": None}),
    ],
)  # fmt: skip
def test_what_is_read(settings: dict[str, Any], mode: dict[str, bool], expected: dict[str, Any]) -> None:
    lists: dict[str, Any] = {"names": [], "parts": [], "subnet_ids": []}
    nothing = {"ids_only": False, "file_system_id": "", "log_bucket": "", **lists}
    made_bucket = {"named": "", "efs_name": "datalab", "settings": "removal" not in mode}
    wanted = wanted_to_read({**MADE, **settings}, people=PEOPLE, **mode)
    assert wanted == {**nothing, "bucket": made_bucket, "ids_only": "ids_only" in mode, **expected}


# Any settings


SETTINGS = st.fixed_dictionaries(
    {
        "isolation": st.sampled_from(["shared", "access_point", "file_system"]),
        "kms_key_id": st.sampled_from(["", KEY, KEY_ID]),
        "throughput_mode": st.sampled_from(["elastic", "bursting"]),
        "transition_to_ia": st.sampled_from(["", "1", "30"]),
        "backup": st.booleans(),
        "uids": st.sampled_from([{}, {"bob": 2001}]),
        "results_days": st.integers(1, 400),
        "results_kms_key_id": st.sampled_from(["", KEY]),
        "results_access_log": st.sampled_from([{}, {"bucket": ""}, {"bucket": "logs"}, LOG]),
        "tags": st.dictionaries(st.sampled_from(["cost", "a"]), st.sampled_from(["1", "2"]), max_size=2),
    }
)


def applied(found: dict[str, Any], made: SectionPlan) -> dict[str, Any]:
    """Return what read_storage would return after the steps of a plan."""
    systems = {each["creation_token"]: each for each in found["file_systems"]}
    for step in made.steps["file_systems"]:
        name = step["name"]
        kept = {key: step[key] for key in ("throughput_mode", "lifecycle_policies", "backup", "policy")}
        targets = [target(each["subnet_id"], each["subnet_id"][7]) for each in step["mount_targets"]]
        tags = {**systems.get(name, {}).get("tags", {}), **step["tags"]}
        systems[name] = {"access_points": [], **file_system(MADE, name, tags=tags, mount_targets=targets), **kept}
    for step in made.steps["access_points"]:
        (system,) = systems.values()
        others = [each for each in system["access_points"] if each["name"] != step["name"]]
        system["access_points"] = [*others, {**point(step["name"]), **step}]
    has = found["bucket"]
    stays = {key: (has or bucket(lifecycle_rules=[]))[key] for key in ("lifecycle_rules", "access_log")}
    for step in made.steps["buckets"]:
        encryption = {"algorithm": step["encryption"], "key_id": step["encryption_key_id"] or None}
        tags = {**(has or {}).get("tags", {}), **step["tags"]}
        has = bucket(encryption=encryption, tags=tags, **stays)
    for step in made.steps["bucket_lifecycles"]:
        has = {**has, "lifecycle_rules": [{**RULE, "expiration": {"days": step["expiration_days"]}}]}
    for step in made.steps["bucket_loggings"]:
        log = {key: step[key] for key in ("bucket", "prefix")}
        has = {**has, "access_log": log if log["bucket"] else {}}
    return {**found, "file_systems": list(systems.values()), "bucket": has}


@given(SETTINGS, SETTINGS)
def test_two_rounds_of_steps_converge_whatever_is_wanted(first: dict[str, Any], then: dict[str, Any]) -> None:
    once = {"isolation": first["isolation"], "kms_key_id": first["kms_key_id"], "uids": first["uids"]}
    found = {**EMPTY, "has_log_bucket": True}
    for settings in (first, {**then, **once}):
        rounds = 0
        while (made := plan(settings, found)).changed:
            assert not made.refused
            assert any(steps for name, steps in made.steps.items() if name != "waiting")
            found = applied(found, made)
            rounds += 1
        assert rounds <= 2
        assert not any(made.steps.values())


def test_the_tags_of_a_person_s_file_system() -> None:
    settings = {**MADE, **BY_FILE_SYSTEM, "tags": {"cost": "1"}}
    (name, tags), _bob = own_file_systems(settings, PEOPLE).items()
    assert desired_file_system(settings, name, tags).tags == {"Name": name, "owner": "alice", **MARKED, "cost": "1"}
