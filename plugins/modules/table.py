#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# The action plugin of the same name does the work.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: table
version_added: 0.1.0
short_description: Print a table
description:
  - Prints rows as a table for people, with aligned columns, whatever the callback makes of other output.
author: The datalab.notebooks contributors (@datalab)
options:
  rows:
    description:
      - The rows, all with the same keys, which are the headings.
    type: list
    elements: dict
    required: true
  empty:
    description: What to print when there are no rows.
    type: str
    default: (nothing)
extends_documentation_fragment:
  - datalab.notebooks.attributes.info
"""

EXAMPLES = r"""
- name: Print who has what
  datalab.notebooks.table:
    rows:
      - {owner: alice, type: ml.t3.medium}
      - {owner: bob, type: ml.m5.xlarge}
"""

RETURN = r"""
lines:
  description: The lines that were printed.
  returned: always
  type: list
  elements: str
  sample:
    - "owner  type"
    - "-----  ------------"
    - "alice  ml.t3.medium"
    - "bob    ml.m5.xlarge"
"""
