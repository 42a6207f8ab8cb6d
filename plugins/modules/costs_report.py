#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# The action plugin of the same name does the work.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: costs_report
version_added: 0.1.0
short_description: Report what a platform cost
description:
  - Reads the inventory, the instances, their hours, the prices and AWS's bill; counts, prints a table, and writes a
    page, a CSV file and a JSON file.
  - Runs on the controller. Changes nothing but these files.
attributes:
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second run changes nothing.
    support: none
    details: The files have the time of the report, and a running instance costs more each second.
author: The datalab.notebooks contributors (@datalab)
options:
  month:
    description: A month, such as V(2026-11), or several, such as V(2026-09..2026-11). By default, this month.
    type: str
    default: ""
  directory:
    description: Where the files are written, named by the month.
    type: path
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - datalab.notebooks.attributes.plan
  - datalab.notebooks.attributes.action_group
"""

EXAMPLES = r"""
- name: Report what October cost
  datalab.notebooks.costs_report:
    month: 2026-10
    directory: costs
"""

RETURN = r"""
report:
  description: The sums, doubts about them, and decisions to take.
  returned: success
  type: dict
  sample: {total: 1748.77, forecast: 2015.1, sources: [], warnings: [], decide: []}
files:
  description: The files; in check mode those that would be written.
  returned: success
  type: list
  elements: str
  sample: [costs/2026-10.html, costs/2026-10.csv, costs/2026-10.json]
bucket:
  description: The bucket for query results, to which they can be uploaded.
  returned: success
  type: str
  sample: datalab-results-123456789012-eu-central-1
"""
