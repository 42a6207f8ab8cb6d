#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: platform_tell
version_added: 0.1.0
short_description: Print what a run did, or would do
description:
  - Prints one table by person and by section of the platform. Differences are listed, unchanged resources are counted.
  - Reads C(_platform_plan) or C(_notebook_fleet_plan), which M(datalab.notebooks.platform_plan) has returned, and
    C(notebook_fleet_result), which M(datalab.notebooks.sagemaker_notebook_fleet) has returned. They may be long, so
    they are not copied.
author: The datalab.notebooks contributors (@datalab)
options:
  applied:
    description: The sections that the run converges. For others the table only says that they differ.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - datalab.notebooks.attributes.info
"""

EXAMPLES = r"""
- name: Show what was done
  datalab.notebooks.platform_tell:
    applied: [network, storage, access, costs]
"""

RETURN = r"""
lines:
  description: The lines that were printed.
  returned: always
  type: list
  elements: str
  sample:
    - "created    ivan (ops)  datalab-ivan, ml.t3.medium, 20 GiB"
recap:
  description: The people who get a line in the recap.
  returned: always
  type: list
  elements: str
  sample: [ivan]
"""
