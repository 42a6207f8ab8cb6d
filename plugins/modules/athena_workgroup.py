#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: athena_workgroup
version_added: 0.1.0
short_description: Manage a workgroup of Amazon Athena
description:
  - Queries run in a workgroup. It sets where their results are stored and how many bytes a query may scan, and
    policies grant the right to query on it.
  - Options that are not set stay as they are. For a new workgroup AWS chooses them.
  - Settings that AWS would not accept are refused before any call.
author: The datalab.notebooks contributors (@datalab)
options:
  name:
    description:
      - The name of the workgroup, unique in the account and region.
      - Each account has a workgroup V(primary), which can be changed but not deleted.
    type: str
    required: true
    aliases: [work_group]
  state:
    description: Whether the workgroup exists.
    type: str
    choices: [present, absent]
    default: present
  enabled:
    description: Whether queries can be run in the workgroup. A new one is enabled.
    type: bool
  description:
    description: The purpose of the workgroup. An empty string removes the description.
    type: str
  output_location:
    description:
      - The location in S3 for the results of queries, such as V(s3://acme-results/research/).
      - An empty string removes the location.
    type: str
  encryption:
    description:
      - How the results of queries are encrypted. An empty dictionary removes the setting, and the bucket's own
        encryption remains.
      - API parameter C(EncryptionConfiguration).
    type: dict
    suboptions:
      encryption_option:
        description:
          - By S3 with keys of its own, by S3 with a key of KMS, or by Athena with a key of KMS.
        type: str
        choices: [SSE_S3, SSE_KMS, CSE_KMS]
        aliases: [option]
      kms_key:
        description: The ARN or id of the key in KMS. Needed with V(SSE_KMS) and V(CSE_KMS), and only with these.
        type: str
  expected_bucket_owner:
    description:
      - The id of the account that owns the bucket of O(output_location). Athena writes results to no other bucket.
      - An empty string removes the condition.
    type: str
  enforce_work_group_configuration:
    description:
      - Whether the settings of the workgroup override those of a query. If they do not, the person who runs a query
        chooses where its results are stored.
      - AWS enforces them in a new workgroup.
    type: bool
  publish_cloudwatch_metrics_enabled:
    description: Whether Athena publishes metrics of the queries to CloudWatch.
    type: bool
  bytes_scanned_cutoff_per_query:
    description:
      - How many bytes a query may scan before Athena cancels it, at least 10,000,000. V(0) takes the limit away.
    type: int
  requester_pays_enabled:
    description: Whether queries may read from buckets whose requesters pay.
    type: bool
  engine_version:
    description:
      - The version of the engine that queries run on, such as V(Athena engine version 3). With V(AUTO), AWS chooses.
      - API parameter C(SelectedEngineVersion).
    type: str
  force:
    description:
      - Delete the workgroup even if it has named queries or a query history. Only with O(state=absent).
    type: bool
    default: false
seealso:
  - module: datalab.notebooks.athena_workgroup_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Give a team a workgroup whose queries scan at most 10 GiB each
  datalab.notebooks.athena_workgroup:
    name: datalab-research
    description: Queries of the team research
    output_location: s3://acme-results/research/
    encryption:
      encryption_option: SSE_S3
    enforce_work_group_configuration: true
    publish_cloudwatch_metrics_enabled: true
    bytes_scanned_cutoff_per_query: 10737418240
    tags:
      team: research

- name: Take the limit away
  datalab.notebooks.athena_workgroup:
    name: datalab-research
    bytes_scanned_cutoff_per_query: 0

- name: Let nobody query for now
  datalab.notebooks.athena_workgroup:
    name: datalab-research
    enabled: false

- name: Remove a workgroup with its named queries and its history
  datalab.notebooks.athena_workgroup:
    name: datalab-research
    state: absent
    force: true
"""

RETURN = r"""
workgroup:
  description: The workgroup, in the terms of the options. In check mode, as it would be.
  returned: when there is one
  type: dict
  sample:
    arn: arn:aws:athena:eu-central-1:123456789012:workgroup/datalab-research
    bytes_scanned_cutoff_per_query: 10737418240
    creation_time: "2026-03-01T08:30:00+00:00"
    description: Queries of the team research
    effective_engine_version: Athena engine version 3
    enabled: true
    encryption:
      encryption_option: SSE_S3
    enforce_work_group_configuration: true
    engine_version: AUTO
    expected_bucket_owner: null
    name: datalab-research
    output_location: s3://acme-results/research/
    publish_cloudwatch_metrics_enabled: true
    requester_pays_enabled: false
    tags:
      team: research
"""

from functools import partial

from ansible_collections.amazon.aws.plugins.module_utils.iam import get_aws_account_info
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.athena.workgroup import Workgroup, desired_workgroup
from ansible_collections.datalab.notebooks.plugins.module_utils.common.arguments import tag_arguments
from ansible_collections.datalab.notebooks.plugins.module_utils.common.resource import run


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True, "aliases": ["work_group"]},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "enabled": {"type": "bool"},
            "description": {"type": "str"},
            "output_location": {"type": "str"},
            "encryption": {
                "type": "dict",
                "options": {
                    "encryption_option": {
                        "type": "str",
                        "choices": ["SSE_S3", "SSE_KMS", "CSE_KMS"],
                        "aliases": ["option"],
                    },
                    "kms_key": {"type": "str", "no_log": False},
                },
            },
            "expected_bucket_owner": {"type": "str"},
            "enforce_work_group_configuration": {"type": "bool"},
            "publish_cloudwatch_metrics_enabled": {"type": "bool"},
            "bytes_scanned_cutoff_per_query": {"type": "int"},
            "requester_pays_enabled": {"type": "bool"},
            "engine_version": {"type": "str"},
            "force": {"type": "bool", "default": False},
            **tag_arguments(),
        },
        supports_check_mode=True,
    )
    desired = desired_workgroup(module.params)
    account = partial(get_aws_account_info, module)
    run(module, Workgroup(module.client("athena"), desired, module.params["force"], account))


if __name__ == "__main__":
    main()
