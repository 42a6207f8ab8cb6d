# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Budgets, with what moto lacks: updates, subscribers, actions, tags, pages, and AWS's refusals."""

from __future__ import annotations

import json
from typing import Any

import moto.budgets.urls
from moto.budgets.models import Budget
from moto.budgets.responses import BudgetsResponse
from moto.core.exceptions import JsonRESTError
from moto.core.utils import unix_time
from moto.iam.models import iam_backends
from moto.moto_api._internal import mock_random

from .sagemaker.constraints import violations

ALERTS, ADDRESSES, TOPICS = 5, 10, 1
DEFINITIONS = {
    "APPLY_IAM_POLICY": "IamActionDefinition",
    "APPLY_SCP_POLICY": "ScpActionDefinition",
    "RUN_SSM_DOCUMENTS": "SsmActionDefinition",
}
# By execution type: the statuses in which it is possible, and the status in which it ends.
EXECUTIONS = {
    "APPROVE_BUDGET_ACTION": ({"PENDING"}, "EXECUTION_SUCCESS"),
    "RETRY_BUDGET_ACTION": ({"EXECUTION_FAILURE"}, "EXECUTION_SUCCESS"),
    "REVERSE_BUDGET_ACTION": ({"EXECUTION_SUCCESS"}, "REVERSE_SUCCESS"),
    "RESET_BUDGET_ACTION": ({"REVERSE_SUCCESS"}, "STANDBY"),
}
OF_ALERTS = ("NotificationType", "ComparisonOperator", "Threshold")


class BudgetError(JsonRESTError):
    """A refusal by AWS."""

    code = 400


