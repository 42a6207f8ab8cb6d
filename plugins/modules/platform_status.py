#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: platform_status
version_added: 0.1.0
short_description: Print the table of instances
description:
  - Prints for each instance its owner, team, type, state, idle limit, lifecycle configuration and waiting changes;
    and the unmanaged instances.
  - Reads the plan and the result of the fleet as M(datalab.notebooks.platform_tell) does.
author: The datalab.notebooks contributors (@datalab)
options: {}
extends_documentation_fragment:
  - datalab.notebooks.attributes.info
"""

EXAMPLES = r"""
- name: Show the instances
  datalab.notebooks.platform_status:
"""

RETURN = r"""
lines:
  description: The lines that were printed.
  returned: always
  type: list
  elements: str
  sample:
    - "owner  team      type"
state:
  description: The instances, and those that the inventory does not have, as the fleet module returns them.
  returned: always
  type: dict
  sample: {instances: [], unmanaged: []}
"""
