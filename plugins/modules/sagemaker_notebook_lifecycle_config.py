#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: sagemaker_notebook_lifecycle_config
version_added: 0.1.0
short_description: Manage a lifecycle configuration of Amazon SageMaker notebook instances
description:
  - A lifecycle configuration holds a script that runs when an instance is created and one that runs at each start, both
    as root and for at most five minutes.
  - Scripts are given, compared and shown as text.
  - A script that could not run is refused before any call to AWS. That is one without C(#!) in its first line, with
    Windows line ends, with a syntax error that C(bash -n) finds, or longer than 16,384 characters in base64.
  - Running instances see a change at their next start.
author: The datalab.notebooks contributors (@datalab)
options:
  name:
    description: The name of the configuration, unique in the account and region.
    type: str
    required: true
    aliases: [notebook_instance_lifecycle_config_name]
  state:
    description: Whether the configuration exists.
    type: str
    choices: [present, absent]
    default: present
  on_create:
    description:
      - The text of the script that runs once, when an instance is created, before the other.
      - If it is not given it is left as it is; an empty string removes it.
    type: str
  on_start:
    description:
      - The text of the script that runs at each start, also the first.
      - If it is not given it is left as it is; an empty string removes it.
    type: str
  force:
    description: Delete the configuration even if instances use it. Only with O(state=absent).
    type: bool
    default: false
seealso:
  - module: datalab.notebooks.sagemaker_notebook_lifecycle_config_info
  - module: datalab.notebooks.sagemaker_notebook_instance
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Say hello at each start
  datalab.notebooks.sagemaker_notebook_lifecycle_config:
    name: hello
    on_start: |
      #!/bin/bash
      echo "hello from $(hostname)"
    tags:
      team: research

- name: Upload scripts from files
  datalab.notebooks.sagemaker_notebook_lifecycle_config:
    name: datalab
    on_create: "{{ lookup('ansible.builtin.file', 'on-create.sh', rstrip=false) }}"
    on_start: "{{ lookup('ansible.builtin.file', 'on-start.sh', rstrip=false) }}"

- name: Keep only the script that runs at each start
  datalab.notebooks.sagemaker_notebook_lifecycle_config:
    name: datalab
    on_create: ""

- name: Remove a configuration that no instance uses
  datalab.notebooks.sagemaker_notebook_lifecycle_config:
    name: hello
    state: absent
"""

RETURN = r"""
lifecycle_config:
  description: The configuration, its scripts as text. In check mode, as it would be.
  returned: when there is one
  type: dict
  sample:
    notebook_instance_lifecycle_config_arn:
      arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance-lifecycle-config/hello
    notebook_instance_lifecycle_config_name: hello
    on_create: null
    on_start: |
      #!/bin/bash
      echo "hello from $(hostname)"
    tags:
      team: research
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.arguments import tag_arguments
from ansible_collections.datalab.notebooks.plugins.module_utils.common.resource import run
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.lifecycle_config import (
    LifecycleConfig,
    desired_config,
)


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True, "aliases": ["notebook_instance_lifecycle_config_name"]},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "on_create": {"type": "str"},
            "on_start": {"type": "str"},
            "force": {"type": "bool", "default": False},
            **tag_arguments(),
        },
        supports_check_mode=True,
    )
    config = LifecycleConfig(module.client("sagemaker"), desired_config(module.params), module.run_command)
    run(module, config)


if __name__ == "__main__":
    main()
