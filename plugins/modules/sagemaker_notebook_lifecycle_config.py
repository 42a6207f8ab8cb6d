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

from typing import TYPE_CHECKING, Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.arguments import tag_arguments
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import InputError, reporting_errors
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker import api
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.lifecycle_config import (
    DesiredConfig,
    apply_config,
    assert_unused,
    config_diff,
    config_problems,
    desired_config,
    plan_config,
    read_config,
)

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


def ensure_present(module: AnsibleAWSModule, client: SageMakerClient, desired: DesiredConfig) -> dict[str, Any]:
    problems = config_problems(client.meta.service_model, desired, module.run_command)
    if problems:
        raise InputError(problems)
    made = plan_config(desired, read_config(client, desired.name))
    after: dict[str, Any] | None = made.after
    if made.changed and not module.check_mode:
        apply_config(client, made)
        after = read_config(client, desired.name)
    return {"changed": made.changed, "lifecycle_config": after, "diff": config_diff(made.before, made.after)}


def ensure_absent(module: AnsibleAWSModule, client: SageMakerClient, name: str) -> dict[str, Any]:
    before = read_config(client, name)
    if before and not module.params["force"]:
        assert_unused(client, name)
    if before and not module.check_mode:
        api.delete_lifecycle_config(client, name)
    return {"changed": before is not None, "lifecycle_config": None, "diff": config_diff(before, None)}


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
    params = module.params
    client = module.client("sagemaker")
    with reporting_errors(module):
        if params["state"] == "absent":
            module.exit_json(**ensure_absent(module, client, params["name"]))
        else:
            module.exit_json(**ensure_present(module, client, desired_config(params)))


if __name__ == "__main__":
    main()
