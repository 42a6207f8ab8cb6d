#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: budget
version_added: 0.1.0
short_description: Manage a monthly budget of AWS Budgets
description:
  - A budget in USD a month, of all costs of an account or of what has some tags, with alerts.
  - AWS forgets what was spent so far when a budget is updated, so one that does not differ is not touched, and a
    changed alert or address is changed without an update of the budget.
  - Tags that are not active in billing are refused, since a budget on one stays at 0 USD. A member account does not
    know which are active; there the budget is made.
author: The datalab.notebooks contributors (@datalab)
options:
  name:
    description: The name of the budget, unique in the account.
    type: str
    required: true
  state:
    description: Whether the budget exists.
    type: str
    choices: [present, absent]
    default: present
  limit:
    description: How many USD a month may cost. Needed with O(state=present).
    type: float
  only:
    description: The tags that things must have to count. Without them the whole account counts.
    type: dict
    default: {}
  alerts:
    description: When alerts are sent; five at most. Others that the budget has are removed.
    type: list
    elements: dict
    default: []
    suboptions:
      threshold:
        description: The share of O(limit), in per cent, above which the alert is sent.
        type: float
        required: true
      forecast:
        description: Whether the threshold is compared with AWS's forecast for the month instead of the costs so far.
        type: bool
        default: false
  emails:
    description: The addresses that get each alert; ten at most.
    type: list
    elements: str
    default: []
  topic_arn:
    description: A topic of SNS that gets each alert. Its policy has to let C(budgets.amazonaws.com) publish.
    type: str
    default: ""
seealso:
  - module: datalab.notebooks.budget_info
  - module: datalab.notebooks.cost_allocation_tags
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Warn a team's lead before the month has cost more than 1,200 USD
  datalab.notebooks.budget:
    name: datalab-research
    limit: 1200
    only: {platform: datalab, team: research}
    alerts:
      - threshold: 80
      - threshold: 100
        forecast: true
    emails: [lead@example.org]

- name: Remove a budget
  datalab.notebooks.budget:
    name: datalab-research
    state: absent
"""

RETURN = r"""
budget:
  description: The budget. In check mode, as it would be.
  returned: when there is one
  type: dict
  sample:
    alerts:
      - comparison_operator: GREATER_THAN
        forecast: false
        subscribers: [[EMAIL, lead@example.org]]
        threshold: 80.0
        threshold_type: PERCENTAGE
    arn: arn:aws:budgets::123456789012:budget/datalab-research
    forecast: 1010.2
    is_plain: true
    limit: 1200.0
    name: datalab-research
    only: {platform: datalab, team: research}
    spent: 512.7
    tags: {}
"""

from ansible_collections.amazon.aws.plugins.module_utils.iam import get_aws_account_info
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.budgets.budget import Alert, Budget, DesiredBudget
from ansible_collections.datalab.notebooks.plugins.module_utils.common.arguments import tag_arguments
from ansible_collections.datalab.notebooks.plugins.module_utils.common.resource import run


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "limit": {"type": "float"},
            "only": {"type": "dict", "default": {}},
            "alerts": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "threshold": {"type": "float", "required": True},
                    "forecast": {"type": "bool", "default": False},
                },
            },
            "emails": {"type": "list", "elements": "str", "default": []},
            "topic_arn": {"type": "str", "default": ""},
            **tag_arguments(),
        },
        required_if=[("state", "present", ["limit"])],
        supports_check_mode=True,
    )
    account, partition = get_aws_account_info(module)
    options = module.params
    desired = DesiredBudget(
        name=options["name"],
        account=account,
        limit=options["limit"] or 0,
        only={key: str(value) for key, value in options["only"].items()},
        alerts=tuple(Alert(each["threshold"], each["forecast"]) for each in options["alerts"]),
        emails=tuple(options["emails"]),
        topic_arn=options["topic_arn"],
        tags=options["tags"],
        purge_tags=options["purge_tags"],
    )
    run(module, Budget(module.client("budgets"), module.client("ce"), desired, partition))


if __name__ == "__main__":
    main()
