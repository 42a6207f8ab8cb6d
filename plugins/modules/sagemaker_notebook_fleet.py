#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: sagemaker_notebook_fleet
version_added: 0.1.0
short_description: Converge many Amazon SageMaker notebook instances in one call
description:
  - Creates, changes, starts, stops and removes instances, and their lifecycle configurations, until they are as wanted.
  - All instances are read with paged lists, changed at once, and waited for in one loop. A run with nothing to
    change needs about two calls for each hundred instances.
  - Everything is checked and planned before the first call that changes something. Settings that the API would never
    accept stop the run there.
  - An instance that fails, that AWS does not describe, that is another person's, or that cannot change as wanted (a
    volume that would shrink), does not stop the others. The module fails at the end and names those that failed.
  - If instances are to be created or get another type, the quotas of the account are read, and an instance that exceeds
    one of them fails before it is created. Without the right to C(servicequotas:ListServiceQuotas) a warning says that
    this was not checked.
  - C(ListNotebookInstances) does not return the volume, the role and others. These are read with
    C(DescribeNotebookInstance), but only if they may have changed. For that the module sets a tag C(datalab:verified)
    with a fingerprint and the C(LastModifiedTime) at which everything was as wanted. Any later update, start or stop
    makes the tag invalid.
author: The datalab.notebooks contributors (@datalab)
options:
  lifecycle_configs:
    description:
      - Lifecycle configurations to create or update before the instances.
      - Those that are not named here are left alone.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name of the configuration.
        type: str
        required: true
      on_create:
        description: The text of the script that runs once. An empty string removes it.
        type: str
      on_start:
        description: The text of the script that runs at each start. An empty string removes it.
        type: str
  managed:
    description:
      - The names of all instances that an inventory has, whether they are in O(instances) or not. The others of the
        account and region are then returned as RV(unmanaged). They are never changed.
    type: list
    elements: str
  max_requests_per_second:
    description:
      - The most requests to AWS in a second, repeated ones included.
      - AWS publishes no limit. Where it throttles, requests are repeated, and their rate falls until it no longer does.
      - It is a limit of one run. Several at once, such as slices of an inventory, add up.
    type: float
    default: 30
  validate_only:
    description:
      - Check the instances and configurations against the limits of the API and return, without any API call.
      - Needs no credentials, so that an inventory can be checked anywhere.
    type: bool
    default: false
seealso:
  - module: datalab.notebooks.sagemaker_notebook_instance
  - module: datalab.notebooks.sagemaker_notebook_lifecycle_config
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.notebook_instance.fleet
  - datalab.notebooks.waits
  - datalab.notebooks.attributes
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Two people have their instances
  datalab.notebooks.sagemaker_notebook_fleet:
    lifecycle_configs:
      - name: datalab
        on_start: "{{ lookup('ansible.builtin.file', 'on-start.sh', rstrip=false) }}"
    instances:
      - name: datalab-alice
        owner: alice
        instance_type: ml.t3.medium
        role_arn: arn:aws:iam::123456789012:role/datalab-execution
        lifecycle_config_name: datalab
      - name: datalab-bob
        owner: bob
        instance_type: ml.m5.xlarge
        role_arn: arn:aws:iam::123456789012:role/datalab-execution
        lifecycle_config_name: datalab
        volume_size_in_gb: 100
        tags: {owner: bob, idle: "7200"}
        keep_tags: [idle]

- name: Check a list of instances without an account
  datalab.notebooks.sagemaker_notebook_fleet:
    validate_only: true
    instances: "{{ my_instances }}"
