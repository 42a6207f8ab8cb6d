#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: sagemaker_code_repository_info
version_added: 0.1.0
short_description: Gather information about code repositories of Amazon SageMaker
description:
  - Returns one code repository by name, or all whose name contains a text.
author: The datalab.notebooks contributors (@datalab)
options:
  name:
    description: The name of the code repository. One that does not exist gives an empty list.
    type: str
    aliases: [code_repository_name]
  name_contains:
    description: Only code repositories whose name contains this.
    type: str
seealso:
  - module: datalab.notebooks.sagemaker_code_repository
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes.info
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Read one code repository
  datalab.notebooks.sagemaker_code_repository_info:
    name: models
  register: repositories

- name: Read all code repositories
  datalab.notebooks.sagemaker_code_repository_info:
"""

RETURN = r"""
code_repositories:
  description: The code repositories.
  returned: always
  type: list
  elements: dict
  sample:
    - branch: main
      code_repository_arn: arn:aws:sagemaker:eu-central-1:123456789012:code-repository/models
      code_repository_name: models
      creation_time: "2026-03-01T08:30:00+00:00"
      last_modified_time: "2026-03-01T08:30:00+00:00"
      repository_url: https://git.acme.example/research/models
      secret_arn: arn:aws:secretsmanager:eu-central-1:123456789012:secret:git-AbCdEf
      tags:
        team: research
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.calls import in_parallel
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import reporting_errors
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker import api
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.code_repository import (
    read_repository,
    with_tags,
)

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


def repositories(client: SageMakerClient, params: dict[str, Any]) -> list[dict[str, Any]]:
    """The requested code repositories."""
    if params["name"]:
        found = read_repository(client, params["name"])
        return [found] if found else []
    filters = {"NameContains": params["name_contains"]} if params["name_contains"] else {}
    return in_parallel(lambda summary: with_tags(client, summary), api.list_code_repositories(client, **filters))


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "aliases": ["code_repository_name"]},
            "name_contains": {"type": "str"},
        },
        mutually_exclusive=[("name", "name_contains")],
        supports_check_mode=True,
    )
    client = module.client("sagemaker")
    with reporting_errors(module):
        module.exit_json(code_repositories=repositories(client, module.params))


if __name__ == "__main__":
    main()
