# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`wait` and `wait_timeout`."""

from __future__ import annotations


class ModuleDocFragment:
    """Waiting for instances."""

    DOCUMENTATION = r"""
options:
  wait:
    description:
      - Whether to wait until each instance is where it is to be.
      - A wait of more than 10 seconds shows its progress when the task runs on the controller.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait, in seconds. A start takes two to five minutes on AWS.
    type: int
    default: 900
"""
