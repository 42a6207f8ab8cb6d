# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check, deliver and follow a notebook: the command `datalab`."""

from __future__ import annotations

__version__ = "0.1.0"
