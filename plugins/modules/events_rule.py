#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: events_rule
version_added: 0.1.0
short_description: Manage a rule of EventBridge with its tags
description:
  - A rule of the default event bus that sends what matches its pattern to one target. Other targets of it are removed.
  - M(amazon.aws.cloudwatchevent_rule) has more kinds of targets, and no tags.
author: The datalab.notebooks contributors (@datalab)
options:
  name:
    description: The name of the rule, unique in the account and region.
    type: str
    required: true
  state:
    description: Whether the rule exists.
    type: str
    choices: [present, absent]
    default: present
  event_pattern:
    description: What events must have. Needed with O(state=present).
    type: dict
  target_arn:
    description:
      - Where events are sent, by its ARN. A log group needs a policy that lets EventBridge write there, see
        M(datalab.notebooks.logs_resource_policy).
      - Needed with O(state=present).
    type: str
  description:
    description: What the rule is for.
    type: str
    default: ""
seealso:
  - module: amazon.aws.cloudwatchevent_rule
  - module: datalab.notebooks.logs_resource_policy
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Record when notebook instances run
  datalab.notebooks.events_rule:
    name: datalab-costs
    event_pattern:
      source: [aws.sagemaker]
      detail-type: [SageMaker Notebook Instance State Change]
    target_arn: arn:aws:logs:eu-central-1:123456789012:log-group:/aws/events/datalab
    tags: {platform: datalab}
"""

RETURN = r"""
rule:
  description: The rule. In check mode, as it would be.
  returned: when there is one
  type: dict
  sample:
    arn: arn:aws:events:eu-central-1:123456789012:rule/datalab-costs
    description: ""
    event_pattern: {source: [aws.sagemaker]}
    name: datalab-costs
    state: ENABLED
    tags: {platform: datalab}
    target_arns: [arn:aws:logs:eu-central-1:123456789012:log-group:/aws/events/datalab]
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.arguments import tag_arguments
from ansible_collections.datalab.notebooks.plugins.module_utils.common.resource import run
from ansible_collections.datalab.notebooks.plugins.module_utils.events.rule import DesiredRule, Rule


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "event_pattern": {"type": "dict"},
            "target_arn": {"type": "str"},
            "description": {"type": "str", "default": ""},
            **tag_arguments(),
        },
        required_if=[("state", "present", ["event_pattern", "target_arn"])],
        supports_check_mode=True,
    )
    options = module.params
    desired = DesiredRule(
        name=options["name"],
        event_pattern=options["event_pattern"] or {},
        target_arn=options["target_arn"] or "",
        description=options["description"],
        tags=options["tags"],
        purge_tags=options["purge_tags"],
    )
    run(module, Rule(module.client("events"), desired))


if __name__ == "__main__":
    main()
