#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: budget_info
version_added: 0.1.0
short_description: Gather information about budgets of AWS Budgets
description:
  - Returns one budget by name, or all of the account, with their alerts and what was spent, and their actions.
author: The datalab.notebooks contributors (@datalab)
options:
  name:
    description: The name of the budget. One that does not exist gives an empty list.
    type: str
seealso:
  - module: datalab.notebooks.budget
  - module: datalab.notebooks.budget_action
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes.info
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Read what a team has spent of its budget
  datalab.notebooks.budget_info:
    name: datalab-research
  register: found
"""

RETURN = r"""
actions:
  description: >-
    The actions of the budgets, as M(datalab.notebooks.budget_action) returns them. One that attaches no policy of IAM
    has an empty C(policy_arn).
  returned: always
  type: list
  elements: dict
  sample:
    - approval: automatic
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
budgets:
  description: The budgets, as M(datalab.notebooks.budget) returns them.
  returned: always
  type: list
  elements: dict
  sample:
    - alerts: []
      arn: arn:aws:budgets::123456789012:budget/datalab-research
      forecast: 1010.2
      is_plain: true
      limit: 1200.0
      name: datalab-research
      only: {platform: datalab, team: research}
      spent: 512.7
      tags: {}
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.iam import get_aws_account_info
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.budgets.action import shown_action
from ansible_collections.datalab.notebooks.plugins.module_utils.budgets.api import (
    describe_actions,
    describe_all_actions,
    describe_budget,
    describe_budgets,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.budgets.budget import budget_arn, complete_budget
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import reporting_errors


def budgets(client: Any, account: str, partition: str, name: str | None) -> list[dict[str, Any]]:
    """The requested budgets."""
    found = [describe_budget(client, account, name)] if name else describe_budgets(client, account)
    return [
        complete_budget(client, account, budget_arn(partition, account, each["BudgetName"]), each)
        for each in found
        if each
    ]


def actions(client: Any, account: str, name: str | None) -> list[dict[str, Any]]:
    """The requested actions of the budgets."""
    found = (
        describe_actions(client, {"AccountId": account, "BudgetName": name})
        if name
        else describe_all_actions(client, account)
    )
    return [shown_action(each) for each in found]


def main() -> None:
    module = AnsibleAWSModule(argument_spec={"name": {"type": "str"}}, supports_check_mode=True)
    account, partition = get_aws_account_info(module)
    client = module.client("budgets")
    with reporting_errors(module):
        name = module.params["name"]
        module.exit_json(budgets=budgets(client, account, partition, name), actions=actions(client, account, name))


if __name__ == "__main__":
    main()
