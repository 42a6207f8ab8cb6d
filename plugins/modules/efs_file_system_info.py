#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: efs_file_system_info
version_added: 0.1.0
short_description: Gather information about file systems of Amazon EFS
description:
  - Returns one file system by its name or id, or all in the account and region, a hundred with each call.
  - For the mount targets, the policies and the backup of one, run M(datalab.notebooks.efs_file_system) in check mode.
author: The datalab.notebooks contributors (@datalab)
options:
  name:
    description: The creation token of the file system that is returned. One that does not exist gives an empty list.
    type: str
    aliases: [creation_token]
  file_system_id:
    description: The id of the file system that is returned. One that does not exist gives an empty list.
    type: str
seealso:
  - module: datalab.notebooks.efs_file_system
  - module: community.aws.efs_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes.info
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Find the file system that datalab.notebooks.efs_file_system has made
  datalab.notebooks.efs_file_system_info:
    name: datalab
  register: found

- name: Read all file systems
  datalab.notebooks.efs_file_system_info:
"""

RETURN = r"""
file_systems:
  description: The file systems.
  returned: always
  type: list
  elements: dict
  sample:
    - creation_time: "2026-03-01T08:30:00+00:00"
      creation_token: datalab
      dns_name: fs-0123456789abcdef0.efs.eu-central-1.amazonaws.com
      encrypted: true
      file_system_arn: arn:aws:elasticfilesystem:eu-central-1:123456789012:file-system/fs-0123456789abcdef0
      file_system_id: fs-0123456789abcdef0
      life_cycle_state: available
      name: datalab
      number_of_mount_targets: 1
      owner_id: "123456789012"
      performance_mode: generalPurpose
      size_in_bytes:
        value: 6144
      tags:
        Name: datalab
      throughput_mode: elastic
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import reporting_errors
from ansible_collections.datalab.notebooks.plugins.module_utils.efs import api as api_efs
from ansible_collections.datalab.notebooks.plugins.module_utils.efs.file_system import normalised


def filters(params: dict[str, Any]) -> dict[str, str]:
    """The parameters of DescribeFileSystems."""
    names = {"name": "CreationToken", "file_system_id": "FileSystemId"}
    return {parameter: params[option] for option, parameter in names.items() if params[option]}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={"name": {"type": "str", "aliases": ["creation_token"]}, "file_system_id": {"type": "str"}},
        mutually_exclusive=[("name", "file_system_id")],
        supports_check_mode=True,
    )
    with reporting_errors(module):
        client = module.client("efs")
        found = api_efs.describe_file_systems(client, **filters(module.params))
        module.exit_json(file_systems=[normalised(client, each) for each in found])


if __name__ == "__main__":
    main()
