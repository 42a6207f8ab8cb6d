# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""EventBridge's part of the API: a retry, an error handler, one call a function. No logic lives here."""

from __future__ import annotations

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)

from ..common.amazon import is_boto3_error_code
from ..common.calls import retry
from ..common.errors import NotebookErrorHandler


class handler(NotebookErrorHandler):  # noqa: N801  # used as `api.handler` is
    """The error handler of amazon.aws, with EventBridge's codes for a missing resource."""

    @classmethod
    def _is_missing(cls) -> Any:
        return is_boto3_error_code("ResourceNotFoundException")


@handler.list_error_handler("find the rule", {})
@retry
def describe_rule(client: Any, name: str) -> dict[str, Any]:
    """What DescribeRule returns; {} if there is no such rule."""
    return dict(client.describe_rule(Name=name))


@handler.list_error_handler("list the targets of the rule", ())
@retry
def list_targets(client: Any, rule: str) -> list[dict[str, Any]]:
    """What ListTargetsByRule returns; a rule has five targets at most."""
    return list(client.list_targets_by_rule(Rule=rule).get("Targets", ()))


@handler.list_error_handler("list the tags of the rule", {})
@retry
def list_tags(client: Any, arn: str) -> dict[str, str]:
    """What ListTagsForResource returns."""
    tags: dict[str, str] = boto3_tag_list_to_ansible_dict(client.list_tags_for_resource(ResourceARN=arn)["Tags"])
    return tags


@handler.common_error_handler("put the rule")
@retry
def put_rule(client: Any, name: str, pattern: str, description: str, tags: dict[str, str]) -> None:
    """Calls PutRule; tags count at creation only."""
    given = {"Tags": ansible_dict_to_boto3_tag_list(tags)} if tags else {}
    client.put_rule(Name=name, EventPattern=pattern, Description=description, State="ENABLED", **given)


@handler.common_error_handler("put the targets of the rule")
@retry
def put_targets(client: Any, rule: str, targets: list[dict[str, str]]) -> list[dict[str, str]]:
    """The entries that PutTargets has failed with, in an answer that is a success."""
    return list(client.put_targets(Rule=rule, Targets=targets)["FailedEntries"])


@handler.deletion_error_handler("remove the targets of the rule")
@retry
def remove_targets(client: Any, rule: str, ids: list[str]) -> None:
    """Calls RemoveTargets."""
    client.remove_targets(Rule=rule, Ids=ids)


@handler.deletion_error_handler("delete the rule")
@retry
def delete_rule(client: Any, name: str) -> None:
    """Calls DeleteRule, which AWS refuses while the rule has targets."""
    client.delete_rule(Name=name)


@handler.common_error_handler("tag the rule")
@retry
def tag_resource(client: Any, arn: str, tags: dict[str, str]) -> None:
    """Calls TagResource."""
    client.tag_resource(ResourceARN=arn, Tags=ansible_dict_to_boto3_tag_list(tags))


@handler.common_error_handler("untag the rule")
@retry
def untag_resource(client: Any, arn: str, keys: list[str]) -> None:
    """Calls UntagResource."""
    client.untag_resource(ResourceARN=arn, TagKeys=keys)
