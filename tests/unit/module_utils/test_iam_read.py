# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading the rights of the platform: the calls, and which parts of their answers are kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import NotebookError
from ansible_collections.datalab.notebooks.plugins.module_utils.iam import api
from ansible_collections.datalab.notebooks.plugins.module_utils.iam.read import read_access

if TYPE_CHECKING:
    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

pytestmark = pytest.mark.usefixtures("one_at_a_time")

WANTED: dict[str, Any] = {
    "name": "datalab",
    "path": "/datalab/",
    "iam": True,
    "ids_only": False,
    "removal": False,
    "policy_tags": False,
    "workgroups": [],
    "queries": False,
    "account": {"account": "123456789012", "partition": "aws", "region": "eu-central-1", "arn": "arn:x"},
}
ARN = "arn:aws:iam::123456789012:"
WORKGROUP = "arn:aws:athena:eu-central-1:123456789012:workgroup/"
MADE = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
TEXT = "2026-03-01T08:30:00+00:00"
DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
QUOTED = quote(json.dumps(DOCUMENT))
ATTACHED = [{"PolicyName": "datalab-research", "PolicyArn": f"{ARN}policy/datalab/datalab-research"}]


def entity(kind: str, name: str, path: str = "/", **more: Any) -> dict[str, Any]:
    return {
        "Path": path,
        f"{kind}Name": name,
        f"{kind}Id": "AIDA0123456789012345",
        "Arn": f"{ARN}{kind.lower()}{path}{name}",
        "CreateDate": MADE,
        **more,
    }


def role(name: str, path: str = "/", **more: Any) -> dict[str, Any]:
    more = {"AttachedManagedPolicies": [], "RolePolicyList": [], **more}
    return entity("Role", name, path, AssumeRolePolicyDocument=QUOTED, **more)


def policy(name: str, path: str = "/datalab/") -> dict[str, Any]:
    version = {"VersionId": "v1", "IsDefaultVersion": True, "CreateDate": MADE, "Document": QUOTED}
    return entity("Policy", name, path, PolicyVersionList=[version])


def details(
    iam: Script, kinds: tuple[str, ...] = ("Role", "Group", "LocalManagedPolicy"), *pages: dict[str, Any]
) -> None:
    """Expect GetAccountAuthorizationDetails next, in this many pages."""
    for number, page in enumerate(pages, 1):
        more = {"IsTruncated": True, "Marker": str(number)} if number < len(pages) else {}
        before = {"Marker": str(number - 1)} if number > 1 else {}
        params = {"Filter": list(kinds), "MaxItems": 1000, **before}
        iam.call("get_account_authorization_details", params, {**page, **more})


def descriptions(iam: Script, *roles: dict[str, Any]) -> None:
    """Expect ListRoles next."""
    iam.call("list_roles", {"PathPrefix": "/datalab/", "MaxItems": 1000}, {"Roles": list(roles)})


def read(**more: Any) -> dict[str, Any]:
    """Read the rights; keywords are scripted clients or settings."""
    scripts = {name: more.pop(name) for name in ("iam", "athena") if more.get(name)}
    found = read_access({name: script.client for name, script in scripts.items()}, {**WANTED, **more})
    assert json.loads(json.dumps(found)) == found
    return found


