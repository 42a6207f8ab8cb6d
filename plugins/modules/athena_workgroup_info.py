#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: athena_workgroup_info
version_added: 0.1.0
short_description: Gather information about workgroups of Amazon Athena
description:
  - Returns one workgroup by name, or all of the account and region.
author: The datalab.notebooks contributors (@datalab)
options:
  name:
    description: The name of the workgroup. One that does not exist gives an empty list.
    type: str
    aliases: [work_group]
seealso:
  - module: datalab.notebooks.athena_workgroup
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes.info
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Read the workgroup of a team
  datalab.notebooks.athena_workgroup_info:
    name: datalab-research
  register: found

- name: Read all workgroups
  datalab.notebooks.athena_workgroup_info:
"""

RETURN = r"""
workgroups:
  description: The workgroups, in the terms of the options of M(datalab.notebooks.athena_workgroup).
  returned: always
  type: list
  elements: dict
  sample:
    - arn: arn:aws:athena:eu-central-1:123456789012:workgroup/datalab-research
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

from typing import TYPE_CHECKING, Any

from ansible_collections.amazon.aws.plugins.module_utils.iam import get_aws_account_info
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.athena.workgroup import (
    read_workgroup,
    workgroup_arn,
    workgroup_names,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.common.calls import in_parallel
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import reporting_errors

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient


def workgroups(module: AnsibleAWSModule, client: AthenaClient) -> list[dict[str, Any]]:
    """The requested workgroups."""
    name = module.params["name"]
    names = [name] if name else workgroup_names(client)
    account = get_aws_account_info(module)
    found = in_parallel(lambda each: read_workgroup(client, each, workgroup_arn(client, each, *account)), names)
    return [workgroup for workgroup in found if workgroup]


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={"name": {"type": "str", "aliases": ["work_group"]}},
        supports_check_mode=True,
    )
    client = module.client("athena")
    with reporting_errors(module):
        module.exit_json(workgroups=workgroups(module, client))


if __name__ == "__main__":
    main()
