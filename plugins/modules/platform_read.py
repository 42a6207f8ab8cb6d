#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: platform_read
version_added: 0.1.0
short_description: Read what AWS has of a notebook platform
description:
  - Reads network, storage and access of a platform, all that is asked for in parallel, by one process.
  - It is the reading half of M(datalab.notebooks.platform_plan), which asks it for what an inventory describes, and has
    no use of its own. What it takes and returns may change at any time.
author: The datalab.notebooks contributors (@datalab)
options:
  network:
    description: What to read of the network.
    type: dict
  storage:
    description: What to read of file systems, access points and buckets.
    type: dict
  access:
    description: What to read of roles, policies, groups and workgroups.
    type: dict
  costs:
    description: What to read of the record of events, and of budgets.
    type: dict
  denials:
    description: The groups of people whose policies may deny them to create and start instances.
    type: dict
  instances:
    description: What to read of instances, and of lifecycle configurations with their scripts.
    type: dict
  quotas:
    description: Whether to read the service quotas of instances.
    type: bool
    default: false
  lifecycle_configs:
    description: Whether to list the lifecycle configurations.
    type: bool
    default: false
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes.info
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Read the network of the platform datalab
  datalab.notebooks.platform_read:
    network: {name: datalab, vpc_id: "", endpoints: [], ids_only: true}
"""

RETURN = r"""
account:
  description: The account that was asked, the partition and region, and the caller's ARN.
  returned: success
  type: dict
  sample: {account: "123456789012", partition: aws, region: eu-central-1, arn: "arn:aws:iam::123456789012:user/ci"}
network:
  description: The VPC with what is in it.
  returned: when asked for
  type: dict
  sample: {vpcs: []}
storage:
  description: File systems, access points, and buckets.
  returned: when asked for
  type: dict
  sample: {file_systems: []}
access:
  description: Roles, policies, groups and workgroups.
  returned: when asked for
  type: dict
  sample: {roles: []}
costs:
  description: The log group and the rule of events, budgets, and the status of tags in billing.
  returned: when asked for
  type: dict
  sample: {actions: [], budgets: []}
denials:
  description: The ARNs of the policies that the groups have, or why they may not be read (C(refused)).
  returned: when asked for
  type: dict
  sample: {policies: {datalab-people-research: []}}
instances:
  description: Instances with their tags, and lifecycle configurations.
  returned: when asked for
  type: dict
  sample: {instances: [], lifecycle_configs: {}}
quotas:
  description: The service quotas of instances, or why they could not be read.
  returned: when asked for
  type: dict
  sample: {region: eu-central-1, quotas: {}, unread: ""}
lifecycle_configs:
  description: The names of all lifecycle configurations of the account and region.
  returned: when asked for
  type: list
  elements: str
  sample: [datalab, datalab-viewer]
"""

import math
from collections.abc import Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.account import read_account
from ansible_collections.datalab.notebooks.plugins.module_utils.common.calls import in_parallel
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import reporting_errors
from ansible_collections.datalab.notebooks.plugins.module_utils.common.pace import Pace, paced_client
from ansible_collections.datalab.notebooks.plugins.module_utils.common.session import Session
from ansible_collections.datalab.notebooks.plugins.module_utils.ec2.read import read_network
from ansible_collections.datalab.notebooks.plugins.module_utils.efs.read import read_storage
from ansible_collections.datalab.notebooks.plugins.module_utils.events.read import read_costs, read_denials
from ansible_collections.datalab.notebooks.plugins.module_utils.iam.read import read_access
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.api import list_lifecycle_configs
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.quotas import QUOTAS_CONFIG, read_quotas
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.read import read_instances


def read_lifecycle_configs(clients: Mapping[str, Any], _wanted: Any) -> list[str]:
    """The names of all lifecycle configurations."""
    listed = list_lifecycle_configs(clients["sagemaker"])
    return [str(each["NotebookInstanceLifecycleConfigName"]) for each in listed]


READERS = {
    "network": read_network,
    "storage": read_storage,
    "access": read_access,
    "costs": read_costs,
    "denials": lambda clients, wanted: read_denials(clients["iam"], wanted),
    "instances": read_instances,
    "quotas": lambda clients, _wanted: read_quotas(clients["service-quotas"]),
    "lifecycle_configs": read_lifecycle_configs,
}

OPTIONS = ("network", "storage", "access", "costs", "denials", "instances")

# The calls of these grow with the instances.
PACED = ("sagemaker", "resourcegroupstaggingapi")


class Clients(dict[str, Any]):
    """The clients by service, each made when it is first used: making one takes longer than most calls."""

    def __init__(self, module: AnsibleAWSModule) -> None:
        super().__init__()
        self._session = Session(module)
        self._module = module
        self._pace = Pace((module.params["instances"] or {}).get("max_requests_per_second", math.inf))

    def __missing__(self, service: str) -> Any:
        config = QUOTAS_CONFIG if service == "service-quotas" else {}
        paced = service in PACED or config
        payer = self._module.params["costs"]["payer_profile"] if service == "ce" else ""
        session = Session(self._module, payer) if payer else self._session
        self[service] = paced_client(session, service, self._pace, **config) if paced else session.client(service)
        return self[service]


def read(module: AnsibleAWSModule) -> dict[str, Any]:
    """The requested resources, by section."""
    sections = [section for section in READERS if module.params[section]]
    clients = Clients(module)
    account = read_account(clients["sts"])

    def read_section(section: str) -> Any:
        asked = module.params[section]
        return READERS[section](clients, {**asked, "account": account} if isinstance(asked, dict) else asked)

    return {"account": account, **dict(zip(sections, in_parallel(read_section, sections), strict=True))}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            **{section: {"type": "dict"} for section in OPTIONS},
            **{section: {"type": "bool", "default": False} for section in ("quotas", "lifecycle_configs")},
        },
        supports_check_mode=True,
    )
    with reporting_errors(module):
        module.exit_json(changed=False, **read(module))


if __name__ == "__main__":
    main()
