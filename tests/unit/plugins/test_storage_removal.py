# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The removal of the storage, and what stays."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.section import SectionPlan
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.storage import plan_storage_removal
from ansible_collections.datalab.notebooks.tests.unit.plugins.storage_found import (
    ACCOUNT,
    BUCKET,
    EMPTY,
    FS,
    GIVEN,
    MADE,
    MARKED,
    PEOPLE,
    A,
    B,
    file_system,
    point,
    target,
)

BY_POINT, BY_FILE_SYSTEM = {"isolation": "access_point"}, {"isolation": "file_system"}
DESTROY = {"destroy_data": True}
TARGETS = [
    f"mount target of file system datalab in {subnet} (eu-central-1{zone})" for subnet, zone in ((A, "a"), (B, "b"))
]
ALL_FILES = f"file system datalab ({FS}) with all files, 6,144 bytes"
POINTS = [f"access point {person} of file system datalab" for person in PEOPLE]
WORD = "platform_storage_destroy_data must be true to remove it, which -e platform_destroy=data sets"
DATA_STAYS = [f"file system datalab holds data; {WORD}", f"bucket {BUCKET} holds data; {WORD}"]
NOTHING: dict[str, list[Any]] = {"access_points": [], "mount_targets": [], "file_systems": [], "buckets": []}


