# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the site of the docs is like; tests/tools/docs.py builds it, and gives include_patterns."""

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

# What the reference refers to in Ansible's own docs. To ask these for their labels would take the network.
ANSIBLE = "https://docs.ansible.com/ansible/latest"
LABELS = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}


def of_ansible(_app: Sphinx, _environment: Any, asked: Any, text: Any) -> nodes.reference | None:
    """A link to Ansible's docs, or to those of another collection."""
    label = asked["reftarget"]
    prefix, _, rest = label.partition("ansible_collections.")
    page = f"collections/{rest.replace('.', '/')}.html" if rest and not prefix else LABELS.get(label)
    if page is None or rest.startswith("datalab."):
        return None
    return nodes.reference("", "", text, refuri=f"{ANSIBLE}/{page}")


def setup(app: Sphinx) -> None:
    app.connect("missing-reference", of_ansible)
