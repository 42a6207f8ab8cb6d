# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Access points of EFS: what has to change, and the calls that change it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.common import polling
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import InputError, NotebookError
from ansible_collections.datalab.notebooks.plugins.module_utils.efs import api as api_efs
from ansible_collections.datalab.notebooks.plugins.module_utils.efs.access_point import (
    AccessPoint,
    DesiredPoint,
    apply_point,
    await_available,
    delete_point,
    desired_point,
    normalised,
    plan_point,
    point_problems,
    read_point,
)

if TYPE_CHECKING:
    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

FS, POINT = "fs-0123456789abcdef0", "fsap-0123456789abcdef0"
TOKEN = hashlib.sha256(f"{FS}/alice".encode()).hexdigest()
ALICE = {"uid": 10001, "gid": 10001}
HOME = {"path": "/people/alice", "creation_info": {"owner_uid": 10001, "owner_gid": 10001, "permissions": "0700"}}
BY_ID = {"AccessPointId": POINT}
BY_FILE_SYSTEM = {"MaxResults": 100, "FileSystemId": FS}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make waits take no time."""
    monkeypatch.setattr(polling, "FIRST_DELAY", 0)


def current(**more: Any) -> dict[str, Any]:
    """An access point as read_point() returns it."""
    return {
        "access_point_id": POINT,
        "name": "alice",
        "file_system_id": FS,
        "posix_user": ALICE,
        "root_directory": HOME,
        "life_cycle_state": "available",
        "tags": {"Name": "alice"},
        **more,
    }


def want(**more: Any) -> DesiredPoint:
    return DesiredPoint("alice", FS, **more)


# Planning


@dataclass(frozen=True)
class Case:
    """The current and the desired access point, and the expected plan."""

    name: str
    desired: DesiredPoint
    current: dict[str, Any]
    set_tags: dict[str, str] = field(default_factory=dict)
    delete_tags: list[str] = field(default_factory=list)
    replace: bool = False
    after: dict[str, Any] = field(default_factory=dict)  # as far as it differs from current


TAGGED = current(tags={"Name": "alice", "team": "research"})
CASES = [
    Case("nothing given", want(), TAGGED),
    Case("all as given", want(posix_user=ALICE, root_directory=HOME, tags={"team": "research"}), TAGGED),
    Case("the path alone", want(root_directory={"path": "/people/alice"}), current()),
    Case("another spelling", want(root_directory={**HOME, "creation_info": {**HOME["creation_info"],  # type: ignore[dict-item]
         "permissions": "700"}}), current()),
    Case("groups in another order", want(posix_user={**ALICE, "secondary_gids": [2, 1]}),
         current(posix_user={**ALICE, "secondary_gids": [1, 2]})),
    Case("a group twice", want(posix_user={**ALICE, "secondary_gids": [2, 1, 2]}),
         current(posix_user={**ALICE, "secondary_gids": [1, 2]})),
    Case("no groups", want(posix_user={**ALICE, "secondary_gids": []}), current()),
    Case("missing tag", want(tags={"team": "research"}), current(), {"team": "research"},
         after={"tags": {"Name": "alice", "team": "research"}}),
    Case("purged tag, and its name stays", want(tags={}), TAGGED, {}, ["team"], after={"tags": {"Name": "alice"}}),
    Case("tag not purged", want(tags={}, purge_tags=False), TAGGED),
    Case("nothing to replace", want(posix_user=ALICE, replace=True), current()),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_plans_a_change(case: Case) -> None:
    made = plan_point(case.desired, case.current)
    assert (made.set_tags, made.delete_tags, made.replace) == (case.set_tags, case.delete_tags, case.replace)
    assert made.after == {**case.current, **case.after}
    assert made.changed == bool(case.after)


@pytest.mark.parametrize(
    "given",
    [
        {"posix_user": {**ALICE, "secondary_gids": None}},
        {"root_directory": {"path": "/people/alice", "creation_info": None}},
        {"root_directory": HOME},
        {"tags": {"Name": "alice"}},
        {"tags": {}},
        {"replace": True},
    ],
    ids=str,
)
def test_equal_settings_need_no_change(given: dict[str, Any], efs: Script) -> None:
    nothing = {"posix_user": None, "root_directory": None, "tags": None, "purge_tags": True, "replace": False}
    desired = desired_point({"name": "alice", "file_system_id": FS, **nothing, **given})
    assert point_problems(efs.client.meta.service_model, desired) == []
    assert not plan_point(desired, current()).changed


def test_plans_a_creation() -> None:
    made = plan_point(want(posix_user=ALICE), None)
    assert made.changed
    assert made.after == {
        "name": "alice",
        "file_system_id": FS,
        "posix_user": ALICE,
        "root_directory": {"path": "/"},
        "tags": {"Name": "alice"},
    }


@pytest.mark.parametrize(("tags", "after"), [(None, TAGGED["tags"]), ({"a": "1"}, {"Name": "alice", "a": "1"})])
def test_plans_a_replacement(tags: Any, after: dict[str, str]) -> None:
    made = plan_point(want(posix_user={"uid": 0, "gid": 0}, tags=tags, replace=True), TAGGED)
    assert made.replace
    assert made.after == {
        "name": "alice",
        "file_system_id": FS,
        "posix_user": {"uid": 0, "gid": 0},
        "root_directory": {"path": "/"},
        "tags": after,
    }


@pytest.mark.parametrize(
    ("desired", "has", "says"),
    [
        (want(posix_user={**ALICE, "uid": 0}), current(), "posix_user.uid is 10001 and not 0"),
        (want(posix_user={"uid": 0, "gid": 0}), current(posix_user=None), "posix_user.uid is None and not 0, posix"),
        (want(posix_user={**ALICE, "secondary_gids": [1]}), current(), "posix_user.secondary_gids is None and not [1]"),
        (want(posix_user={**ALICE, "secondary_gids": []}), current(posix_user={**ALICE, "secondary_gids": [1]}),
         "posix_user.secondary_gids is [1] and not []"),
        (want(root_directory={"path": "/"}), current(), "root_directory.path is /people/alice and not /"),
        (want(root_directory={**HOME, "creation_info": {**HOME["creation_info"], "permissions": "0750"}}),  # type: ignore[dict-item]
         current(), "root_directory.creation_info.permissions is 0700 and not 0750"),
    ],
)  # fmt: skip
def test_immutable_settings_are_refused(desired: DesiredPoint, has: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        plan_point(desired, has)
    (problem,) = caught.value.problems
    assert problem.startswith(f"access point alice: {says}")
    assert "AWS sets this at creation only: set replace: true to remove the access point and create another" in problem


# Options


def test_options() -> None:
    options = {
        "name": "alice",
        "file_system_id": FS,
        "posix_user": {**ALICE, "secondary_gids": None},
        "root_directory": {"path": "/people/alice", "creation_info": None},
        "tags": {"cost": 42},
        "purge_tags": True,
        "replace": False,
    }
    directory = {"path": "/people/alice"}
    assert desired_point(options) == want(posix_user=ALICE, root_directory=directory, tags={"cost": "42"})
    nothing = {**options, "posix_user": None, "root_directory": None, "tags": None}
    assert desired_point(nothing) == want()


def test_tells_every_problem(efs: Script) -> None:
    info = {"owner_uid": 1, "owner_gid": 1, "permissions": "rwx"}
    desired = DesiredPoint(
        "alice",
        "efs",
        {"uid": -1, "gid": 1, "secondary_gids": [2**32]},
        {"path": "a", "creation_info": info},
        {"aws:x": "1", "Name": "bob"},
    )
    problems = point_problems(efs.client.meta.service_model, desired)
    assert [problem.split(": ")[1] for problem in problems] == [
        "file_system_id",
        "posix_user.uid",
        "posix_user.secondary_gids",
        "root_directory.path",
        "root_directory.creation_info.permissions",
        "tags",
        "tags",
    ]
    good = want(posix_user=ALICE, root_directory=HOME, tags={"Name": "alice"})
    assert point_problems(efs.client.meta.service_model, good) == []


# Reading


def answer(name: str = "alice", access_point_id: str = POINT, state: str = "available") -> dict[str, Any]:
    """An element of DescribeAccessPoints' answer."""
    tags = [{"Key": "Name", "Value": name}]
    user = {"Uid": 10001, "Gid": 10001}
    return {"AccessPointId": access_point_id, "Tags": tags, "PosixUser": user, "LifeCycleState": state}


