# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""SNS's part of the API: a retry, an error handler, one call a function. No logic lives here."""

from __future__ import annotations

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict

from ..common.amazon import is_boto3_error_code
from ..common.calls import retry
from ..common.errors import NotebookErrorHandler


class handler(NotebookErrorHandler):  # noqa: N801  # used as `api.handler` is
    """The error handler of amazon.aws, with SNS's codes for a missing resource."""

    @classmethod
    def _is_missing(cls) -> Any:
        return is_boto3_error_code(["NotFound", "NotFoundException", "ResourceNotFound"])


@handler.list_error_handler("find the topic", {})
@retry
def get_topic_attributes(client: Any, arn: str) -> dict[str, str]:
    """What GetTopicAttributes returns; {} if there is no such topic."""
    return dict(client.get_topic_attributes(TopicArn=arn)["Attributes"])


@handler.list_error_handler("list the tags of the topic", {})
@retry
def list_tags(client: Any, arn: str) -> dict[str, str]:
    """What ListTagsForResource returns."""
    tags: dict[str, str] = boto3_tag_list_to_ansible_dict(client.list_tags_for_resource(ResourceArn=arn)["Tags"])
    return tags
