#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: sagemaker_notebook_instance_info
version_added: 0.1.0
short_description: Gather information about Amazon SageMaker notebook instances
description:
  - Returns one notebook instance by name, or all that the filters let through.
author: The datalab.notebooks contributors (@datalab)
options:
  name:
    description: The name of the instance. One that does not exist gives an empty list.
    type: str
    aliases: [notebook_instance_name]
  name_contains:
    description: Only instances whose name contains this.
    type: str
  status_equals:
    description: Only instances in this state.
    type: str
    choices:
      [Pending, InService, Stopping, Stopped, Failed, Deleting, Updating, PendingMaintenance, InMaintenance]
  notebook_instance_lifecycle_config_name_contains:
    description: Only instances with a lifecycle configuration whose name contains this.
    type: str
seealso:
  - module: datalab.notebooks.sagemaker_notebook_instance
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes.info
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Look at one instance
  datalab.notebooks.sagemaker_notebook_instance_info:
    name: datalab-alice

- name: Look at the instances that are running
  datalab.notebooks.sagemaker_notebook_instance_info:
    name_contains: datalab-
    status_equals: InService
  register: running
"""

RETURN = r"""
notebook_instances:
  description:
    - The instances, each as C(DescribeNotebookInstance) tells it, in snake_case, with its tags.
  returned: always
  type: list
  elements: dict
  sample:
    - notebook_instance_arn: arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/datalab-alice
      notebook_instance_name: datalab-alice
      notebook_instance_status: InService
      instance_type: ml.t3.medium
      volume_size_in_gb: 20
      tags:
        owner: alice
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.dict_transformations import snake_dict_to_camel_dict
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.calls import in_parallel
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import reporting_errors
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker import api
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.fleet import read_instance
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import to_result

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

FILTERS = ("name_contains", "status_equals", "notebook_instance_lifecycle_config_name_contains")


def names(client: SageMakerClient, params: dict[str, Any]) -> list[str]:
    """The requested names of the instances."""
    if params["name"]:
        return [params["name"]]
    given = {option: params[option] for option in FILTERS if params[option]}
    filters = snake_dict_to_camel_dict(given, capitalize_first=True)
    return [summary["NotebookInstanceName"] for summary in api.list_notebook_instances(client, **filters)]


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "aliases": ["notebook_instance_name"]},
            "name_contains": {"type": "str"},
            "status_equals": {
                "type": "str",
                "choices": [
                    "Pending",
                    "InService",
                    "Stopping",
                    "Stopped",
                    "Failed",
                    "Deleting",
                    "Updating",
                    "PendingMaintenance",
                    "InMaintenance",
                ],
            },
            "notebook_instance_lifecycle_config_name_contains": {"type": "str"},
        },
        mutually_exclusive=[("name", option) for option in FILTERS],
        supports_check_mode=True,
    )
    client = module.client("sagemaker")
    with reporting_errors(module):
        found = in_parallel(lambda name: read_instance(client, name), names(client, module.params))
        module.exit_json(notebook_instances=[to_result(each.described, each.tags) for each in found if each])


if __name__ == "__main__":
    main()
