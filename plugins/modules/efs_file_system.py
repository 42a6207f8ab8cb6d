#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: efs_file_system
version_added: 0.1.0
short_description: Manage an Amazon EFS file system and its mount targets
description:
  - A file system with its throughput, lifecycle policies, backup, policy and mount targets.
  - What cannot be done (another key for a file system that exists, two mount targets in one availability zone) is
    refused before anything is changed.
notes:
  - M(community.aws.efs) has no check mode, does not know elastic throughput, backup and file-system policies, and
    removes mount targets that it is not told of.
author: The datalab.notebooks contributors (@datalab)
options:
  name:
    description:
      - The name of the file system, unique in the account and region. It is found by this.
      - API parameter C(CreationToken). What the console shows as the name is the tag C(Name).
    type: str
    required: true
    aliases: [creation_token]
  state:
    description:
      - Whether the file system exists.
      - V(absent) deletes the file system B(and all files in it), its mount targets and its access points. It asks for
        O(force=true).
    type: str
    choices: [present, absent]
    default: present
  encrypted:
    description: Whether files are encrypted at rest. AWS sets it at creation only.
    type: bool
    default: true
  kms_key_id:
    description:
      - The key that files are encrypted with, as id, ARN or alias. Without it AWS takes its own key for EFS. AWS sets
        it at creation only.
      - An alias is not compared with the key of a file system that exists.
    type: str
  performance_mode:
    description: AWS makes it V(generalPurpose) when it is not given. AWS sets it at creation only.
    type: str
    choices: [generalPurpose, maxIO]
  throughput_mode:
    description:
      - How throughput is paid for. V(elastic) goes by use, V(bursting) by the size of the file system.
      - AWS changes it once in 24 hours at most.
    type: str
    choices: [bursting, elastic, provisioned]
  provisioned_throughput_in_mibps:
    description: The throughput in MiB/s of a file system that is provisioned, or is to be.
    type: float
  lifecycle_policies:
    description:
      - When files that nobody uses move to cheaper storage. What is not named here is switched off; an empty dictionary
        switches all off.
      - Values are the API's, such as V(AFTER_30_DAYS).
    type: dict
    suboptions:
      transition_to_ia:
        description: After how many days without use a file moves to Infrequent Access storage.
        type: str
      transition_to_archive:
        description: After how many days without use a file moves to Archive storage.
        type: str
      transition_to_primary_storage_class:
        description: With V(AFTER_1_ACCESS) a file comes back when it is used.
        type: str
  backup:
    description: Whether AWS Backup makes daily backups.
    type: bool
  policy:
    description:
      - The file-system policy, as JSON or as a dictionary. An empty one takes the policy away.
      - It is compared by its meaning. A statement without a resource is about the file system.
    type: json
  mount_targets:
    description:
      - The mount targets. There can be one for each availability zone, all in one VPC.
      - If it is not given they are left as they are.
    type: list
    elements: dict
    suboptions:
      subnet_id:
        description: The subnet that the mount target is in.
        type: str
        required: true
      security_groups:
        description:
          - The security groups of the mount target. They are changed in place.
          - Without it AWS takes the default group of the VPC.
        type: list
        elements: str
      ip_address:
        description: Its address in the subnet. AWS sets it at creation only.
        type: str
  purge_mount_targets:
    description:
      - Whether mount targets that are not in O(mount_targets) are removed.
      - B(Who has the file system mounted by one of them is cut off.)
    type: bool
    default: false
  force:
    description: Delete the file system and all files in it. Only with O(state=absent).
    type: bool
    default: false
  wait:
    description: Whether to wait until the file system and its mount targets can be used, or are gone.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait, in seconds. A mount target takes one to two minutes on AWS.
    type: int
    default: 600
seealso:
  - module: datalab.notebooks.efs_access_point
  - module: community.aws.efs_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Make a file system with a mount target in two zones
  datalab.notebooks.efs_file_system:
    name: datalab
    throughput_mode: elastic
    lifecycle_policies:
      transition_to_ia: AFTER_30_DAYS
      transition_to_primary_storage_class: AFTER_1_ACCESS
    backup: true
    mount_targets:
      - subnet_id: subnet-0123456789abcdef0
        security_groups: [sg-0123456789abcdef0]
      - subnet_id: subnet-0123456789abcdef1
        security_groups: [sg-0123456789abcdef0]
    tags:
      Name: datalab

