# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test in the sandbox or an account what the platform believes about AWS: docs/conformance.md."""
