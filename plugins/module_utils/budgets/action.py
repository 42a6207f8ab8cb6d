# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""An action of a budget that attaches a policy to groups, roles or users of IAM once so much is spent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..common.resource import Resource, State
from . import api
from .budget import address_problems

APPROVALS = ("automatic", "manual")
IDENTITIES = ("groups", "roles", "users")
MOST_OF_A_KIND = 100


@dataclass(frozen=True)
class DesiredAction:
    """An action as it is wanted. A budget has one for each policy."""

    budget: str
    account: str
    policy_arn: str
    role_arn: str = ""
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    threshold: float = 100
    forecast: bool = False
    approval: str = "automatic"
    emails: tuple[str, ...] = ()
    topic_arn: str = ""

    @property
    def state(self) -> State:
        """The action as shown_action makes it of what AWS has."""
        topic = [["SNS", self.topic_arn]] if self.topic_arn else []
        return {
            "budget": self.budget,
            "policy_arn": self.policy_arn,
            "role_arn": self.role_arn,
            **{kind: sorted(getattr(self, kind)) for kind in IDENTITIES},
            "threshold": float(self.threshold),
            "forecast": self.forecast,
            "approval": self.approval,
            "subscribers": sorted([*(["EMAIL", each] for each in self.emails), *topic]),
        }


def action_problems(desired: DesiredAction) -> Iterator[str]:
    """One sentence for each value that AWS would refuse."""
    if not desired.role_arn:
        yield "role_arn is missing; set it to the role that AWS Budgets assumes to attach the policy"
    if not any(getattr(desired, kind) for kind in IDENTITIES):
        yield f"there are neither {', '.join(IDENTITIES[:-1])} nor {IDENTITIES[-1]} to attach the policy to; name one"
    for kind in IDENTITIES:
        if len(getattr(desired, kind)) > MOST_OF_A_KIND:
            yield f"there are {len(getattr(desired, kind))} {kind}; AWS takes {MOST_OF_A_KIND}, so remove some"
    if not desired.threshold > 0:
        yield f"threshold is {desired.threshold:g}; it must be more than 0 %"
    if not (desired.emails or desired.topic_arn):
        yield "there are neither emails nor topic_arn, and an action needs a receiver of notifications; set one of them"
    yield from address_problems(desired.emails)


def shown_action(found: Mapping[str, Any]) -> State:
    """An action of DescribeBudgetActions… in snake_case; one that attaches no policy of IAM has policy_arn ''."""
    attached = found["Definition"].get("IamActionDefinition", {})
    threshold = found["ActionThreshold"]
    is_share = threshold["ActionThresholdType"] == "PERCENTAGE"
    return {
        "id": found["ActionId"],
        "status": found["Status"],
        "budget": found["BudgetName"],
        "policy_arn": attached.get("PolicyArn", ""),
        "role_arn": found["ExecutionRoleArn"],
        **{kind: sorted(attached.get(kind.capitalize(), ())) for kind in IDENTITIES},
        "threshold": float(threshold["ActionThresholdValue"]) if is_share else 0.0,
        "forecast": found["NotificationType"] == "FORECASTED",
        "approval": found["ApprovalModel"].lower(),
        "subscribers": sorted([each["SubscriptionType"], each["Address"]] for each in found["Subscribers"]),
    }


def as_api(state: State) -> dict[str, Any]:
    """The parameters of CreateBudgetAction and UpdateBudgetAction for an action."""
    identities = {kind.capitalize(): state[kind] for kind in IDENTITIES if state[kind]}
    return {
        "NotificationType": "FORECASTED" if state["forecast"] else "ACTUAL",
        "ActionThreshold": {"ActionThresholdValue": state["threshold"], "ActionThresholdType": "PERCENTAGE"},
        "Definition": {"IamActionDefinition": {"PolicyArn": state["policy_arn"], **identities}},
        "ExecutionRoleArn": state["role_arn"],
        "ApprovalModel": state["approval"].upper(),
        "Subscribers": [{"SubscriptionType": kind, "Address": address} for kind, address in state["subscribers"]],
    }


@dataclass(frozen=True)
class ActionPlan:
    """The plan of one action."""

    desired: DesiredAction
    before: State | None

    @property
    def updates(self) -> dict[str, Any]:
        """The parameters of UpdateBudgetAction: only those that differ."""
        if self.before is None:
            return {}
        has, wanted = as_api(self.before), as_api(self.desired.state)
        return {key: value for key, value in wanted.items() if has[key] != value}

    @property
    def changed(self) -> bool:
        """Whether a call has to be made."""
        return self.before is None or bool(self.updates)

    @property
    def after(self) -> State:
        """The action as it will be."""
        return {**(self.before or {}), **self.desired.state}


def find_action(actions: list[State], budget: str, policy_arn: str) -> State | None:
    """The action of a budget that attaches this policy."""
    return next((each for each in actions if (each["budget"], each["policy_arn"]) == (budget, policy_arn)), None)


@dataclass
class BudgetAction(Resource[ActionPlan]):
    """The action of the module budget_action."""

    client: Any
    desired: DesiredAction

    key = "action"

    @property
    def of(self) -> dict[str, str]:
        """The account and the budget, as every call takes them."""
        return {"AccountId": self.desired.account, "BudgetName": self.desired.budget}

    def problems(self) -> list[str]:
        return [f"action of the budget {self.desired.budget}: {text}" for text in action_problems(self.desired)]

    def read(self) -> State | None:
        found = api.describe_actions(self.client, self.of)
        return find_action([shown_action(each) for each in found], self.desired.budget, self.desired.policy_arn)

    def plan(self, current: State | None) -> ActionPlan:
        return ActionPlan(self.desired, current)

    def apply(self, plan: ActionPlan) -> None:
        if plan.before is None:
            api.create_action(self.client, self.of, as_api(self.desired.state))
        else:
            api.update_action(self.client, self.of, plan.before["id"], plan.updates)

    def delete(self, current: State) -> None:
        api.delete_action(self.client, self.of, current["id"])