- name: Let clients mount and write by a mount target and with TLS only
  datalab.notebooks.efs_file_system:
    name: datalab
    policy:
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Principal: "*"
          Action:
            - elasticfilesystem:ClientMount
            - elasticfilesystem:ClientWrite
          Condition:
            Bool:
              elasticfilesystem:AccessedViaMountTarget: "true"
              aws:SecureTransport: "true"

- name: Cut off everybody, and keep the files
  datalab.notebooks.efs_file_system:
    name: datalab
    mount_targets: []
    purge_mount_targets: true

- name: Delete the file system with all files in it
  datalab.notebooks.efs_file_system:
    name: datalab
    state: absent
    force: true
"""

RETURN = r"""
file_system:
  description: The file system. In check mode, as it would be.
  returned: when there is one
  type: dict
  sample:
    backup: true
    creation_time: "2026-03-01T08:30:00+00:00"
    creation_token: datalab
    dns_name: fs-0123456789abcdef0.efs.eu-central-1.amazonaws.com
    encrypted: true
    file_system_arn: arn:aws:elasticfilesystem:eu-central-1:123456789012:file-system/fs-0123456789abcdef0
    file_system_id: fs-0123456789abcdef0
    kms_key_id: arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef
    life_cycle_state: available
    lifecycle_policies:
      transition_to_ia: AFTER_30_DAYS
    mount_targets:
      - availability_zone_id: euc1-az2
        availability_zone_name: eu-central-1a
        file_system_id: fs-0123456789abcdef0
        ip_address: 10.0.0.5
        life_cycle_state: available
        mount_target_id: fsmt-0123456789abcdef0
        network_interface_id: eni-0123456789abcdef0
        owner_id: "123456789012"
        security_groups: [sg-0123456789abcdef0]
        subnet_id: subnet-0123456789abcdef0
        vpc_id: vpc-0123456789abcdef0
    name: datalab
    number_of_mount_targets: 1
    owner_id: "123456789012"
    performance_mode: generalPurpose
    policy: {}
    size_in_bytes:
      timestamp: "2026-03-01T08:30:00+00:00"
      value: 6144
      value_in_ia: 0
      value_in_standard: 6144
    tags:
      Name: datalab
    throughput_mode: elastic
"""

from functools import partial

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.arguments import tag_arguments
from ansible_collections.datalab.notebooks.plugins.module_utils.common.resource import run
from ansible_collections.datalab.notebooks.plugins.module_utils.efs.file_system import FileSystem


def main() -> None:
    target = {
        "subnet_id": {"type": "str", "required": True},
        "security_groups": {"type": "list", "elements": "str"},
        "ip_address": {"type": "str"},
    }
    lifecycle = {
        "transition_to_ia": {"type": "str"},
        "transition_to_archive": {"type": "str"},
        "transition_to_primary_storage_class": {"type": "str"},
    }
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True, "aliases": ["creation_token"]},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "encrypted": {"type": "bool", "default": True},
            "kms_key_id": {"type": "str", "no_log": False},
            "performance_mode": {"type": "str", "choices": ["generalPurpose", "maxIO"]},
            "throughput_mode": {"type": "str", "choices": ["bursting", "elastic", "provisioned"]},
            "provisioned_throughput_in_mibps": {"type": "float"},
            "lifecycle_policies": {"type": "dict", "options": lifecycle},
            "backup": {"type": "bool"},
            "policy": {"type": "json"},
            "mount_targets": {"type": "list", "elements": "dict", "options": target},
            "purge_mount_targets": {"type": "bool", "default": False},
            "force": {"type": "bool", "default": False},
            "wait": {"type": "bool", "default": True},
            "wait_timeout": {"type": "int", "default": 600},
            **tag_arguments(),
        },
        supports_check_mode=True,
    )
    ec2 = partial(module.client, "ec2")
    run(module, FileSystem(module.client("efs"), ec2, module.params, module.check_mode))


if __name__ == "__main__":
    main()
