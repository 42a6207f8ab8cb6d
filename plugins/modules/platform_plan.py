#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: platform_plan
version_added: 0.1.0
short_description: Plan what turns a platform into the one that an inventory describes
description:
  - Reads the inventory, checks it as M(datalab.notebooks.preflight) does, reads what AWS has of all sections, and
    returns what has to be created, changed and removed. Changes nothing, in check mode or not.
  - Fails with all mistakes of the inventory at once, before the first call, and with all conflicts with what AWS has at
    once, before anything is changed. A problem of one person's instance does not fail the module; it is in
    RV(fleet).
  - Runs on the controller, once for a play. Takes the connection options of every amazon.aws module.
author: The datalab.notebooks contributors (@datalab)
options:
  sections:
    description: The sections of the platform to plan. V(fleet) is the people and their instances.
    type: list
    elements: str
    choices: [network, storage, access, costs, fleet]
    default: [network, storage, access, costs, fleet]
  given_by:
    description: The sections that only give the others ids. They are not planned, and take the fewest calls.
    type: list
    elements: str
    choices: [network, storage, access, costs, fleet]
    default: []
  removal:
    description: Whether to plan the removal of these sections.
    type: bool
    default: false
  keep_used:
    description: Whether a removal leaves what others use. Without it that is a failure.
    type: bool
    default: false
  compare_instances:
    description:
      - Whether to ask AWS what would happen to the instances.
      - M(datalab.notebooks.sagemaker_notebook_fleet) compares them as well, so a run that calls it next needs no answer
        here.
    type: bool
    default: true
  denials:
    description: Whether to read which teams have spent their budget, and are denied to create and start instances.
    type: bool
    default: false
  person:
    description: One person whose instance is to be removed, and who may have left the inventory already.
    type: str
  leaving:
    description:
      - Names and ids of what an earlier part of a removal has removed. AWS removes their network interfaces later,
        so the plan waits for these, and does not count them as users of the network.
      - The plan of all sections returns them as C(leaving) with the C(ids) of the network.
    type: list
    elements: str
    default: []
seealso:
  - module: datalab.notebooks.preflight
  - module: datalab.notebooks.platform_tell
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes.plan
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Plan everything
  datalab.notebooks.platform_plan:
  register: _platform_plan

- name: Plan the removal of the network
  datalab.notebooks.platform_plan:
    sections: [network]
    removal: true
"""

RETURN = r"""
network:
  description:
    - The plan of a section, C(storage) and C(access) alike - C(changes) for people, each with C(action), C(text), and
      C(before) and C(after) where they are worth reading; C(notes) about what is left alone; C(ids); and C(steps), the
      lists that the tasks of the role loop over.
  returned: when asked for
  type: dict
  sample:
    changed: true
    changes:
      - {action: create, text: endpoint athena, before: "", after: ""}
fleet:
  description:
    - The C(instances) and C(lifecycle_configs) as M(datalab.notebooks.sagemaker_notebook_fleet) takes them, the
      resources that they need and that are C(missing), the C(missing_roles) by person, and C(compared), what that
      module would do.
  returned: when asked for
  type: dict
  sample: {instances: [], lifecycle_configs: [], missing: {}, missing_roles: {}}
denied:
  description: A sentence for each team that may not create or start instances, with O(denials).
  returned: success
  type: list
  elements: str
  sample: []
would_change:
  description: Whether there is something to do.
  returned: success
  type: bool
  sample: true
"""
