# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""CloudWatch Logs' part of the API: a retry, an error handler, one call a function. No logic lives here."""

from __future__ import annotations

from typing import Any

from ..common.amazon import is_boto3_error_code
from ..common.calls import retry
from ..common.errors import NotebookErrorHandler


class handler(NotebookErrorHandler):  # noqa: N801  # used as `api.handler` is
    """The error handler of amazon.aws, with CloudWatch Logs' codes for a missing resource."""

    @classmethod
    def _is_missing(cls) -> Any:
        return is_boto3_error_code("ResourceNotFoundException")


@handler.list_error_handler("read the log group", None)
@retry
def filter_log_events(client: Any, group: str, params: dict[str, Any]) -> list[dict[str, Any]] | None:
    """All pages of FilterLogEvents; None if there is no such group."""
    pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, **params)
    return [event for page in pages for event in page["events"]]


@handler.common_error_handler("find the log group")
@retry
def describe_log_groups(client: Any, prefix: str) -> list[dict[str, Any]]:
    """All pages of DescribeLogGroups."""
    pages = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
    return [group for page in pages for group in page["logGroups"]]


@handler.list_error_handler("list the tags of the log group", {})
@retry
def list_tags(client: Any, arn: str) -> dict[str, str]:
    """What ListTagsForResource returns."""
    return dict(client.list_tags_for_resource(resourceArn=arn)["tags"])


@handler.common_error_handler("read the resource policies of CloudWatch Logs")
@retry
def describe_resource_policies(client: Any) -> list[dict[str, Any]]:
    """All pages of DescribeResourcePolicies."""
    pages = client.get_paginator("describe_resource_policies").paginate()
    return [policy for page in pages for policy in page["resourcePolicies"]]


@handler.common_error_handler("set the resource policy of CloudWatch Logs")
@retry
def put_resource_policy(client: Any, name: str, document: str) -> None:
    """Calls PutResourcePolicy."""
    client.put_resource_policy(policyName=name, policyDocument=document)


@handler.deletion_error_handler("delete the resource policy of CloudWatch Logs")
@retry
def delete_resource_policy(client: Any, name: str) -> None:
    """Calls DeleteResourcePolicy."""
    client.delete_resource_policy(policyName=name)
