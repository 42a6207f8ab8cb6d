#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: sagemaker_notebook_lifecycle_config_info
version_added: 0.1.0
short_description: Gather information about lifecycle configurations of Amazon SageMaker notebook instances
description:
  - Returns one lifecycle configuration by name, or all whose name contains a text, with their scripts as text.
author: The datalab.notebooks contributors (@datalab)
options:
  name:
    description: The name of the configuration. One that does not exist gives an empty list.
    type: str
    aliases: [notebook_instance_lifecycle_config_name]
  name_contains:
    description: Only configurations whose name contains this.
    type: str
seealso:
  - module: datalab.notebooks.sagemaker_notebook_lifecycle_config
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes.info
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Read the scripts of one configuration
  datalab.notebooks.sagemaker_notebook_lifecycle_config_info:
    name: datalab
  register: configs

- name: Read all configurations of the platform
  datalab.notebooks.sagemaker_notebook_lifecycle_config_info:
    name_contains: datalab
"""

RETURN = r"""
lifecycle_configs:
  description: The configurations, their scripts as text.
  returned: always
  type: list
  elements: dict
  sample:
    - notebook_instance_lifecycle_config_name: hello
      on_create: null
      on_start: |
        #!/bin/bash
        echo "hello from $(hostname)"
      tags:
        team: research
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.calls import in_parallel
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import reporting_errors
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker import api
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.lifecycle_config import read_config

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


def names(client: SageMakerClient, params: dict[str, Any]) -> list[str]:
    """The requested names of the configurations."""
    if params["name"]:
        return [params["name"]]
    filters = {"NameContains": params["name_contains"]} if params["name_contains"] else {}
    return [summary["NotebookInstanceLifecycleConfigName"] for summary in api.list_lifecycle_configs(client, **filters)]


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "aliases": ["notebook_instance_lifecycle_config_name"]},
            "name_contains": {"type": "str"},
        },
        mutually_exclusive=[("name", "name_contains")],
        supports_check_mode=True,
    )
    client = module.client("sagemaker")
    with reporting_errors(module):
        found = in_parallel(lambda name: read_config(client, name), names(client, module.params))
        module.exit_json(lifecycle_configs=[config for config in found if config])


if __name__ == "__main__":
    main()
