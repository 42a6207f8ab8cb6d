#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# The action plugin of the same name does the work.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: access_policies
version_added: 0.1.0
short_description: Render the policies of a notebook platform
description:
  - Renders the policies that the role C(platform_access) would send to AWS for an inventory, for reading
    and approval, and the policies that the operator needs. Writes no file and does not call AWS.
  - The account is 000000000000. Made-up ids stand for subnets, a security group and a bucket that do not exist yet.
  - Fails with one sentence for each mistake in the settings, and if a policy is too long for AWS.
  - Runs on the controller.
author: The datalab.notebooks contributors (@datalab)
options: {}
extends_documentation_fragment:
  - datalab.notebooks.attributes.info
seealso:
  - module: datalab.notebooks.preflight
"""

EXAMPLES = r"""
- name: Render the policies
  datalab.notebooks.access_policies:
  register: rendered

- name: Print the names of the policies
  ansible.builtin.debug:
    msg: "{{ rendered.policies | map(attribute='name') }}"
"""

RETURN = r"""
policies:
  description: The managed policies, and last the trust policy of the roles.
  returned: success
  type: list
  elements: dict
  sample:
    - name: datalab-boundary
      description: The most that a role of the platform may do
      document:
        Version: "2012-10-17"
        Statement:
          - {Sid: Never, Effect: Deny, Action: [iam:*], Resource: "*"}
operator_policies:
  description:
    - The managed policies of who runs the playbooks, one for each part of the platform. For C(fleet), C(user),
      C(status) and the other playbooks for instances the first is enough, for C(site) and C(destroy) it takes all.
    - In the place of the account they have a C(*), since an identity policy holds in its own account.
  returned: success
  type: list
  elements: dict
  sample:
    - name: operator-datalab-instances
      description: What the playbooks for instances do
      document:
        Version: "2012-10-17"
        Statement:
          - {Sid: Read, Effect: Allow, Action: [sagemaker:ListNotebookInstances], Resource: "*"}
"""
