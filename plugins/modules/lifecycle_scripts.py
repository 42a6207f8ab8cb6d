#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# The action plugin of the same name does the work.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: lifecycle_scripts
version_added: 0.1.0
short_description: Render the scripts of a lifecycle configuration
description:
  - Renders the on-create and on-start scripts of a notebook instance from the variables of the role C(notebook_host),
    the same bytes for the same variables at any time. Asks nothing of AWS.
  - Fails with one sentence for each mistake in the variables, if AWS would not take the scripts because of their
    length, and if bash cannot read them (where there is bash).
  - Runs on the controller.
author: The datalab.notebooks contributors (@datalab)
options:
  settings:
    description:
      - Variables C(notebook_host_*), as the role C(notebook_host) describes them. What is not given has the role's
        default.
      - If it is left out, the variables of the host are taken.
    type: dict
extends_documentation_fragment:
  - datalab.notebooks.attributes.info
seealso:
  - module: datalab.notebooks.sagemaker_notebook_lifecycle_config
"""

EXAMPLES = r"""
- name: Render the scripts of a viewer
  datalab.notebooks.lifecycle_scripts:
    settings:
      notebook_host_efs_dns_name: fs-0123456789abcdef0.efs.eu-central-1.amazonaws.com
      notebook_host_efs_read_only: true
      notebook_host_steps: [efs, jupyter, viewer]
  register: scripts

- name: Upload them
  datalab.notebooks.sagemaker_notebook_lifecycle_config:
    name: viewer
    on_create: "{{ scripts.on_create }}"
    on_start: "{{ scripts.on_start }}"
"""

RETURN = r"""
on_create:
  description: What runs once, when an instance is created.
  returned: success
  type: str
  sample: "#!/bin/bash\n# Runs once, when a notebook instance is created. …"
on_start:
  description: What runs at each start, with its settings in plain text and its program packed.
  returned: success
  type: str
  sample: "#!/bin/bash\n# Made by datalab.notebooks.notebook_host\n…"
on_start_unpacked:
  description: What RV(on_start) unpacks on an instance, to be read and checked.
  returned: success
  type: str
  sample: "#!/bin/bash\nSTEPS=(efs jupyter)\n…"
tools:
  description: The files that instances fetch, where each is on the controller, and where a mirror must have it.
  returned: success
  type: list
  elements: dict
  sample: [{src: /srv/report.py, key: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08/report.py}]
sizes:
  description: The characters in base64 that the frame of RV(on_start) needs, and that each step adds to it.
  returned: success
  type: dict
  sample: {frame: 3080, efs: 1120, jupyter: 548}
size:
  description: The characters of RV(on_start) in base64, which is what AWS counts.
  returned: success
  type: int
  sample: 4320
size_limit:
  description: How many of them AWS takes.
  returned: success
  type: int
  sample: 16384
problems:
  description: One sentence for each mistake.
  returned: failure
  type: list
  elements: str
  sample:
    - notebook_host_idle_timeout is -1; it must be a number of seconds, for example 3600, or 0 for never
"""