class FullBudgetsResponse(BudgetsResponse):
    """moto's Budgets, with all operations that are needed to manage budgets."""

    def call_action(self) -> Any:
        """Check the input and the account, and call the operation; other accounts' budgets are refused."""
        asked = json.loads(self.body)
        if message := violations("budgets", self._get_action(), asked):
            raise BudgetError("InvalidParameterException", message)
        if asked.get("AccountId", self.current_account) != self.current_account:
            raise BudgetError(
                "AccessDeniedException", f"Account {asked['AccountId']} is not authorized to access this resource."
            )
        return super().call_action()

    # Budgets

    def create_budget(self) -> str:
        """CreateBudget."""
        asked = json.loads(self.body)
        alerts = asked.get("NotificationsWithSubscribers", [])
        _check(asked["Budget"])
        _check_alerts([each["Notification"] for each in alerts])
        for each in alerts:
            _check_subscribers(each["Subscribers"])
        super().create_budget()
        self._tags[asked["Budget"]["BudgetName"]] = list(asked.get("ResourceTags", []))
        return "{}"

    def update_budget(self) -> str:
        """UpdateBudget; the spend so far is forgotten."""
        new = json.loads(self.body)["NewBudget"]
        _check(new)
        budget = self._budget(new["BudgetName"])
        period = budget.budget["TimePeriod"]
        budget.budget = {"TimePeriod": period, **new, "LastUpdatedTime": unix_time()}
        self._evaluate(new["BudgetName"])
        return "{}"

    def delete_budget(self) -> str:
        """DeleteBudget; the budget's actions are deleted with it."""
        answer = super().delete_budget()
        self._actions.pop(self._get_param("BudgetName"), None)
        return answer

    def describe_budget(self) -> str:
        """DescribeBudget; the budget has the form of filter that it was given."""
        found = self.backend.describe_budget(self.current_account, self._get_param("BudgetName"))
        return json.dumps({"Budget": _as_given(found)})

    def describe_budgets(self) -> str:
        """DescribeBudgets, in pages; a budget has the form of filter that it was given."""
        asked = json.loads(self.body)
        budgets = [_as_given(each) for each in self.backend.describe_budgets(self.current_account)]
        return self._page("Budgets", budgets, asked)

    def describe_budget_notifications_for_account(self) -> str:
        """DescribeBudgetNotificationsForAccount."""
        budgets = self.backend.budgets[self.current_account]
        found = [{"BudgetName": name, "Notifications": list(b.get_notifications())} for name, b in budgets.items()]
        return self._page("BudgetNotificationsForAccount", found, json.loads(self.body), size=50)

    # Alerts and their subscribers

    def create_notification(self) -> str:
        """CreateNotification."""
        asked = json.loads(self.body)
        budget = self._budget(asked["BudgetName"])
        _check_alerts([*budget.get_notifications(), asked["Notification"]])
        _check_subscribers(asked["Subscribers"])
        return super().create_notification()

    def update_notification(self) -> str:
        """UpdateNotification; the subscribers stay."""
        asked = json.loads(self.body)
        alert = self._alert({**asked, "Notification": asked["OldNotification"]})
        others = [each for each in self._budget(asked["BudgetName"]).get_notifications() if each is not alert.details]
        _check_alerts([*others, asked["NewNotification"]])
        alert.details = asked["NewNotification"]
        return "{}"

    def delete_notification(self) -> str:
        """DeleteNotification."""
        asked = json.loads(self.body)
        found = self._alert(asked)
        self._budget(asked["BudgetName"]).notifications.remove(found)
        return "{}"

    def describe_notifications_for_budget(self) -> str:
        """DescribeNotificationsForBudget."""
        budget = self._budget(self._get_param("BudgetName"))
        found = [{"NotificationState": "OK", **each} for each in budget.get_notifications()]
        return json.dumps({"Notifications": found})

    def describe_subscribers_for_notification(self) -> str:
        """DescribeSubscribersForNotification."""
        return json.dumps({"Subscribers": self._alert(json.loads(self.body)).subscribers})

    def create_subscriber(self) -> str:
        """CreateSubscriber."""
        asked = json.loads(self.body)
        alert = self._alert(asked)
        _check_subscribers([*alert.subscribers, asked["Subscriber"]])
        alert.subscribers.append(asked["Subscriber"])
        return "{}"

    def update_subscriber(self) -> str:
        """UpdateSubscriber."""
        asked = json.loads(self.body)
        alert = self._alert(asked)
        if asked["OldSubscriber"] not in alert.subscribers:
            raise BudgetError("NotFoundException", "Unable to update subscriber - the subscriber doesn't exist.")
        others = [each for each in alert.subscribers if each != asked["OldSubscriber"]]
        _check_subscribers([*others, asked["NewSubscriber"]])
        alert.subscribers = [*others, asked["NewSubscriber"]]
        return "{}"

    def delete_subscriber(self) -> str:
        """DeleteSubscriber; the alert is deleted with its last subscriber."""
        asked = json.loads(self.body)
        alert = self._alert(asked)
        if asked["Subscriber"] not in alert.subscribers:
            raise BudgetError("NotFoundException", "Unable to delete subscriber - the subscriber doesn't exist.")
        alert.subscribers.remove(asked["Subscriber"])
        if not alert.subscribers:
            self._budget(asked["BudgetName"]).notifications.remove(alert)
        return "{}"

    # Actions

    def create_budget_action(self) -> str:
        """CreateBudgetAction."""
        asked = json.loads(self.body)
        name = self._budget(asked["BudgetName"]).budget["BudgetName"]
        _check_action(asked)
        _check_subscribers(asked["Subscribers"])
        action = {key: value for key, value in asked.items() if key not in {"AccountId", "ResourceTags"}}
        action |= {"ActionId": str(mock_random.uuid4()), "Status": "STANDBY"}
        self._actions.setdefault(name, []).append(action)
        return json.dumps({"AccountId": self.current_account, "BudgetName": name, "ActionId": action["ActionId"]})

    def describe_budget_actions_for_budget(self) -> str:
        """DescribeBudgetActionsForBudget."""
        asked = json.loads(self.body)
        self._evaluate(asked["BudgetName"])
        return self._page("Actions", self._actions.get(asked["BudgetName"], []), asked)

    def describe_budget_actions_for_account(self) -> str:
        """DescribeBudgetActionsForAccount."""
        for name in self._actions:
            self._evaluate(name)
        return self._page("Actions", [each for own in self._actions.values() for each in own], json.loads(self.body))

    def update_budget_action(self) -> str:
        """UpdateBudgetAction."""
        asked = json.loads(self.body)
        action = self._action(asked)
        old = dict(action)
        new = {**action, **{key: value for key, value in asked.items() if key != "AccountId"}}
        _check_action(new)
        _check_subscribers(new["Subscribers"])
        action |= new
        name = asked["BudgetName"]
        return json.dumps({"AccountId": asked["AccountId"], "BudgetName": name, "OldAction": old, "NewAction": action})

    def delete_budget_action(self) -> str:
        """DeleteBudgetAction."""
        asked = json.loads(self.body)
        action = self._action(asked)
        self._actions[asked["BudgetName"]].remove(action)
        return json.dumps({"AccountId": asked["AccountId"], "BudgetName": asked["BudgetName"], "Action": action})

    def execute_budget_action(self) -> str:
        """ExecuteBudgetAction; attach or detach the policy at once, if the action's status allows it."""
        asked = json.loads(self.body)
        self._evaluate(asked["BudgetName"])
        action, execution = self._action(asked), asked["ExecutionType"]
        wanted, status = EXECUTIONS[execution]
        if action["Status"] not in wanted:
            text = f"{execution} is not possible while the action is {action['Status']}."
            raise BudgetError("InvalidParameterException", text)
        if execution != "RESET_BUDGET_ACTION":
            self._attach(action, detach=execution == "REVERSE_BUDGET_ACTION")
        action["Status"] = status
        keys = ("AccountId", "BudgetName", "ActionId", "ExecutionType")
        return json.dumps({key: asked[key] for key in keys})

    # Tags

    def list_tags_for_resource(self) -> str:
        """ListTagsForResource."""
        return json.dumps({"ResourceTags": self._tags.get(self._named(), [])})

    def tag_resource(self) -> str:
        """TagResource."""
        name = self._named()
        kept = {tag["Key"]: tag["Value"] for tag in [*self._tags.get(name, []), *self._get_param("ResourceTags")]}
        self._tags[name] = [{"Key": key, "Value": value} for key, value in kept.items()]
        return "{}"

    def untag_resource(self) -> str:
        """UntagResource."""
        name, gone = self._named(), self._get_param("ResourceTagKeys")
        self._tags[name] = [tag for tag in self._tags.get(name, []) if tag["Key"] not in gone]
        return "{}"

    def _named(self) -> str:
        name = str(self._get_param("ResourceARN")).partition(":budget/")[2]
        return str(self._budget(name).budget["BudgetName"])

    def _budget(self, name: str) -> Budget:
        budgets = self.backend.budgets[self.current_account]
        if name not in budgets:
            raise BudgetError("NotFoundException", f"Unable to get budget: {name} - the budget doesn't exist.")
        return budgets[name]

    def _alert(self, asked: dict[str, Any]) -> Any:
        for each in self._budget(asked["BudgetName"]).notifications:
            if _key(each.details) == _key(asked["Notification"]):
                return each
        raise BudgetError("NotFoundException", "Unable to get notification - the notification doesn't exist.")

    def _action(self, asked: dict[str, Any]) -> dict[str, Any]:
        for each in self._actions.get(asked["BudgetName"], []):
            if each["ActionId"] == asked["ActionId"]:
                return each
        raise BudgetError("NotFoundException", f"Unable to get action: {asked['ActionId']} - it doesn't exist.")

    def _evaluate(self, name: str) -> None:
        """Trigger the actions whose threshold the budget's spend, which a test sets, has exceeded."""
        budget = self._budget(name).budget
        spent = {
            kind: float(budget.get("CalculatedSpend", {}).get(key, {}).get("Amount", 0))
            for kind, key in (("ACTUAL", "ActualSpend"), ("FORECASTED", "ForecastedSpend"))
        }
        for action in self._actions.get(name, []):
            limit = action["ActionThreshold"]["ActionThresholdValue"]
            if action["ActionThreshold"]["ActionThresholdType"] == "PERCENTAGE":
                limit *= float(budget["BudgetLimit"]["Amount"]) / 100
            if action["Status"] == "STANDBY" and spent[action["NotificationType"]] > limit:
                action["Status"] = "PENDING"
                if action["ApprovalModel"] == "AUTOMATIC":
                    self._attach(action)
                    action["Status"] = "EXECUTION_SUCCESS"

    def _attach(self, action: dict[str, Any], *, detach: bool = False) -> None:
        iam = iam_backends[self.current_account][self.partition]
        definition = action["Definition"].get("IamActionDefinition", {})
        verb = "detach" if detach else "attach"
        for kind in ("Role", "Group", "User"):
            for name in definition.get(f"{kind}s", ()):
                getattr(iam, f"{verb}_{kind.lower()}_policy")(definition["PolicyArn"], name)

    @property
    def _actions(self) -> dict[str, list[dict[str, Any]]]:
        actions: dict[str, list[dict[str, Any]]] = vars(self.backend).setdefault("actions", {})
        return actions

    @property
    def _tags(self) -> dict[str, list[dict[str, str]]]:
        tags: dict[str, list[dict[str, str]]] = vars(self.backend).setdefault("tags", {})
        return tags

    @staticmethod
    def _page(name: str, items: list[Any], asked: dict[str, Any], size: int = 100) -> str:
        first = int(asked.get("NextToken") or 0)
        last = first + asked.get("MaxResults", size)
        more = {"NextToken": str(last)} if last < len(items) else {}
        return json.dumps({name: items[first:last], **more})