def there(*points: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the result of read_storage for a removal."""
    bucket = {"name": BUCKET, "foreign": False, "is_blank": False, "tags": MARKED}
    return {**EMPTY, "file_systems": [file_system(MADE, access_points=list(points))], "bucket": bucket, **more}


def plan(settings: dict[str, Any], found: dict[str, Any], *, keep_used: bool = False) -> SectionPlan:
    wanted = {**MADE, **settings}
    made = plan_storage_removal(wanted, found, people=PEOPLE, account=ACCOUNT, keep_used=keep_used)
    assert {change.action for change in made.changes} <= {"remove"}
    assert made.ids["results_bucket"] == settings.get("results_bucket", BUCKET)
    return made


def texts(made: SectionPlan) -> list[str]:
    return [change.text for change in made.changes]


def test_data_stays_unless_the_settings_say_otherwise() -> None:
    made = plan({}, there())
    assert texts(made) == TARGETS
    assert made.steps == {**NOTHING, "mount_targets": [{"name": "datalab"}]}
    assert list(made.notes) == DATA_STAYS
    assert made.ids["mount_target_ids"] == [target()["mount_target_id"], target(B)["mount_target_id"]]


def test_data_goes_with_an_explicit_word() -> None:
    made = plan(DESTROY, there())
    assert texts(made) == [*TARGETS, ALL_FILES, f"bucket {BUCKET} with all query results"]
    assert made.steps == {**NOTHING, "file_systems": [{"name": "datalab"}], "buckets": [{"name": BUCKET}]}
    assert made.notes == ()
    assert len(made.ids["mount_target_ids"]) == 2


def test_access_points_go_and_files_stay() -> None:
    made = plan(BY_POINT, there(*map(point, PEOPLE)))
    assert texts(made) == [*POINTS, *TARGETS]
    each = [{"name": person, "file_system_id": FS} for person in PEOPLE]
    assert made.steps == {**NOTHING, "access_points": each, "mount_targets": [{"name": "datalab"}]}

    made = plan({**BY_POINT, **DESTROY}, there(*map(point, PEOPLE)))
    assert texts(made)[:5] == [*POINTS, *TARGETS, ALL_FILES]
    assert made.steps["access_points"] == made.steps["mount_targets"] == []  # they go with the file system


def test_a_file_system_for_each_person() -> None:
    names = [f"datalab-{person}" for person in PEOPLE]
    systems = [file_system(MADE, name, access_points=[], mount_targets=[]) for name in names]
    made = plan({**BY_FILE_SYSTEM, **DESTROY}, there(file_systems=systems))
    assert made.steps["file_systems"] == [{"name": name} for name in names]
    assert [text.partition(" (")[0] for text in texts(made)] == [
        *(f"file system {name}" for name in names),
        f"bucket {BUCKET} with all query results",
    ]


@pytest.mark.parametrize("settings", [{}, DESTROY, BY_POINT, BY_FILE_SYSTEM], ids=str)
def test_nothing_is_left_to_do_when_nothing_is_there(settings: dict[str, Any]) -> None:
    made = plan(settings, EMPTY)
    assert (made.changes, made.refused, made.notes) == ((), (), ())
    assert made.steps == NOTHING


def test_a_file_system_that_cannot_be_mounted_has_no_mount_targets_to_remove() -> None:
    made = plan({}, there(file_systems=[file_system(MADE, access_points=[], mount_targets=[])]))
    assert not made.changed
    assert made.steps == NOTHING


def test_mount_targets_that_are_going_are_not_waited_for_again() -> None:
    going = file_system(MADE, access_points=[], mount_targets=[target(life_cycle_state="deleting")])
    made = plan({}, there(file_systems=[going]))
    assert not made.changed
    assert made.ids["mount_target_ids"] == []


def test_resources_that_the_inventory_names_stay() -> None:
    theirs = file_system(MADE, "theirs", access_points=[point("alice"), point("job")], mount_targets=[])
    settings = {**BY_POINT, **DESTROY, "efs_dns_name": GIVEN, "results_bucket": "ours"}
    made = plan(settings, {**EMPTY, "file_systems": [theirs]})
    assert texts(made) == [f"access point alice of file system {FS}"]
    assert made.steps == {**NOTHING, "access_points": [{"name": "alice", "file_system_id": FS}]}
    assert list(made.notes) == [
        f"file system {GIVEN} is named by platform_storage_efs_dns_name and never removed",
        "bucket ours is named by platform_storage_results_bucket and never removed",
    ]


def test_resources_of_others_stay() -> None:
    theirs = file_system(MADE, access_points=[], tags={"Name": "datalab"})
    unmarked = {"name": BUCKET, "foreign": False, "is_blank": False, "tags": {"project": "other"}}
    made = plan(DESTROY, {**EMPTY, "file_systems": [theirs], "bucket": unmarked})
    assert (made.changes, made.refused, made.steps) == ((), (), NOTHING)
    mark = "does not have the tag datalab:storage=datalab and stays"
    assert list(made.notes) == [f"file system datalab {mark}", f"bucket {BUCKET} {mark}"]
    assert made.ids["mount_target_ids"] == []

    points = [point("alice", tags={"Name": "alice", "owner": "alice"}), point("bob")]
    settings = {**BY_POINT, "efs_dns_name": GIVEN}
    made = plan(settings, {**EMPTY, "file_systems": [file_system(MADE, "theirs", access_points=points)]})
    assert made.steps["access_points"] == [{"name": "bob", "file_system_id": FS}]


def test_a_bucket_without_anything_goes() -> None:
    blank = {"name": BUCKET, "foreign": False, "is_blank": True, "tags": {}}
    assert texts(plan(DESTROY, {**EMPTY, "bucket": blank})) == [f"bucket {BUCKET} with all query results"]


def test_a_bucket_of_another_account_stays() -> None:
    made = plan(DESTROY, {**EMPTY, "bucket": {"name": BUCKET, "foreign": True}})
    assert not made.changed
    assert list(made.notes) == [f"bucket {BUCKET} belongs to another AWS account, or these credentials may not see it"]


JOB = point("job", tags={"Name": "job", **MARKED}, root_directory={"path": "/job"})
OTHERS = [
    [JOB],
    [point("job", tags={"owner": "job", **MARKED})],
    [point("job", tags={"Name": "job", **MARKED})],
    [point("job", root_directory={"path": "/people/alice"})],
    [point("job", root_directory=None)],
]


@pytest.mark.parametrize("settings", [{}, DESTROY, BY_POINT, {**BY_POINT, **DESTROY}], ids=str)
@pytest.mark.parametrize("others", OTHERS, ids=str)
def test_a_file_system_that_others_use(settings: dict[str, Any], others: list[dict[str, Any]]) -> None:
    found = there(point("alice"), *others)
    (problem,) = plan(settings, found).refused
    assert problem.startswith("file system datalab has access points that are no person's: fsap-job (")
    assert "platform_destroy_keep_used=true" in problem

    made = plan(settings, found, keep_used=True)
    assert made.refused == ()
    assert made.notes[0].endswith("its mount targets and all files stay too")
    assert made.steps["mount_targets"] == made.steps["file_systems"] == []
    assert made.ids["mount_target_ids"] == []
    by_point = settings.get("isolation") == "access_point"
    assert len(made.steps["access_points"]) == by_point
    bucket = [f"bucket {BUCKET} with all query results"] if settings.get("destroy_data") else []
    assert texts(made) == [*(POINTS[:1] if by_point else []), *bucket]


def test_access_points_of_people_who_have_left_are_no_others() -> None:
    assert plan(DESTROY, there(point("zoe"))).refused == ()