def test_iam_is_read_in_two_calls(iam: Script) -> None:
    boundary = {"PermissionsBoundaryArn": f"{ARN}policy/datalab/datalab-boundary"}
    profile = entity("InstanceProfile", "stand-in", Roles=[entity("Role", "x", AssumeRolePolicyDocument=QUOTED)])
    ours = role(
        "datalab-research",
        "/datalab/",
        AttachedManagedPolicies=ATTACHED,
        PermissionsBoundary=boundary,
        Tags=[{"Key": "teamName", "Value": "research"}],
        InstanceProfileList=[profile],
        RolePolicyList=[{"PolicyName": "mine", "PolicyDocument": QUOTED}],
    )
    first = {"RoleDetailList": [ours, role("Admin")], "GroupDetailList": [], "Policies": []}
    group = entity("Group", "datalab-people-research", "/datalab/", AttachedManagedPolicies=ATTACHED)
    last = {
        "GroupDetailList": [group, entity("Group", "x")],
        "Policies": [policy("datalab-research"), policy("x", "/")],
    }
    details(iam, ("Role", "Group", "LocalManagedPolicy"), first, last)
    descriptions(iam, entity("Role", "datalab-research", "/datalab/", Description="The instances of the team research"))
    attached = [{"policy_name": "datalab-research", "policy_arn": f"{ARN}policy/datalab/datalab-research"}]
    common = {"path": "/datalab/", "create_date": TEXT}
    assert read(iam=iam) == {
        "roles": [
            {
                **common,
                "role_name": "datalab-research",
                "role_id": "AIDA0123456789012345",
                "arn": f"{ARN}role/datalab/datalab-research",
                "assume_role_policy_document": DOCUMENT,
                "role_policy_list": [{"policy_name": "mine", "document": DOCUMENT}],
                "attached_managed_policies": attached,
                "permissions_boundary": {"permissions_boundary_arn": f"{ARN}policy/datalab/datalab-boundary"},
                "tags": {"teamName": "research"},
                "instance_profile_list": [{"instance_profile_name": "stand-in"}],
                "description": "The instances of the team research",
            }
        ],
        "groups": [
            {
                **common,
                "group_name": "datalab-people-research",
                "group_id": "AIDA0123456789012345",
                "arn": f"{ARN}group/datalab/datalab-people-research",
                "attached_managed_policies": attached,
            }
        ],
        "policies": [
            {
                **common,
                "policy_name": "datalab-research",
                "policy_id": "AIDA0123456789012345",
                "arn": f"{ARN}policy/datalab/datalab-research",
                "policy_version_list": [
                    {"version_id": "v1", "is_default_version": True, "create_date": TEXT, "document": DOCUMENT}
                ],
            }
        ],
        "users": [],
        "workgroups": [],
    }


def test_only_resources_of_the_platform_are_kept(iam: Script, athena: Script) -> None:
    bounded: dict[str, Any] = {
        "PermissionsBoundary": {"PermissionsBoundaryArn": f"{ARN}policy/datalab/datalab-boundary"}
    }
    roles = [
        role("datalab-research"),
        role("DataLab-Viewer"),
        role("x", "/datalab/"),
        role("uses", AttachedManagedPolicies=ATTACHED),
        role("bounded", **bounded),
        role("other"),
        role("datalab"),
        role("y", "/datalab/more/"),
    ]
    users = [
        entity("User", "alice", GroupList=["datalab-people-research"]),
        entity("User", "bob", GroupList=["admins"], AttachedManagedPolicies=ATTACHED),
        entity("User", "carol", GroupList=["admins"]),
        entity("User", "dave", GroupList=[], **bounded),
    ]
    page = {"RoleDetailList": roles, "UserDetailList": users, "Policies": [policy("datalab-x", "/"), policy("x", "/")]}
    details(iam, ("Role", "Group", "LocalManagedPolicy", "User"), page)
    descriptions(iam)
    athena.call("list_work_groups", {"MaxResults": 50}, {"WorkGroups": []})
    found = read(iam=iam, athena=athena, removal=True)
    assert [each["role_name"] for each in found["roles"]] == [
        "datalab-research",
        "DataLab-Viewer",
        "x",
        "uses",
        "bounded",
    ]
    assert {each["description"] for each in found["roles"]} == {""}
    assert [each["user_name"] for each in found["users"]] == ["alice", "bob", "dave"]
    assert [each["policy_name"] for each in found["policies"]] == ["datalab-x"]


