# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Shows the progress of the module of the same name."""

from __future__ import annotations

from ansible_collections.datalab.notebooks.plugins.plugin_utils.progress import ActionWithProgress


class ActionModule(ActionWithProgress):
    """The module, with its progress while it waits."""