"""

RETURN = r"""
instances:
  description: What became of each instance, in the order in which they were given.
  returned: always, except with O(validate_only=true)
  type: list
  elements: dict
  contains:
    name:
      description: The name of the instance.
      type: str
      returned: always
      sample: datalab-alice
    owner:
      description: Whom it belongs to.
      type: str
      returned: always
      sample: alice
    changed:
      description: Whether something was changed, or would be in check mode.
      type: bool
      returned: always
      sample: true
    status:
      description:
        - Its state at the end; before any change in check mode; null if there is none; V(unknown) if AWS does not tell.
      type: str
      returned: always
      sample: InService
    notebook_instance_arn:
      description: Its ARN.
      type: str
      returned: when it exists
      sample: arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/datalab-alice
    instance_type:
      description: Its machine.
      type: str
      returned: when it exists
      sample: ml.t3.medium
    lifecycle_config_name:
      description: Its lifecycle configuration.
      type: str
      returned: when it has one
      sample: datalab
    default_code_repository:
      description: Its default code repository.
      type: str
      returned: when it has one
      sample: https://git.example.com/team/notebooks.git
    additional_code_repositories:
      description: Its other code repositories.
      type: list
      elements: str
      returned: when it has some
      sample: []
    tags:
      description: Its tags.
      type: dict
      returned: always
      sample: {owner: alice}
    before:
      description: What was changed, with the old values.
      type: dict
      returned: always
      sample: {volume_size_in_gb: 5}
    after:
      description: What was changed, with the new values.
      type: dict
      returned: always
      sample: {volume_size_in_gb: 20}
    pending:
      description: What waits until the instance is stopped, with the old and the new values.
      type: dict
      returned: always
      sample: {instance_type: {before: ml.t3.medium, after: ml.m5.xlarge}}
    pending_reason:
      description: Why it waits.
      type: str
      returned: when something is pending
      sample: datalab-alice is InService; applied by the next run that finds it stopped
    pending_problem:
      description: Which quota of the account would refuse it, as things are.
      type: str
      returned: when one would
      sample: "notebook_instance_type: the quota 'ml.g5.xlarge for notebook instance usage' in eu-central-1 is 0"
    failed:
      description: Whether something went wrong with this instance.
      type: bool
      returned: always
      sample: false
    msg:
      description: What went wrong.
      type: str
      returned: when failed
      sample: "datalab-alice is Failed: the role cannot be assumed"
unverified:
  description:
    - The number of instances that were described and found as wanted, but lacked the tag C(datalab:verified). Outside
      check mode they have it now.
  returned: always, except with O(validate_only=true)
  type: int
  sample: 0
unmanaged:
  description: The instances that are neither in O(managed) nor in O(instances).
  returned: when O(managed) is given
  type: list
  elements: dict
  sample:
    - name: experiment
      status: InService
      instance_type: ml.p3.2xlarge
      lifecycle_config_name: null
      tags: {owner: alice}
