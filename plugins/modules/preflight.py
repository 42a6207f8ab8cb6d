#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: preflight
version_added: 0.1.0
short_description: Check an inventory without asking AWS
description:
  - Checks everybody in the inventory and the variables of all roles of this collection, and fails with B(all) mistakes
    in one message, each with the person or section, the variable, the value, the rule and the remedy.
  - Needs neither credentials nor a network. With C(-l), the own variables of other people are not looked at.
  - Runs on the controller.
author: The datalab.notebooks contributors (@datalab)
options:
  sections:
    description: >-
      The parts of the platform whose settings are checked. V(fleet) is the people and their instances; V(stand_ins) is
      the hosts of the group C(stand_ins), machines that stand in for instances.
    type: list
    elements: str
    choices: [network, storage, access, costs, fleet, stand_ins]
    default: [network, storage, access, costs, fleet]
seealso:
  - module: datalab.notebooks.platform_plan
extends_documentation_fragment:
  - datalab.notebooks.attributes.info
"""

EXAMPLES = r"""
- name: Check the inventory
  datalab.notebooks.preflight:
"""

RETURN = r"""
people:
  description: Whom the run is about, with their teams and the names of their instances.
  returned: success
  type: list
  elements: dict
  sample:
    - {name: alice, team: research, instance: datalab-alice}
stand_ins:
  description: The machines that the run is about, if they take part.
  returned: success
  type: list
  elements: str
  sample: [lab-1]
"""
