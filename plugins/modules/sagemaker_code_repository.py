#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: sagemaker_code_repository
version_added: 0.1.0
short_description: Manage a code repository of Amazon SageMaker
description:
  - A code repository is the name of a Git repository, and of the secret for its login. Notebook instances that have it
    as their default or as an additional repository clone it when they start.
  - Settings that AWS would not accept are refused before any call.
  - The Git repository itself is never touched.
author: The datalab.notebooks contributors (@datalab)
options:
  name:
    description: The name of the code repository, unique in the account and region.
    type: str
    required: true
    aliases: [code_repository_name]
  state:
    description: Whether the code repository exists.
    type: str
    choices: [present, absent]
    default: present
  repository_url:
    description:
      - The HTTPS URL of the Git repository, without a name or password in it. Needed to create a code repository.
      - AWS sets it at creation only. Another one is refused until the code repository is removed.
    type: str
  branch:
    description:
      - The branch that is checked out. Without it, that is the Git repository's own default.
      - AWS sets it at creation only. Another one is refused until the code repository is removed.
    type: str
  secret_arn:
    description:
      - The ARN of the secret in AWS Secrets Manager that holds name and password for the Git repository, as
        C({"username":\ "…",\ "password":\ "…"}).
      - It can be changed, and not be taken away.
    type: str
  force:
    description: Delete the code repository even if instances use it. Only with O(state=absent).
    type: bool
    default: false
seealso:
  - module: datalab.notebooks.sagemaker_code_repository_info
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
- name: Give instances a repository of the internal Git server
  datalab.notebooks.sagemaker_code_repository:
    name: models
    repository_url: https://git.acme.example/research/models
    branch: main
    secret_arn: arn:aws:secretsmanager:eu-central-1:123456789012:secret:git-AbCdEf
    tags:
      team: research

- name: Open Alice's notebooks in it
  datalab.notebooks.sagemaker_notebook_instance:
    name: datalab-alice
    default_code_repository: models

- name: Reach it by another secret
  datalab.notebooks.sagemaker_code_repository:
    name: models
    secret_arn: arn:aws:secretsmanager:eu-central-1:123456789012:secret:git-2027-GhIjKl

- name: Remove a code repository that no instance uses
  datalab.notebooks.sagemaker_code_repository:
    name: models
    state: absent
"""

RETURN = r"""
code_repository:
  description: The code repository. In check mode, as it would be.
  returned: when there is one
  type: dict
  sample:
    branch: main
    code_repository_arn: arn:aws:sagemaker:eu-central-1:123456789012:code-repository/models
    code_repository_name: models
    creation_time: "2026-03-01T08:30:00+00:00"
    last_modified_time: "2026-03-01T08:30:00+00:00"
    repository_url: https://git.acme.example/research/models
    secret_arn: arn:aws:secretsmanager:eu-central-1:123456789012:secret:git-AbCdEf
    tags:
      team: research
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.arguments import tag_arguments
from ansible_collections.datalab.notebooks.plugins.module_utils.common.resource import run
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.code_repository import (
    CodeRepository,
    desired_repository,
    secrets_in,
)


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True, "aliases": ["code_repository_name"]},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "repository_url": {"type": "str"},
            "branch": {"type": "str"},
            "secret_arn": {"type": "str", "no_log": False},
            "force": {"type": "bool", "default": False},
            **tag_arguments(),
        },
        supports_check_mode=True,
    )
    desired = desired_repository(module.params)
    module.no_log_values.update(secrets_in(desired))  # Ansible shows the arguments of a module
    run(module, CodeRepository(module.client("sagemaker"), desired))


if __name__ == "__main__":
    main()
