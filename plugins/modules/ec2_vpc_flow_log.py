#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: ec2_vpc_flow_log
version_added: 0.1.0
short_description: Manage a flow log of a VPC
description:
  - A flow log records the accepted and the refused connections of a VPC, a subnet or a network interface. It has
    addresses, ports and numbers of bytes, but no content.
  - A flow log is identified by its resource and its destination.
  - AWS can only change the tags of a flow log. If anything else differs, this module deletes it and creates another,
    which keeps the settings that are not given. Earlier records stay; connections in between are not logged.
author: The datalab.notebooks contributors (@datalab)
options:
  resource_id:
    description: The id of the VPC, the subnet or the network interface.
    type: str
    required: true
  log_destination:
    description:
      - Where the log is written, by its ARN, which may be that of a bucket, with or without a folder, of a log group of
        CloudWatch Logs, or of a delivery stream of Amazon Data Firehose.
      - The policy of a bucket has to let the service principal C(delivery.logs.amazonaws.com) write there. Who owns the
        bucket and has C(s3:PutBucketPolicy) on it gets it changed by AWS.
    type: str
    required: true
  state:
    description: Whether the flow log exists.
    type: str
    choices: [present, absent]
    default: present
  traffic_type:
    description: What is logged, all traffic, or that which security groups and network ACLs accept or reject.
    type: str
    choices: [ALL, ACCEPT, REJECT]
    default: ALL
  deliver_logs_permission_arn:
    description:
      - The role that AWS writes to a log group with, by its ARN. A log group needs it, and a delivery stream of another
        account.
    type: str
  log_format:
    description:
      - The fields of a record, such as V(${srcaddr} ${dstaddr} ${action}). AWS has a default format.
    type: str
  max_aggregation_interval:
    description: For how many seconds at most packets are counted in one record. AWS's default is V(600).
    type: int
    choices: [60, 600]
seealso:
  - name: Logging IP traffic using VPC Flow Logs
    description: What a flow log has, and what the policies of its destinations have to allow.
    link: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Log what is refused in a VPC to a bucket
  datalab.notebooks.ec2_vpc_flow_log:
    resource_id: vpc-0123456789abcdef0
    log_destination: arn:aws:s3:::acme-logs/network/
    traffic_type: REJECT
    tags:
      cost-center: "4711"

- name: Log all traffic of a subnet to CloudWatch Logs, minute by minute
  datalab.notebooks.ec2_vpc_flow_log:
    resource_id: subnet-0123456789abcdef0
    log_destination: arn:aws:logs:eu-central-1:123456789012:log-group:/acme/network
    deliver_logs_permission_arn: arn:aws:iam::123456789012:role/flow-logs
    max_aggregation_interval: 60

- name: Log it no more; what was logged stays
  datalab.notebooks.ec2_vpc_flow_log:
    resource_id: vpc-0123456789abcdef0
    log_destination: arn:aws:s3:::acme-logs/network/
    state: absent
"""

RETURN = r"""
flow_log:
  description: The flow log. In check mode, as it would be.
  returned: when there is one
  type: dict
  sample:
    creation_time: "2026-11-26T20:15:31+00:00"
    deliver_logs_status: SUCCESS
    flow_log_id: fl-0123456789abcdef0
    flow_log_status: ACTIVE
    log_destination: arn:aws:s3:::acme-logs/network/
    log_destination_type: s3
    log_format: "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol}"
    max_aggregation_interval: 600
    resource_id: vpc-0123456789abcdef0
    tags:
      cost-center: "4711"
    traffic_type: REJECT
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.arguments import tag_arguments
from ansible_collections.datalab.notebooks.plugins.module_utils.common.resource import run
from ansible_collections.datalab.notebooks.plugins.module_utils.ec2.flow_log import FlowLog, desired_flow_log


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "resource_id": {"type": "str", "required": True},
            "log_destination": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "traffic_type": {"type": "str", "choices": ["ALL", "ACCEPT", "REJECT"], "default": "ALL"},
            "deliver_logs_permission_arn": {"type": "str"},
            "log_format": {"type": "str"},
            "max_aggregation_interval": {"type": "int", "choices": [60, 600]},
            **tag_arguments(),
        },
        supports_check_mode=True,
    )
    run(module, FlowLog(module.client("ec2"), desired_flow_log(module.params)))


if __name__ == "__main__":
    main()
