#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: ec2_vpc_endpoint_policy
version_added: 0.1.0
short_description: Change the policy of a VPC endpoint
description:
  - The policy of an endpoint restricts who may use it, and for which actions and resources.
  - M(amazon.aws.ec2_vpc_endpoint) sets it at creation only. This module changes it while the endpoint is in use.
author: The datalab.notebooks contributors (@datalab)
options:
  vpc_endpoint_id:
    description: The id of the endpoint.
    type: str
    required: true
  policy:
    description: The policy.
    type: json
    required: true
seealso:
  - module: amazon.aws.ec2_vpc_endpoint
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Let the account's own principals alone use the endpoint
  datalab.notebooks.ec2_vpc_endpoint_policy:
    vpc_endpoint_id: vpce-0123456789abcdef0
    policy:
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Principal: "*"
          Action: "*"
          Resource: "*"
          Condition:
            StringEquals:
              aws:PrincipalAccount: "123456789012"
"""

RETURN = r"""
policy:
  description: The policy. In check mode, as it would be.
  returned: success
  type: dict
  sample:
    Version: "2012-10-17"
    Statement:
      - Effect: Allow
        Principal: "*"
        Action: "*"
        Resource: "*"
"""

import json

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import InputError, reporting_errors
from ansible_collections.datalab.notebooks.plugins.module_utils.ec2 import api


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "vpc_endpoint_id": {"type": "str", "required": True},
            "policy": {"type": "json", "required": True},
        },
        supports_check_mode=True,
    )
    endpoint_id, wanted = module.params["vpc_endpoint_id"], json.loads(module.params["policy"])
    client = module.client("ec2")
    with reporting_errors(module):
        there = api.describe_vpc_endpoints(client, {"vpc-endpoint-id": endpoint_id})
        if not there:
            raise InputError([f"vpc_endpoint_id is {endpoint_id}; it must be an endpoint of this account and region"])
        has = json.loads(there[0].get("PolicyDocument") or "{}")
        changed = bool(compare_policies(has, wanted))
        if changed and not module.check_mode:
            api.modify_vpc_endpoint_policy(client, endpoint_id, wanted)
        module.exit_json(changed=changed, policy=wanted, diff={"before": has, "after": wanted})


if __name__ == "__main__":
    main()
