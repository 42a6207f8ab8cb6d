#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: sagemaker_notebook_presigned_url
version_added: 0.1.0
short_description: A URL that opens an Amazon SageMaker notebook instance
description:
  - Creates a URL with which a browser opens a running instance without another login.
  - B(Everyone who has the URL can use the instance.) It is valid for five minutes. Give the task C(no_log=true).
author: The datalab.notebooks contributors (@datalab)
options:
  name:
    description: The name of the instance.
    type: str
    required: true
    aliases: [notebook_instance_name]
  owner:
    description:
      - The person who must own the instance. An instance whose tag C(owner) names another person is not opened,
        unless O(allow_other_owner=true). Without this option the tag is not read.
    type: str
  allow_other_owner:
    description: Whether the instance may be one whose tag C(owner) names another person than O(owner).
    type: bool
    default: false
  session_expiration_duration_in_seconds:
    description: How long the session lasts that the URL opens, 1800 to 43200 seconds.
    type: int
    default: 43200
seealso:
  - module: datalab.notebooks.browser
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes.info
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Ask for the URL
  datalab.notebooks.sagemaker_notebook_presigned_url:
    name: datalab-alice
    owner: alice
  register: asked
  no_log: true

- name: Open it
  datalab.notebooks.browser:
    url: "{{ asked.authorized_url }}"
  no_log: true
"""

RETURN = r"""
authorized_url:
  description: The URL. It is a secret.
  returned: except in check mode
  type: str
  sample: https://datalab-alice.notebook.eu-central-1.sagemaker.aws?authToken=...
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import reporting_errors
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker import api
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.arguments import owner_arguments
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.fleet import read_instance
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import Desired
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.plan import require_owner

SHORTEST = 1800  # seconds, as the API has it
LONGEST = 43200


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True, "aliases": ["notebook_instance_name"]},
            **owner_arguments(),
            "session_expiration_duration_in_seconds": {"type": "int", "default": LONGEST},
        },
        supports_check_mode=True,
    )
    seconds = module.params["session_expiration_duration_in_seconds"]
    if not SHORTEST <= seconds <= LONGEST:
        module.fail_json(msg=f"session_expiration_duration_in_seconds is {seconds}; it must be {SHORTEST} to {LONGEST}")
    name, owner = module.params["name"], module.params["owner"]
    client = module.client("sagemaker")
    with reporting_errors(module):
        if owner:
            desired = Desired(name, owner=owner, allow_other_owner=module.params["allow_other_owner"])
            require_owner(desired, read_instance(client, name))
        if module.check_mode:
            module.exit_json(changed=False)
        url = api.create_presigned_notebook_instance_url(client, name, seconds)
        module.exit_json(changed=False, authorized_url=url)


if __name__ == "__main__":
    main()
