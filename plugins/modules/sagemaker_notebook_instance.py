#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: sagemaker_notebook_instance
version_added: 0.1.0
short_description: Manage an Amazon SageMaker notebook instance
description:
  - Creates, updates, starts, stops, restarts and deletes one notebook instance.
  - To converge the instances of many people use M(datalab.notebooks.sagemaker_notebook_fleet), which needs a few calls
    for all of them where this module needs several for each.
  - Options that are not given are left as they are on an existing instance.
  - Settings that AWS can only set at creation are never changed by replacing the instance, since that would lose its
    volume. The module fails and says what a replacement would cost.
author: The datalab.notebooks contributors (@datalab)
seealso:
  - module: datalab.notebooks.sagemaker_notebook_instance_info
  - module: datalab.notebooks.sagemaker_notebook_fleet
  - module: datalab.notebooks.sagemaker_notebook_lifecycle_config
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.notebook_instance
  - datalab.notebooks.waits
  - datalab.notebooks.attributes
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Alice has an instance
  datalab.notebooks.sagemaker_notebook_instance:
    name: datalab-alice
    owner: alice
    instance_type: ml.t3.medium
    role_arn: arn:aws:iam::123456789012:role/datalab-execution
    volume_size_in_gb: 20
    lifecycle_config_name: datalab
    tags:
      owner: alice
      team: research
      idle: "7200"
    keep_tags: [idle]

- name: Give it a larger machine, now, whatever it is doing
  datalab.notebooks.sagemaker_notebook_instance:
    name: datalab-alice
    instance_type: ml.m5.2xlarge
    update_policy: force

- name: Take its lifecycle configuration away as soon as it is stopped
  datalab.notebooks.sagemaker_notebook_instance:
    name: datalab-alice
    lifecycle_config_name: ""

- name: Stop it, and do not wait
  datalab.notebooks.sagemaker_notebook_instance:
    name: datalab-alice
    state: stopped
    wait: false

- name: Delete it with its volume, even if it is running, unless it belongs to another person by now
  datalab.notebooks.sagemaker_notebook_instance:
    name: datalab-alice
    owner: alice
    state: absent
    force: true

- name: Bob takes it over, with all that is saved there
  datalab.notebooks.sagemaker_notebook_instance:
    name: datalab-alice
    owner: bob
    allow_other_owner: true
    tags: {owner: bob}
    purge_tags: false
"""

RETURN = r"""
notebook_instance:
  description:
    - The instance, as C(DescribeNotebookInstance) tells it, in snake_case, with its tags.
    - In check mode, as it would be.
  returned: when there is one
  type: dict
  sample:
    notebook_instance_arn: arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/datalab-alice
    notebook_instance_name: datalab-alice
    notebook_instance_status: InService
    instance_type: ml.t3.medium
    volume_size_in_gb: 20
    root_access: Enabled
    notebook_instance_lifecycle_config_name: datalab
    tags:
      owner: alice
pending:
  description: The settings that wait until the instance is stopped, each with the value that it has and will have.
  returned: always
  type: dict
  sample:
    instance_type:
      before: ml.t3.medium
      after: ml.m5.2xlarge
pending_reason:
  description: Why they wait.
  returned: when something is pending
  type: str
  sample: datalab-alice is InService; applied by the next run that finds it stopped
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.arguments import wait_arguments
from ansible_collections.datalab.notebooks.plugins.module_utils.common.credentials import secret_texts
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import InputError, reporting_errors
from ansible_collections.datalab.notebooks.plugins.module_utils.common.progress import Progress
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.arguments import instance_arguments
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.converge import converge
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.fleet import read_instance
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import (
    desired_from_options,
    predict,
    to_result,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.plan import Plan, plan
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.validation import instance_problems

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


def apply(module: AnsibleAWSModule, client: SageMakerClient, made: Plan) -> None:
    """Carries the plan out."""
    errors = converge(
        client,
        [made],
        wait=module.params["wait"],
        wait_timeout=module.params["wait_timeout"],
        report=Progress(module.tmpdir),
    )
    for error in errors.values():
        raise error


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    """Reads, plans, applies, and returns what the module returns."""
    desired = desired_from_options(module.params)
    client = module.client("sagemaker")
    problems = instance_problems(client.meta.service_model, [desired])
    if problems:
        raise InputError(problems)
    current = read_instance(client, desired.name)
    made = plan(desired, current)
    before = to_result(current.described, current.tags) if current else None
    if module.check_mode:
        after = predict(desired, before, made.after)
    else:
        apply(module, client, made)
        fresh = read_instance(client, desired.name) if made.steps else current
        after = to_result(fresh.described, fresh.tags) if fresh else None
    return {
        "changed": made.changed,
        "notebook_instance": after,
        "pending": made.pending,
        "pending_reason": made.pending_reason,
        "diff": {"before": made.before, "after": made.after},
    }


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={**instance_arguments(), **wait_arguments()},
        supports_check_mode=True,
    )
    module.no_log_values.update(secret_texts(module.params))  # Ansible shows the arguments of a module
    with reporting_errors(module):
        module.exit_json(**run(module))


if __name__ == "__main__":
    main()