lifecycle_configs:
  description:
    - The names of the configurations, and whether each was changed, created, or has failed, with C(msg) saying why.
    - Where one has failed, its instances have too, and are left as they are; all others converge.
  returned: always, except with O(validate_only=true)
  type: list
  elements: dict
  sample:
    - name: datalab
      changed: false
      created: false
      failed: false
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.arguments import wait_arguments
from ansible_collections.datalab.notebooks.plugins.module_utils.common.calls import POOL_SIZE, in_parallel
from ansible_collections.datalab.notebooks.plugins.module_utils.common.credentials import secret_texts
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import (
    InputError,
    NotebookError,
    reporting_errors,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.common.pace import Pace, paced_client
from ansible_collections.datalab.notebooks.plugins.module_utils.common.progress import Progress
from ansible_collections.datalab.notebooks.plugins.module_utils.common.session import Session, load_service_model
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.arguments import instance_arguments
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.comparison import (
    Comparison,
    comparison,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.converge import converge
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.fleet import (
    Clients,
    list_account,
    mark_verified,
    read_account,
    read_again,
    read_fleet,
    unmanaged,
    unverified,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import (
    Current,
    Desired,
    desired_from_options,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.lifecycle_config import (
    DesiredConfig,
    apply_configs,
    config_problems,
    desired_config,
    read_config_or_error,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.plan import Plan
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.quotas import (
    QUOTAS_CONFIG,
    asks_for,
    read_quotas,
    refusals,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.validation import instance_problems


def validate(module: AnsibleAWSModule, configs: list[DesiredConfig], instances: list[Desired]) -> None:
    """Raises InputError with all mistakes that can be found without asking AWS."""
    model = load_service_model()
    problems = [problem for config in configs for problem in config_problems(model, config, module.run_command)]
    problems += instance_problems(model, instances)
    if module.params["max_requests_per_second"] <= 0:
        problems.append("max_requests_per_second: must be more than 0")
    if problems:
        raise InputError(problems)


def within_quotas(
    module: AnsibleAWSModule,
    session: Session,
    clients: Clients,
    pace: Pace,
    compared: Comparison,
    account: dict[str, Current] | None,
) -> Comparison:
    """The same without the instances that the account's quotas refuse; reads nothing if none gets another type."""
    if not any(asks_for(made) for made in compared.plans):
        return compared
    quotas = read_quotas(paced_client(session, "service-quotas", pace, **QUOTAS_CONFIG))
    if quotas["unread"]:
        module.warn(quotas["unread"])
    there = account if account is not None else list_account(clients.sagemaker)
    return compared.without(refusals(compared.plans, there.values(), quotas))


def apply(
    module: AnsibleAWSModule, client: Any, plans: list[Plan]
) -> tuple[dict[str, Current | None], dict[str, NotebookError]]:
    """Carries the plans out; returns the instances as they are then, and the errors by name."""
    errors = converge(
        client,
        plans,
        wait=module.params["wait"],
        wait_timeout=module.params["wait_timeout"],
        report=Progress(module.tmpdir),
    )
    currents, unread = read_again(client, plans)
    unmarked = mark_verified(client, unverified(plans, currents))
    if unmarked:
        module.warn(
            f"{len(unmarked)} instances could not be marked as verified; they are described again: {unmarked[0]}"
        )
    return currents, {**unread, **errors}


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    """Validates, reads, plans, applies, and returns what the module returns."""
    configs = [desired_config(config) for config in module.params["lifecycle_configs"]]
    instances = [desired_from_options(options) for options in module.params["instances"]]
    validate(module, configs, instances)
    if module.params["validate_only"]:
        return {"changed": False}
    pace = Pace(module.params["max_requests_per_second"])
    session = Session(module)
    clients = Clients(*(paced_client(session, service, pace) for service in ("sagemaker", "resourcegroupstaggingapi")))
    read_configs = in_parallel(lambda config: (config, read_config_or_error(clients.sagemaker, config.name)), configs)
    managed = module.params["managed"]
    account = read_account(clients) if managed is not None or len(instances) > POOL_SIZE else None
    compared = comparison(read_configs, read_fleet(clients.sagemaker, instances, account))
    compared = within_quotas(module, session, clients, pace, compared, account)
    applied: tuple[Any, ...] = ()
    if not module.check_mode:
        compared = compared.without_configs(apply_configs(clients.sagemaker, compared.config_plans))
        applied = apply(module, clients.sagemaker, compared.plans)
    names = {desired.name for desired in instances}.union(managed or ())
    return {
        **({"unmanaged": unmanaged(account, names)} if account is not None and managed is not None else {}),
        **compared.told(*applied),
    }


def finish(module: AnsibleAWSModule, result: dict[str, Any]) -> None:
    """Ends the module; in failure if an instance or a lifecycle configuration has failed."""
    instances, configs = result.get("instances", []), result.get("lifecycle_configs", [])
    failed = [each["msg"] for each in instances if each["failed"]]
    texts = [f"lifecycle configuration {each['name']}: {each['msg']}" for each in configs if each["failed"]]
    if failed or texts:
        summary = f"{len(failed)} of {len(instances)} instances failed"
        module.fail_json(msg="\n".join([f"{summary}:", *texts, *failed]), **result)
    module.exit_json(**result)


def main() -> None:
    script = {"type": "str"}
    config = {"name": {"type": "str", "required": True}, "on_create": script, "on_start": script}
    module = AnsibleAWSModule(
        argument_spec={
            "instances": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": instance_arguments(),
            },
            "lifecycle_configs": {"type": "list", "elements": "dict", "default": [], "options": config},
            "managed": {"type": "list", "elements": "str"},
            "max_requests_per_second": {"type": "float", "default": 30},
            "validate_only": {"type": "bool", "default": False},
            **wait_arguments(),
        },
        supports_check_mode=True,
    )
    module.no_log_values.update(secret_texts(module.params["instances"]))  # Ansible shows the arguments of a module
    with reporting_errors(module):
        finish(module, run(module))


if __name__ == "__main__":
    main()
