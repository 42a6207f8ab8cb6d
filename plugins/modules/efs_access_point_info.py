#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: efs_access_point_info
version_added: 0.1.0
short_description: Gather information about access points of Amazon EFS
description:
  - Returns one access point by its id, or all of a file system, or all in the account and region, a hundred with each
    call.
author: The datalab.notebooks contributors (@datalab)
options:
  file_system_id:
    description: The file system whose access points are returned. One that does not exist gives an empty list.
    type: str
  access_point_id:
    description: The access point that is returned. One that does not exist gives an empty list.
    type: str
seealso:
  - module: datalab.notebooks.efs_access_point
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes.info
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Read everybody's access points
  datalab.notebooks.efs_access_point_info:
    file_system_id: fs-0123456789abcdef0
  register: points

- name: Read one access point
  datalab.notebooks.efs_access_point_info:
    access_point_id: fsap-0123456789abcdef0
"""

RETURN = r"""
access_points:
  description: The access points.
  returned: always
  type: list
  elements: dict
  sample:
    - access_point_arn: arn:aws:elasticfilesystem:eu-central-1:123456789012:access-point/fsap-0123456789abcdef0
      access_point_id: fsap-0123456789abcdef0
      client_token: 8d0b6f27f8a4c7b7bd0f9b1cb4e0dbd2ad46a2be0be6b4fbd0d5dbb1a7f6d6cf
      file_system_id: fs-0123456789abcdef0
      life_cycle_state: available
      name: alice
      owner_id: "123456789012"
      posix_user:
        gid: 10001
        uid: 10001
      root_directory:
        creation_info:
          owner_gid: 10001
          owner_uid: 10001
          permissions: "0700"
        path: /people/alice
      tags:
        Name: alice
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import reporting_errors
from ansible_collections.datalab.notebooks.plugins.module_utils.efs import api as api_efs
from ansible_collections.datalab.notebooks.plugins.module_utils.efs.access_point import normalised


def filters(params: dict[str, Any]) -> dict[str, str]:
    """The parameters of DescribeAccessPoints."""
    names = {"file_system_id": "FileSystemId", "access_point_id": "AccessPointId"}
    return {parameter: params[option] for option, parameter in names.items() if params[option]}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={"file_system_id": {"type": "str"}, "access_point_id": {"type": "str"}},
        mutually_exclusive=[("file_system_id", "access_point_id")],
        supports_check_mode=True,
    )
    with reporting_errors(module):
        found = api_efs.describe_access_points(module.client("efs"), **filters(module.params))
        module.exit_json(access_points=[normalised(answer) for answer in found])


if __name__ == "__main__":
    main()
