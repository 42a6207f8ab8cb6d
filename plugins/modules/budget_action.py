#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: budget_action
version_added: 0.1.0
short_description: Manage an action of a budget that attaches a policy of IAM
description:
  - An action of AWS Budgets that attaches a managed policy to groups, roles or users once a share of a budget is spent,
    such as a policy that denies starting instances. It stops no running instance.
  - A budget has one action for each policy. Only what differs is updated.
author: The datalab.notebooks contributors (@datalab)
options:
  budget:
    description: The name of the budget.
    type: str
    required: true
  policy_arn:
    description: The policy that is attached. A budget's actions are distinguished by it.
    type: str
    required: true
  state:
    description: >-
      Whether the action exists. A policy that it has attached stays attached when the action is removed;
      remove the policy itself with M(amazon.aws.iam_managed_policy).
    type: str
    choices: [present, absent]
    default: present
  role_arn:
    description: >-
      The role that AWS Budgets assumes to attach and detach the policy. Needed with O(state=present).
    type: str
    default: ""
  groups:
    description: The names of the groups that get the policy. There has to be a group, a role or a user.
    type: list
    elements: str
    default: []
  roles:
    description: The names of the roles that get the policy.
    type: list
    elements: str
    default: []
  users:
    description: The names of the users that get the policy.
    type: list
    elements: str
    default: []
  threshold:
    description: The share of the budget, in per cent, above which the policy is attached.
    type: float
    default: 100
  forecast:
    description: Whether the threshold is compared with AWS's forecast for the month instead of the costs so far.
    type: bool
    default: false
  approval:
    description: Whether AWS attaches the policy automatically, or after a person's approval in the console of Budgets.
    type: str
    choices: [automatic, manual]
    default: automatic
  emails:
    description: The addresses that are told; ten at most. AWS wants one, or O(topic_arn).
    type: list
    elements: str
    default: []
  topic_arn:
    description: A topic of SNS that is told. Its policy has to let C(budgets.amazonaws.com) publish.
    type: str
    default: ""
seealso:
  - module: datalab.notebooks.budget
  - module: datalab.notebooks.budget_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Deny to start instances once a team's budget is spent
  datalab.notebooks.budget_action:
    budget: datalab-research
    policy_arn: arn:aws:iam::123456789012:policy/deny-start
    role_arn: arn:aws:iam::123456789012:role/budgets
    groups: [datalab-people-research]
    emails: [lead@example.org]

- name: Remove the action
  datalab.notebooks.budget_action:
    budget: datalab-research
    policy_arn: arn:aws:iam::123456789012:policy/deny-start
    state: absent
"""

RETURN = r"""
action:
  description: The action. In check mode, as it would be; one that does not exist yet has neither an id nor a status.
  returned: when there is one
  type: dict
  sample:
    approval: automatic
    budget: datalab-research
    forecast: false
    groups: [datalab-people-research]
    id: 2f5d0e8c-4a0e-4f0e-9a55-0d6a1f2b3c4d
    policy_arn: arn:aws:iam::123456789012:policy/deny-start
    role_arn: arn:aws:iam::123456789012:role/budgets
    roles: []
    status: STANDBY
    subscribers: [[EMAIL, lead@example.org]]
    threshold: 100.0
    users: []
"""

from ansible_collections.amazon.aws.plugins.module_utils.iam import get_aws_account_info
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.budgets.action import (
    APPROVALS,
    BudgetAction,
    DesiredAction,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.common.resource import run

SETTINGS = ("budget", "policy_arn", "role_arn", "threshold", "forecast", "approval", "topic_arn")


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "budget": {"type": "str", "required": True},
            "policy_arn": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "role_arn": {"type": "str", "default": ""},
            "groups": {"type": "list", "elements": "str", "default": []},
            "roles": {"type": "list", "elements": "str", "default": []},
            "users": {"type": "list", "elements": "str", "default": []},
            "threshold": {"type": "float", "default": 100},
            "forecast": {"type": "bool", "default": False},
            "approval": {"type": "str", "choices": list(APPROVALS), "default": "automatic"},
            "emails": {"type": "list", "elements": "str", "default": []},
            "topic_arn": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    account, _partition = get_aws_account_info(module)
    options = module.params
    desired = DesiredAction(
        account=account,
        **{key: options[key] for key in SETTINGS},
        groups=tuple(options["groups"]),
        roles=tuple(options["roles"]),
        users=tuple(options["users"]),
        emails=tuple(options["emails"]),
    )
    run(module, BudgetAction(module.client("budgets"), desired))


if __name__ == "__main__":
    main()
