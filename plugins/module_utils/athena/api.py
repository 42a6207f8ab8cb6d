# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Athena's part of the API: one function per call, as in api.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)

from ..common.calls import retry
from ..common.errors import NotebookErrorHandler

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient


class AthenaErrorHandler(NotebookErrorHandler):
    """The same with Athena's error codes."""

    _MISSING_CODE = "InvalidRequestException"
    _MISSING_MESSAGES = ("is not found",)


handler = AthenaErrorHandler

# Workgroups


@handler.list_error_handler("get the workgroup", None)
@retry
def get_work_group(client: AthenaClient, name: str) -> Mapping[str, Any] | None:
    """The workgroup as GetWorkGroup returns it, or None if there is none."""
    return client.get_work_group(WorkGroup=name)["WorkGroup"]


@handler.common_error_handler("list the workgroups")
@retry
def list_work_groups(client: AthenaClient, **page: Any) -> Mapping[str, Any]:
    """One page of ListWorkGroups' summaries; boto3 has no paginator for it."""
    return client.list_work_groups(**page)


@handler.common_error_handler("create the workgroup")
@retry
def create_work_group(client: AthenaClient, name: str, params: dict[str, Any]) -> None:
    """Calls CreateWorkGroup; the workgroup is enabled."""
    client.create_work_group(Name=name, **params)


@handler.common_error_handler("update the workgroup")
@retry
def update_work_group(client: AthenaClient, name: str, params: dict[str, Any]) -> None:
    """Calls UpdateWorkGroup, which leaves settings alone that it does not name."""
    client.update_work_group(WorkGroup=name, **params)


@handler.deletion_error_handler("delete the workgroup")
@retry
def delete_work_group(client: AthenaClient, name: str, with_contents: bool) -> None:
    """Calls DeleteWorkGroup, which refuses a workgroup with contents unless told to delete them too."""
    client.delete_work_group(WorkGroup=name, RecursiveDeleteOption=with_contents)


# Contents of a workgroup


@handler.common_error_handler("list the named queries")
@retry
def has_named_queries(client: AthenaClient, name: str) -> bool:
    """Whether ListNamedQueries finds any in the workgroup."""
    return bool(client.list_named_queries(WorkGroup=name, MaxResults=1).get("NamedQueryIds"))


@handler.common_error_handler("list the query executions")
@retry
def has_query_executions(client: AthenaClient, name: str) -> bool:
    """Whether ListQueryExecutions finds any in the workgroup, of the 45 days that Athena keeps them."""
    return bool(client.list_query_executions(WorkGroup=name, MaxResults=1).get("QueryExecutionIds"))


# Tags


@handler.common_error_handler("list the tags")
@retry
def list_tags(client: AthenaClient, arn: str) -> dict[str, str]:
    """The tags of one resource, from ListTagsForResource."""
    pages = client.get_paginator("list_tags_for_resource").paginate(ResourceARN=arn)
    tags: dict[str, str] = boto3_tag_list_to_ansible_dict([tag for page in pages for tag in page["Tags"]])
    return tags


@handler.common_error_handler("add tags")
@retry
def tag_resource(client: AthenaClient, arn: str, tags: dict[str, str]) -> None:
    """Calls TagResource, which overwrites the values of existing keys."""
    client.tag_resource(ResourceARN=arn, Tags=ansible_dict_to_boto3_tag_list(tags))


@handler.common_error_handler("remove tags")
@retry
def untag_resource(client: AthenaClient, arn: str, keys: list[str]) -> None:
    """Calls UntagResource."""
    client.untag_resource(ResourceARN=arn, TagKeys=keys)
