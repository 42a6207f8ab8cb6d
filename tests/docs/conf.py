# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of Sphinx for the site of the docs; tests/tools/docs.py builds it and passes include_patterns."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

project = "datalab.notebooks"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "furo"
html_title = project
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
root_doc = "docs/index"
myst_heading_anchors = 3

# Ansible's pages for the labels that the reference uses. To ask Ansible's docs for the labels would need the network.
ANSIBLE = "https://docs.ansible.com/ansible/latest"
LABELS = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}


def of_ansible(_app: Sphinx, _environment: Any, asked: Any, text: Any) -> nodes.reference | None:
    """Return a link to Ansible's docs, or to those of another collection; None for any other label."""
    label = asked["reftarget"]
    prefix, _, rest = label.partition("ansible_collections.")
    page = f"collections/{rest.replace('.', '/')}.html" if rest and not prefix else LABELS.get(label)
    if page is None or rest.startswith("datalab."):
        return None
    return nodes.reference("", "", text, refuri=f"{ANSIBLE}/{page}")


def setup(app: Sphinx) -> None:
    app.connect("missing-reference", of_ansible)
