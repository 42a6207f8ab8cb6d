# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Budgets' part of the API: a retry, an error handler, one call a function. No logic lives here."""

from __future__ import annotations

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)

from ..common.amazon import is_boto3_error_code
from ..common.calls import retry
from ..common.errors import NotebookErrorHandler

Answer = dict[str, Any]


class handler(NotebookErrorHandler):  # noqa: N801  # used as `api.handler` is
    """The error handler of amazon.aws, with Budgets' codes for a missing resource."""

    @classmethod
    def _is_missing(cls) -> Any:
        return is_boto3_error_code("NotFoundException")


@handler.list_error_handler("find the budget", {})
@retry
def describe_budget(client: Any, account: str, name: str) -> Answer:
    """What DescribeBudget returns; {} if there is no such budget."""
    return dict(client.describe_budget(AccountId=account, BudgetName=name, ShowFilterExpression=True)["Budget"])


@handler.common_error_handler("list the budgets")
@retry
def describe_budgets(client: Any, account: str) -> list[Answer]:
    """All pages of DescribeBudgets."""
    pages = client.get_paginator("describe_budgets").paginate(AccountId=account, ShowFilterExpression=True)
    return [budget for page in pages for budget in page.get("Budgets", ())]


@handler.list_error_handler("list the alerts of the budget", ())
@retry
def describe_notifications(client: Any, account: str, name: str) -> list[Answer]:
    """What DescribeNotificationsForBudget returns; a budget has five alerts at most."""
    return list(client.describe_notifications_for_budget(AccountId=account, BudgetName=name).get("Notifications", ()))


@handler.list_error_handler("list who gets the alert of the budget", ())
@retry
def describe_subscribers(client: Any, account: str, name: str, alert: Answer) -> list[dict[str, str]]:
    """What DescribeSubscribersForNotification returns; an alert has eleven subscribers at most."""
    answer = client.describe_subscribers_for_notification(AccountId=account, BudgetName=name, Notification=alert)
    return list(answer.get("Subscribers", ()))


@handler.common_error_handler("create the budget")
@retry
def create_budget(client: Any, account: str, budget: Answer, alerts: list[Answer], tags: dict[str, str]) -> None:
    """Calls CreateBudget."""
    given = {"ResourceTags": ansible_dict_to_boto3_tag_list(tags)} if tags else {}
    client.create_budget(AccountId=account, Budget=budget, NotificationsWithSubscribers=alerts, **given)


@handler.common_error_handler("update the budget")
@retry
def update_budget(client: Any, account: str, budget: Answer) -> None:
    """Calls UpdateBudget; AWS begins its sum again."""
    client.update_budget(AccountId=account, NewBudget=budget)


@handler.deletion_error_handler("delete the budget")
@retry
def delete_budget(client: Any, account: str, name: str) -> None:
    """Calls DeleteBudget."""
    client.delete_budget(AccountId=account, BudgetName=name)


@handler.common_error_handler("create the alert of the budget")
@retry
def create_notification(client: Any, of: Answer, alert: Answer, subscribers: list[dict[str, str]]) -> None:
    """Calls CreateNotification; `of` is the account and the budget."""
    client.create_notification(**of, Notification=alert, Subscribers=subscribers)


@handler.common_error_handler("update the alert of the budget")
@retry
def update_notification(client: Any, of: Answer, old: Answer, new: Answer) -> None:
    """Calls UpdateNotification; the subscribers stay."""
    client.update_notification(**of, OldNotification=old, NewNotification=new)


@handler.deletion_error_handler("delete the alert of the budget")
@retry
def delete_notification(client: Any, of: Answer, alert: Answer) -> None:
    """Calls DeleteNotification."""
    client.delete_notification(**of, Notification=alert)


@handler.common_error_handler("add an address to the alert of the budget")
@retry
def create_subscriber(client: Any, of: Answer, alert: Answer, subscriber: dict[str, str]) -> None:
    """Calls CreateSubscriber."""
    client.create_subscriber(**of, Notification=alert, Subscriber=subscriber)


@handler.deletion_error_handler("remove an address from the alert of the budget")
@retry
def delete_subscriber(client: Any, of: Answer, alert: Answer, subscriber: dict[str, str]) -> None:
    """Calls DeleteSubscriber; AWS deletes an alert with its last one."""
    client.delete_subscriber(**of, Notification=alert, Subscriber=subscriber)


@handler.list_error_handler("list the tags of the budget", {})
@retry
def list_tags(client: Any, arn: str) -> dict[str, str]:
    """What ListTagsForResource returns."""
    answer = client.list_tags_for_resource(ResourceARN=arn)
    tags: dict[str, str] = boto3_tag_list_to_ansible_dict(answer.get("ResourceTags", []))
    return tags


@handler.common_error_handler("tag the budget")
@retry
def tag_resource(client: Any, arn: str, tags: dict[str, str]) -> None:
    """Calls TagResource."""
    client.tag_resource(ResourceARN=arn, ResourceTags=ansible_dict_to_boto3_tag_list(tags))


@handler.common_error_handler("untag the budget")
@retry
def untag_resource(client: Any, arn: str, keys: list[str]) -> None:
    """Calls UntagResource."""
    client.untag_resource(ResourceARN=arn, ResourceTagKeys=keys)


@handler.list_error_handler("list the actions of the budget", ())
@retry
def describe_actions(client: Any, of: Answer) -> list[Answer]:
    """All pages of DescribeBudgetActionsForBudget; none where there is no such budget."""
    pages = client.get_paginator("describe_budget_actions_for_budget").paginate(**of)
    return [action for page in pages for action in page.get("Actions", ())]


@handler.common_error_handler("list the actions of budgets")
@retry
def describe_all_actions(client: Any, account: str) -> list[Answer]:
    """All pages of DescribeBudgetActionsForAccount."""
    pages = client.get_paginator("describe_budget_actions_for_account").paginate(AccountId=account)
    return [action for page in pages for action in page.get("Actions", ())]


@handler.common_error_handler("create the action of the budget")
@retry
def create_action(client: Any, of: Answer, action: Answer) -> None:
    """Calls CreateBudgetAction for an action that attaches a policy."""
    client.create_budget_action(**of, ActionType="APPLY_IAM_POLICY", **action)


@handler.common_error_handler("update the action of the budget")
@retry
def update_action(client: Any, of: Answer, identifier: str, changes: Answer) -> None:
    """Calls UpdateBudgetAction."""
    client.update_budget_action(**of, ActionId=identifier, **changes)


@handler.deletion_error_handler("delete the action of the budget")
@retry
def delete_action(client: Any, of: Answer, identifier: str) -> None:
    """Calls DeleteBudgetAction; a policy that it has attached stays attached."""
    client.delete_budget_action(**of, ActionId=identifier)