def _as_given(budget: dict[str, Any]) -> dict[str, Any]:
    """Return a budget without the CostTypes that moto adds also to one with Metrics."""
    return {key: value for key, value in budget.items() if key != "CostTypes" or "Metrics" not in budget}


def _check(budget: dict[str, Any]) -> None:
    if ("CostFilters" in budget or "CostTypes" in budget) and ("FilterExpression" in budget or "Metrics" in budget):
        raise BudgetError(
            "InvalidParameterException",
            "Either CostFilters and CostTypes, or FilterExpression and Metrics can be given, not both.",
        )
    if "FilterExpression" in budget and "Metrics" not in budget:
        raise BudgetError("InvalidParameterException", "FilterExpression needs Metrics.")
    if float(budget.get("BudgetLimit", {}).get("Amount", 1)) <= 0:
        raise BudgetError("InvalidParameterException", "Budget limit must be greater than 0.")


def _check_action(action: dict[str, Any]) -> None:
    if list(action["Definition"]) != [DEFINITIONS[action["ActionType"]]]:
        raise BudgetError("InvalidParameterException", "The definition must be that of the action's type.")
    attached = action["Definition"].get("IamActionDefinition", {"Roles": ["x"]})
    if not any(attached.get(kind) for kind in ("Roles", "Groups", "Users")):
        raise BudgetError("InvalidParameterException", "The definition needs a role, a group or a user.")


def _check_alerts(alerts: list[dict[str, Any]]) -> None:
    if len({_key(each) for each in alerts}) < len(alerts):
        raise BudgetError("DuplicateRecordException", "The notification already exists.")
    if len(alerts) > ALERTS:
        raise BudgetError("CreationLimitExceededException", f"A budget has at most {ALERTS} notifications.")


def _check_subscribers(subscribers: list[dict[str, str]]) -> None:
    if len({(each["SubscriptionType"], each["Address"]) for each in subscribers}) < len(subscribers):
        raise BudgetError("DuplicateRecordException", "The subscriber already exists.")
    kinds = [each["SubscriptionType"] for each in subscribers]
    if kinds.count("EMAIL") > ADDRESSES or kinds.count("SNS") > TOPICS:
        raise BudgetError("CreationLimitExceededException", "Too many subscribers of the notification.")


def _key(alert: dict[str, Any]) -> tuple[Any, ...]:
    return (*(alert[each] for each in OF_ALERTS), alert.get("ThresholdType", "PERCENTAGE"))


def install() -> None:
    """Install the operations in moto, before its first request about budgets."""
    moto.budgets.urls.url_paths["{0}/$"] = FullBudgetsResponse.dispatch
