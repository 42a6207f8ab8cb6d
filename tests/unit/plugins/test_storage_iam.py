# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""platform_storage_iam: one access point for all. What the policies refuse is proved in tests/policies."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks import storage
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.storage import (
    plan_storage_removal,
    wanted_to_read,
)
from ansible_collections.datalab.notebooks.tests.unit.plugins.inventories import inventory, told
from ansible_collections.datalab.notebooks.tests.unit.plugins.storage_found import (
    ACCOUNT,
    BY_IAM,
    EMPTY,
    FS,
    MADE,
    MARKED,
    PEOPLE,
    ROLES,
    everybodys_point,
    file_system,
    plan,
    texts,
    there,
)

SETTINGS = {**MADE, **BY_IAM}
POINT = {"notebook_host_efs_access_point": "fsap-shared", "notebook_host_efs_tls": True, "notebook_host_efs_iam": True}


def test_what_is_made() -> None:
    made = plan(BY_IAM, EMPTY)
    assert "create access point shared of file system datalab" in texts(made)
    assert made.ids["mount"] == {**POINT, "notebook_host_efs_access_point": None}
    assert made.ids["mounts"] == {}
    assert made.steps["access_points"] == []

    fresh = there(BY_IAM, file_systems=[file_system(SETTINGS, access_points=[])])
    (step,) = plan(BY_IAM, fresh).steps["access_points"]
    made_by_aws = {"owner_uid": 1000, "owner_gid": 1000, "permissions": "0775"}
    assert step == {
        "name": "shared",
        "file_system_id": FS,
        "posix_user": {"uid": 1000, "gid": 1000},
        "root_directory": {"path": "/shared", "creation_info": made_by_aws},
        "tags": {"Name": "shared", **MARKED},
    }
    assert plan(BY_IAM, there(BY_IAM)).ids["mount"] == POINT


def test_the_policy_changes_with_the_mode() -> None:
    plain = file_system(MADE, access_points=[everybodys_point()])
    (change,) = plan(BY_IAM, there(BY_IAM, file_systems=[plain])).changes
    assert change.text == "file system datalab: policy"
    statements = {each["Sid"]: each for each in yaml.safe_load(change.after)["Statement"]}
    assert {each["Effect"] for each in statements.values()} == {"Deny"}
    assert statements["NotByOthers"]["Condition"] == {"ArnNotLike": {"aws:PrincipalArn": ROLES.platform}}
    assert statements["NotByViewers"]["Condition"] == {"ArnLike": {"aws:PrincipalArn": ROLES.viewer}}
    assert ROLES.viewer == "arn:aws:iam::123456789012:role/datalab/datalab-viewer"


def test_an_access_point_of_another_user_is_refused() -> None:
    point = everybodys_point(posix_user={"uid": 0, "gid": 0})
    (problem,) = plan(BY_IAM, there(BY_IAM, file_systems=[file_system(SETTINGS, access_points=[point])])).refused
    assert problem.startswith("platform_storage_iam: access point fsap-shared of shared has another user")
    assert problem.endswith("delete it, and the next run creates it again; no file is lost")


def test_an_access_point_without_the_mark_is_refused() -> None:
    found = there(
        BY_IAM, file_systems=[file_system(SETTINGS, access_points=[everybodys_point(tags={"Name": "shared"})])]
    )
    made = plan(BY_IAM, found)
    (problem,) = made.refused
    assert problem.startswith("platform_storage_iam: the access point fsap-shared with the tag Name=shared must have")
    assert made.steps["access_points"] == []


def test_access_points_are_read() -> None:
    assert wanted_to_read(SETTINGS, people=PEOPLE)["parts"] == ["details", "access_points"]
    assert wanted_to_read(SETTINGS, people=PEOPLE, ids_only=True)["parts"] == ["access_points"]


@pytest.mark.parametrize("with_data", [False, True])
def test_it_is_removed(with_data: bool) -> None:
    settings = {**SETTINGS, "destroy_data": with_data}
    made = plan_storage_removal(settings, there(BY_IAM), people=PEOPLE, account=ACCOUNT, keep_used=False)
    assert made.refused == ()
    assert texts(made)[0] == "remove access point shared of file system datalab"
    assert made.steps["access_points"] == ([] if with_data else [{"name": "shared", "file_system_id": FS}])
    assert len(made.steps["file_systems"]) == with_data


def test_one_role_for_everybody_cannot_tell_the_viewer_from_others() -> None:
    arn = "arn:aws:iam::123456789012:role/ours"
    roles = {"platform_access_role_arn": arn, "notebook_fleet_role_arn": ""}
    (said,) = storage.problems(SETTINGS, PEOPLE, roles)
    assert said.startswith(f"platform_storage_iam is true and platform_access_role_arn {arn}, which the viewer has too")
    assert list(storage.problems(MADE, PEOPLE, roles)) == []


ROLE = "arn:aws:iam::123456789012:role/gpu"
OTHER = "fs-0b.efs.eu-central-1.amazonaws.com"
REFUSED = (
    f"alice: notebook_role_arn is {ROLE}; with platform_storage_iam the shared file system refuses every role that is"
    " not the platform's: leave it out, or set notebook_host_efs_dns_name to that of another"
)


@pytest.mark.parametrize(
    ("iam", "given", "refused"),
    [
        (True, {"notebook_role_arn": ROLE}, [REFUSED]),
        (True, {"notebook_role_arn": ROLE, "notebook_host_efs_dns_name": OTHER, "notebook_lifecycle_config": "x"}, []),
        (True, {}, []),
        (False, {"notebook_role_arn": ROLE}, []),
    ],
)
def test_a_role_of_their_own_does_not_mount(iam: bool, given: dict[str, str], refused: list[str]) -> None:
    assert told(inventory(variables={"alice": given}, shared={"platform_storage_iam": iam})) == refused


def test_the_role_of_the_fleet_does_not_mount() -> None:
    shared = {"platform_storage_iam": True, "notebook_fleet_role_arn": ROLE}
    (said,) = told(inventory(shared=shared), sections=["storage", "fleet"])
    assert said.startswith(
        f"storage: platform_storage_iam is true and notebook_fleet_role_arn {ROLE}, which the viewer"
    )
