#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# The action plugin of the same name does the work.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: browser
version_added: 0.1.0
short_description: Open a secret URL in the browser
description:
  - Opens a URL in the browser of the one who runs the playbook, so that no other user of the computer can read it.
  - The list of processes shows what a browser is given. So it is given the name of a file that only this user can read,
    which leads to an address on the loopback interface that is good once, which leads to the URL.
  - The file is in the home directory, and removed when the browser has come, or after O(timeout).
  - Runs on the controller. Give the task C(no_log=true).
  - The browser is the one of the desktop, or the command in the environment variable C(BROWSER).
author: The datalab.notebooks contributors (@datalab)
options:
  url:
    description: The URL. It is in no result.
    type: str
    required: true
  timeout:
    description: For how many seconds to wait for the browser.
    type: int
    default: 30
extends_documentation_fragment:
  - datalab.notebooks.attributes.info
"""

EXAMPLES = r"""
- name: Open a URL that is a secret
  datalab.notebooks.browser:
    url: "{{ asked.authorized_url }}"
  no_log: true
"""

RETURN = r"""
opened:
  description: Whether a browser has asked for the URL.
  returned: always
  type: bool
  sample: true
"""
