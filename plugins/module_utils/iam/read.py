# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Reads the rights: IAM in pages of a thousand, Athena's workgroups one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..athena.read import read_workgroups
from ..common.amazon import boto3_resource_to_ansible_dict
from ..common.calls import by_name, in_parallel
from . import api

Found = dict[str, Any]
Clients = Mapping[str, Any]
Wanted = Mapping[str, Any]

# What plan_access_removal looks at, to see who else uses our policies, includes users.
KINDS = ["Role", "Group", "LocalManagedPolicy"]
LISTS = {"roles": "RoleDetailList", "groups": "GroupDetailList", "users": "UserDetailList", "policies": "Policies"}
NAMES = {"roles": "RoleName", "groups": "GroupName", "policies": "PolicyName"}
# The keys that are kept of the items in an entity's lists.
LISTED = ("GroupPolicyList", "InstanceProfileList", "RolePolicyList", "UserPolicyList")
NAMED = ("InstanceProfileName", "PolicyName")
DOCUMENTS = (
    ("policy_version_list", "PolicyVersionList", "Document"),
    ("role_policy_list", "RolePolicyList", "PolicyDocument"),
)


def read_access(clients: Clients, wanted: Wanted) -> Found:
    """The roles, groups, policies and workgroups of the platform and, for a removal, their other users.

    `wanted` is what `wanted_to_read` makes, and whose `account` it is.
    """
    if wanted["ids_only"]:
        roles = api.list_roles(clients["iam"], wanted["path"]) if wanted["iam"] else []
        return {"ids_only": True, "roles": [_plain(role) for role in roles]}
    reads: list[Callable[[], Found]] = [lambda: {"workgroups": read_workgroups(clients, wanted)}]
    if wanted["iam"]:
        reads += [lambda: read_details(clients["iam"], wanted), lambda: _read_descriptions(clients["iam"], wanted)]
    found: Found = {}
    for part in in_parallel(lambda read: read(), reads):
        found |= part
    descriptions = found.pop("descriptions", {})
    for role in found.get("roles", ()):
        role["description"] = descriptions.get(role["role_name"], "")
    return found


def _read_descriptions(client: Any, wanted: Wanted) -> Found:
    roles = api.list_roles(client, wanted["path"])
    return {"descriptions": {role["RoleName"]: role.get("Description", "") for role in roles}}


def read_details(client: Any, wanted: Wanted) -> Found:
    """The roles, groups, users and policies that are the platform's by path or name, or that use these."""
    kinds = [*KINDS, "User"] if wanted["removal"] else KINDS
    pages = api.get_account_authorization_details(client, kinds)
    found = {kind: list(_concerned(kind, pages, wanted)) for kind in LISTS}
    if wanted["policy_tags"]:
        policies = {policy["arn"]: policy for policy in found["policies"] if policy["path"] == wanted["path"]}
        tags = by_name(lambda arn: api.list_policy_tags(client, arn), list(policies))
        for arn, policy in policies.items():
            policy["tags"] = tags[arn]
    return found


def _concerned(kind: str, pages: list[Mapping[str, Any]], wanted: Wanted) -> Iterator[Found]:
    """The account's resources that are the platform's by path or name, and those that use its policies and groups."""
    begins = f"{wanted['name']}-".casefold()
    policies = f":policy{wanted['path']}"
    for item in (item for page in pages for item in page.get(LISTS[kind], ())):
        named = str(item.get(NAMES.get(kind, ""), "")).casefold().startswith(begins)
        member = any(group.casefold().startswith(begins) for group in item.get("GroupList", ()))
        if named or member or item["Path"] == wanted["path"] or any(policies in arn for arn in _policies_of(item)):
            yield _plain(item)


def _policies_of(item: Mapping[str, Any]) -> list[str]:
    attached = [policy["PolicyArn"] for policy in item.get("AttachedManagedPolicies", ())]
    return [*attached, item.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")]


def _plain(item: Mapping[str, Any]) -> Found:
    """In snake_case, with times as text; documents stay as they are."""
    slim = {
        key: [{each: part[each] for each in part if each in NAMED} for part in value] if key in LISTED else value
        for key, value in item.items()
    }
    plain: Found = boto3_resource_to_ansible_dict(slim, force_tags=False, ignore_list=["AssumeRolePolicyDocument"])
    for parts, key, document in DOCUMENTS:
        for part, answer in zip(plain.get(parts, ()), item.get(key, ()), strict=True):
            part["document"] = answer[document]  # amazon.aws would change the keys inside of lists
    return plain
