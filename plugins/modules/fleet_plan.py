#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: fleet_plan
version_added: 0.1.0
short_description: Plan some settings of the instances of people
description:
  - Reads and checks the inventory as M(datalab.notebooks.preflight) does, and returns the instances of the people of
    the run with some options only, as M(datalab.notebooks.sagemaker_notebook_fleet) takes them.
  - Runs on the controller, once for a play. Changes nothing.
author: The datalab.notebooks contributors (@datalab)
options:
  only:
    description: The options that the instances have as the inventory says.
    type: list
    elements: str
    default: []
  override:
    description: The options that they have whatever the inventory says.
    type: dict
    default: {}
  existing:
    description: Whether to leave out people who have no instance, which takes a look at AWS.
    type: bool
    default: false
  upgrade_to:
    description: With O(existing), also returns who moves to this OS from one that AWS has retired.
    type: str
  upgrade_batch:
    description: How many of them move at a time.
    type: int
    default: 10
  person:
    description: One person, who may have left the inventory already.
    type: str
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes.plan
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Plan to stop the instances of the people of this run
  datalab.notebooks.fleet_plan:
    override: {state: stopped}
  register: _platform_plan
"""

RETURN = r"""
fleet:
  description: The C(instances), and with O(existing) what the fleet module would do as C(compared).
  returned: success
  type: dict
  sample:
    instances:
      - {name: datalab-alice, owner: alice, state: stopped}
"""