def test_the_tags_of_policies_are_asked_for_one_by_one_where_they_count(iam: Script) -> None:
    page = {"Policies": [policy("datalab-research"), policy("datalab-fraud"), policy("datalab-x", "/")]}
    details(iam, ("Role", "Group", "LocalManagedPolicy"), page)
    tags = [{"Key": "a", "Value": "1"}]
    iam.call("list_policy_tags", {"PolicyArn": f"{ARN}policy/datalab/datalab-research"}, {"Tags": tags})
    iam.refuse("list_policy_tags", {"PolicyArn": f"{ARN}policy/datalab/datalab-fraud"}, "NoSuchEntity", "gone")
    descriptions(iam)
    found = read(iam=iam, policy_tags=True)
    assert [each.get("tags") for each in found["policies"]] == [{"a": "1"}, {}, None]


def test_for_ids_there_is_one_call(iam: Script) -> None:
    descriptions(iam, entity("Role", "datalab-viewer", "/datalab/"))
    found = read(iam=iam, ids_only=True, workgroups=["datalab-research"])
    assert found["ids_only"] is True
    assert [(each["role_name"], each["path"]) for each in found["roles"]] == [("datalab-viewer", "/datalab/")]
    assert read(ids_only=True, iam=False) == {"ids_only": True, "roles": []}


def test_with_a_role_that_is_given_iam_is_not_read(athena: Script) -> None:
    get(athena, "datalab-research", group("datalab-research"), team="research")
    athena.refuse("get_work_group", {"WorkGroup": "datalab-fraud"}, "InvalidRequestException", "x is not found.")
    names = ["datalab-research", "datalab-fraud"]
    found = read(athena=athena, iam=False, workgroups=names)
    assert list(found) == ["workgroups"]
    (only,) = found["workgroups"]
    assert (only["name"], only["tags"], only["creation_time"]) == ("datalab-research", {"team": "research"}, TEXT)
    assert "contents" not in only


def group(name: str) -> dict[str, Any]:
    return {"Name": name, "State": "ENABLED", "Configuration": {}, "CreationTime": MADE}


def get(athena: Script, name: str, answer: dict[str, Any], **tags: str) -> None:
    """Expect a read of a workgroup and its tags next."""
    athena.call("get_work_group", {"WorkGroup": name}, {"WorkGroup": answer})
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    athena.call("list_tags_for_resource", {"ResourceARN": f"{WORKGROUP}{name}"}, {"Tags": listed})


def test_a_removal_finds_all_workgroups_and_what_is_in_them(athena: Script) -> None:
    listed = [{"Name": name} for name in ("primary", "datalab-old", "datalab-research")]
    athena.call("list_work_groups", {"MaxResults": 50}, {"WorkGroups": listed})
    for name, queries, history in (
        ("datalab-old", {}, {}),
        ("datalab-research", {"NamedQueryIds": ["q"]}, {"QueryExecutionIds": ["e"]}),
    ):
        get(athena, name, group(name))
        athena.call("list_named_queries", {"WorkGroup": name, "MaxResults": 1}, queries)
        athena.call("list_query_executions", {"WorkGroup": name, "MaxResults": 1}, history)
    wanted = {"workgroups": ["datalab-new"], "removal": True, "queries": True, "iam": False}
    found = read(athena=athena, **wanted)["workgroups"]
    contents = [("datalab-old", []), ("datalab-research", ["named queries", "a query history"])]
    assert [(each["name"], each["contents"]) for each in found] == contents


def test_an_error_says_what_was_tried(iam: Script, slept: list[float]) -> None:
    params = {"Filter": ["Role"], "MaxItems": 1000}
    iam.refuse("get_account_authorization_details", params, "Throttling", "Rate exceeded")
    iam.refuse("get_account_authorization_details", params, "AccessDenied", "not authorized")
    with pytest.raises(NotebookError, match=r"get the account's authorization details.*not authorized"):
        api.get_account_authorization_details(iam.client, ["Role"])
    assert len(slept) == 1
