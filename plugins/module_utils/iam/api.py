# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""IAM's part of the API: one function per call, as in sagemaker/api.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict

from ..common.amazon import is_boto3_error_code
from ..common.calls import retry
from ..common.errors import NotebookErrorHandler

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import PaginatorConfigTypeDef

PAGES: PaginatorConfigTypeDef = {"PageSize": 1000}  # the most items of one answer


class IamErrorHandler(NotebookErrorHandler):
    """The same with IAM's error codes."""

    @classmethod
    def _is_missing(cls) -> Any:
        return is_boto3_error_code("NoSuchEntity")


handler = IamErrorHandler


@handler.common_error_handler("get the account's authorization details")
@retry
def get_account_authorization_details(client: IAMClient, kinds: Sequence[Any]) -> list[Mapping[str, Any]]:
    """The pages of GetAccountAuthorizationDetails, of these kinds of entities. It knows no descriptions of roles."""
    return list(
        client.get_paginator("get_account_authorization_details").paginate(Filter=kinds, PaginationConfig=PAGES)
    )


@handler.common_error_handler("list the roles")
@retry
def list_roles(client: IAMClient, path: str) -> list[Mapping[str, Any]]:
    """The roles on a path as ListRoles returns them, of all pages."""
    pages = client.get_paginator("list_roles").paginate(PathPrefix=path, PaginationConfig=PAGES)
    return [role for page in pages for role in page["Roles"]]


@handler.list_error_handler("list the policies of the group", [])
@retry
def list_attached_group_policies(client: IAMClient, group: str) -> list[str]:
    """The ARNs of the managed policies that a group has; none where there is no such group."""
    pages = client.get_paginator("list_attached_group_policies").paginate(GroupName=group)
    return [policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]]


@handler.list_error_handler("list the tags of the policy", {})
@retry
def list_policy_tags(client: IAMClient, arn: str) -> dict[str, str]:
    """The tags of a managed policy, from ListPolicyTags."""
    pages = client.get_paginator("list_policy_tags").paginate(PolicyArn=arn)
    tags: dict[str, str] = boto3_tag_list_to_ansible_dict([tag for page in pages for tag in page["Tags"]])
    return tags
