#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# The action plugin of the same name does the work.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: notebook_terminal
version_added: 0.1.0
short_description: Run a command in a terminal of a notebook instance
description:
  - Opens a terminal of JupyterLab, as a browser does, runs a command there as the instance's person, and closes it.
  - It needs a presigned URL, which is a secret. Give the task C(no_log=true); what was printed is in the result.
  - A command that ends with another status than 0, or an instance that does not answer, is a result and no failure.
  - Runs on the controller, in check mode as well.
author: The datalab.notebooks contributors (@datalab)
options:
  url:
    description: The presigned URL. It is in no result.
    type: str
    required: true
  argv:
    description: The command and its arguments, which no shell looks into.
    type: list
    elements: str
    required: true
  timeout:
    description: For how many seconds the command may print nothing.
    type: int
    default: 3600
extends_documentation_fragment:
  - datalab.notebooks.attributes.info
"""

EXAMPLES = r"""
- name: Create a presigned URL
  datalab.notebooks.sagemaker_notebook_presigned_url:
    name: datalab-alice
    owner: alice
  register: asked
  no_log: true

- name: Check a project
  datalab.notebooks.notebook_terminal:
    url: "{{ asked.authorized_url }}"
    argv: [datalab, check, efs/teams/research/alice/clusters]
  register: checked
  no_log: true
"""

RETURN = r"""
status:
  description: The status that the command has ended with; 255 if Jupyter cannot be reached.
  returned: always
  type: int
  sample: 0
output:
  description: What it has printed.
  returned: always
  type: str
  sample: "clusters: no faults"
"""
