#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: instance_outcome
version_added: 0.1.0
short_description: Give a person's host the result of the person's instance
description:
  - Returns changed or failed as it was for this host's instance, so that the recap of a run tells people apart.
  - Reads the plan and the result of the fleet as M(datalab.notebooks.platform_tell) does, of this host, or
    else of localhost.
author: The datalab.notebooks contributors (@datalab)
options: {}
extends_documentation_fragment:
  - datalab.notebooks.attributes.info
"""

EXAMPLES = r"""
- name: Report the result of the instance
  datalab.notebooks.instance_outcome:
"""

RETURN = r"""
name:
  description: The name of the instance.
  returned: when the person has one
  type: str
  sample: datalab-alice
status:
  description: Its state.
  returned: when the person has one
  type: str
  sample: InService
before:
  description: What was changed, with the old values.
  returned: when the person has one
  type: dict
  sample: {volume_size_in_gb: 5}
after:
  description: What was changed, with the new values.
  returned: when the person has one
  type: dict
  sample: {volume_size_in_gb: 20}
pending:
  description: What waits until the instance is stopped.
  returned: when the person has one
  type: dict
  sample: {}
"""