def lists(efs: Script, *found: dict[str, Any]) -> None:
    efs.call("describe_access_points", BY_FILE_SYSTEM, {"AccessPoints": list(found)})


def test_finds_it_by_name_on_any_page(efs: Script) -> None:
    first = {"AccessPoints": [answer("bob")], "NextToken": "more"}
    efs.call("describe_access_points", BY_FILE_SYSTEM, first)
    params = {**BY_FILE_SYSTEM, "NextToken": "more"}
    efs.call("describe_access_points", params, {"AccessPoints": [answer("carol"), answer()]})
    found = read_point(efs.client, FS, "alice")
    assert found == normalised(answer())
    assert found == {
        "access_point_id": POINT,
        "tags": {"Name": "alice"},
        "posix_user": ALICE,
        "life_cycle_state": "available",
    }


@pytest.mark.parametrize("state", ["deleting", "deleted"])
def test_one_that_goes_is_none(efs: Script, state: str) -> None:
    lists(efs, answer(state=state))
    assert read_point(efs.client, FS, "alice") is None


def test_on_a_file_system_that_is_not_there_is_none(efs: Script) -> None:
    efs.refuse("describe_access_points", BY_FILE_SYSTEM, "FileSystemNotFound", "no")
    assert read_point(efs.client, FS, "alice") is None


