#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: efs_access_point
version_added: 0.1.0
short_description: Manage an access point of an Amazon EFS file system
description:
  - A machine that mounts a file system through an access point gets the access point's user, group and root directory.
  - AWS can only change the tags of an access point. Every other change needs another access point, O(replace=true).
author: The datalab.notebooks contributors (@datalab)
options:
  name:
    description:
      - The name of the access point, unique in the file system. It is the tag C(Name), which identifies the access
        point.
    type: str
    required: true
  file_system_id:
    description: The file system.
    type: str
    required: true
  state:
    description: Whether the access point exists. Its removal removes no files.
    type: str
    choices: [present, absent]
    default: present
  posix_user:
    description: The POSIX user for all access through the access point, whatever the user on the machine.
    type: dict
    suboptions:
      uid:
        description: The user id.
        type: int
        required: true
      gid:
        description: The group id.
        type: int
        required: true
      secondary_gids:
        description: Up to 16 further group ids.
        type: list
        elements: int
  root_directory:
    description: The directory that the access point shows as its root. The default is the whole file system.
    type: dict
    suboptions:
      path:
        description: The directory, up to four levels deep.
        type: str
        default: /
      creation_info:
        description:
          - The owner and mode of the directory, which AWS creates at the first use. Without this option a missing
            directory is not created, and mounting fails.
        type: dict
        suboptions:
          owner_uid:
            description: The user id of the owner.
            type: int
            required: true
          owner_gid:
            description: The group id of the owner.
            type: int
            required: true
          permissions:
            description: The mode in octal digits, in quotes, such as V("0700").
            type: str
            required: true
  replace:
    description:
      - Whether an access point with another O(posix_user) or O(root_directory) is removed, and another created in its
        place.
      - No file is lost, and files keep their owner. The new one has another id, and B(machines that have the
        old one mounted lose their connection).
    type: bool
    default: false
  wait:
    description: Whether to wait until the access point can be used.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 120
seealso:
  - module: datalab.notebooks.efs_access_point_info
  - module: datalab.notebooks.efs_file_system
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Give Alice a directory of her own
  datalab.notebooks.efs_access_point:
    name: alice
    file_system_id: fs-0123456789abcdef0
    posix_user: {uid: 10001, gid: 10001}
    root_directory:
      path: /people/alice
      creation_info: {owner_uid: 10001, owner_gid: 10001, permissions: "0700"}
    tags:
      owner: alice

- name: Take the access point away; the files stay
  datalab.notebooks.efs_access_point:
    name: alice
    file_system_id: fs-0123456789abcdef0
    state: absent
"""

RETURN = r"""
access_point:
  description: The access point. In check mode, as it would be.
  returned: when there is one
  type: dict
  sample:
    access_point_arn: arn:aws:elasticfilesystem:eu-central-1:123456789012:access-point/fsap-0123456789abcdef0
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
      owner: alice
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.arguments import tag_arguments
from ansible_collections.datalab.notebooks.plugins.module_utils.common.resource import run
from ansible_collections.datalab.notebooks.plugins.module_utils.efs.access_point import AccessPoint, desired_point


def main() -> None:
    user = {
        "uid": {"type": "int", "required": True},
        "gid": {"type": "int", "required": True},
        "secondary_gids": {"type": "list", "elements": "int"},
    }
    creation_info = {
        "owner_uid": {"type": "int", "required": True},
        "owner_gid": {"type": "int", "required": True},
        "permissions": {"type": "str", "required": True},
    }
    root_directory = {
        "path": {"type": "str", "default": "/"},
        "creation_info": {"type": "dict", "options": creation_info},
    }
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "file_system_id": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "posix_user": {"type": "dict", "options": user},
            "root_directory": {"type": "dict", "options": root_directory},
            "replace": {"type": "bool", "default": False},
            "wait": {"type": "bool", "default": True},
            "wait_timeout": {"type": "int", "default": 120},
            **tag_arguments(),
        },
        supports_check_mode=True,
    )
    params = module.params
    run(module, AccessPoint(module.client("efs"), desired_point(params), params["wait"], params["wait_timeout"]))


if __name__ == "__main__":
    main()
