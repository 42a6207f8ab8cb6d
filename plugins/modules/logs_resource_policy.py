#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: logs_resource_policy
version_added: 0.1.0
short_description: Manage a resource policy of CloudWatch Logs
description:
  - Such a policy lets another service write to log groups, for example a rule of EventBridge. Without it AWS loses the
    events without a word. An account has at most ten in a region.
author: The datalab.notebooks contributors (@datalab)
options:
  name:
    description: The name of the policy, unique in the account and region.
    type: str
    required: true
  state:
    description: Whether the policy exists.
    type: str
    choices: [present, absent]
    default: present
  policy:
    description: The policy. Needed with O(state=present).
    type: dict
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Let EventBridge write to a log group
  datalab.notebooks.logs_resource_policy:
    name: datalab-events
    policy:
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Principal: {Service: [delivery.logs.amazonaws.com, events.amazonaws.com]}
          Action: [logs:CreateLogStream, logs:PutLogEvents]
          Resource: arn:aws:logs:eu-central-1:123456789012:log-group:/aws/events/datalab:*
"""

RETURN = r"""
resource_policy:
  description: The policy. In check mode, as it would be.
  returned: when there is one
  type: dict
  sample:
    name: datalab-events
    policy: {Version: "2012-10-17", Statement: []}
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.resource import run
from ansible_collections.datalab.notebooks.plugins.module_utils.logs.resource_policy import ResourcePolicy


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "policy": {"type": "dict"},
        },
        required_if=[("state", "present", ["policy"])],
        supports_check_mode=True,
    )
    run(module, ResourcePolicy(module.client("logs"), module.params["name"], module.params["policy"] or {}))


if __name__ == "__main__":
    main()