def test_two_of_a_name_are_refused(efs: Script) -> None:
    lists(efs, answer(access_point_id="fsap-2"), answer(access_point_id="fsap-1"))
    with pytest.raises(InputError) as caught:
        read_point(efs.client, FS, "alice")
    text = f"access point alice: fsap-1 and fsap-2 of {FS} both have this name; give one another tag Name"
    assert caught.value.problems == [text]


# Changing


def params_of_create(**more: Any) -> dict[str, Any]:
    tags = [{"Key": "Name", "Value": "alice"}]
    return {"ClientToken": TOKEN, "FileSystemId": FS, "Tags": tags, **more}


def apply(efs: Script, desired: DesiredPoint, has: dict[str, Any] | None) -> None:
    apply_point(efs.client, plan_point(desired, has), 60)


def test_creates_with_everything(efs: Script) -> None:
    user = {"Uid": 10001, "Gid": 10001, "SecondaryGids": [5]}
    info = {"OwnerUid": 10001, "OwnerGid": 10001, "Permissions": "0700"}
    params = params_of_create(PosixUser=user, RootDirectory={"Path": "/people/alice", "CreationInfo": info})
    tags = [*params["Tags"], {"Key": "team", "Value": "research"}]
    efs.call("create_access_point", {**params, "Tags": tags}, answer(state="creating"))
    posix_user = {**ALICE, "secondary_gids": [5]}
    apply(efs, want(posix_user=posix_user, root_directory=HOME, tags={"team": "research"}), None)


def test_a_creation_whose_answer_was_lost_is_gone_on_with(efs: Script) -> None:
    efs.refuse("create_access_point", params_of_create(), "AccessPointAlreadyExists", "it is there")
    apply(efs, want(), None)
    lists(efs)  # AWS may take a moment to show it
    lists(efs, answer(state="creating"))
    lists(efs, answer())
    await_available(efs.client, want(), 60)


def test_one_that_does_not_come(efs: Script) -> None:
    lists(efs, answer(state="creating"))
    with pytest.raises(NotebookError, match="the access point alice has not finished after -1 s"):
        await_available(efs.client, want(), -1)


def test_a_file_system_that_is_not_there(efs: Script) -> None:
    efs.refuse("create_access_point", params_of_create(), "FileSystemNotFound", "no")
    with pytest.raises(NotebookError, match=r"Failed to create the access point: .*FileSystemNotFound"):
        apply(efs, want(), None)


def test_changes_tags(efs: Script) -> None:
    efs.call("tag_resource", {"ResourceId": POINT, "Tags": [{"Key": "a", "Value": "1"}]})
    efs.call("untag_resource", {"ResourceId": POINT, "TagKeys": ["team"]})
    apply(efs, want(tags={"a": "1"}), TAGGED)


def test_replaces_it_when_the_old_one_is_gone(efs: Script) -> None:
    efs.call("delete_access_point", BY_ID)
    efs.call("describe_access_points", {"MaxResults": 100, **BY_ID}, {"AccessPoints": [answer(state="deleting")]})
    efs.refuse("describe_access_points", {"MaxResults": 100, **BY_ID}, "AccessPointNotFound", "gone")
    efs.call("create_access_point", params_of_create(PosixUser={"Uid": 7, "Gid": 7}), answer(state="creating"))
    apply(efs, want(posix_user={"uid": 7, "gid": 7}, replace=True), current())


def test_no_change_makes_no_call(efs: Script) -> None:
    apply(efs, want(), current())


def test_deletes_one_that_somebody_else_has_deleted(efs: Script) -> None:
    efs.refuse("delete_access_point", BY_ID, "AccessPointNotFound", "gone")
    efs.call("describe_access_points", {"MaxResults": 100, **BY_ID}, {"AccessPoints": [answer(state="deleted")]})
    delete_point(efs.client, current(), 60)


def test_a_deletion_that_is_refused(efs: Script) -> None:
    efs.refuse("delete_access_point", BY_ID, "AccessDeniedException", "not you")
    with pytest.raises(NotebookError, match="Failed to delete the access point"):
        api_efs.delete_access_point(efs.client, POINT)


def test_diff(efs: Script) -> None:
    diff = AccessPoint(efs.client, want(), wait=True, wait_timeout=60).diff(None, current())
    assert diff == {
        "before": {},
        "after": {"posix_user": ALICE, "root_directory": HOME, "tags": {"Name": "alice"}},
    }
