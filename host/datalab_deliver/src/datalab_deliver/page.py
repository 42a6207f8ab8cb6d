# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A notebook as a self-contained page, and the contents of its card in the index."""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Sequence

import jinja2
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from PIL import Image

from . import cells
from .check.words import title

# nbconvert's JupyterLab page without what it would load from the Internet: formulas stay as they were written.
TEMPLATE = """{% extends 'lab/index.html.j2' %}
{% block html_head_js_requirejs %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
{% block jupyter_widgets %}{% endblock %}
{% block html_head_css %}{{ super() }}
<style>
.jp-InputArea-editor pre { white-space: pre-wrap; overflow-wrap: anywhere; }
nav { font: 13px/1.5 system-ui, sans-serif; padding: .5rem 2rem; border-bottom: 1px solid #8886; }
nav a { color: #0550ae; text-decoration: underline; }
</style>
{% endblock %}
{% block body_header %}{{ super() }}
<nav><a href="{{ resources.index }}">Completed projects</a>
{% for text in resources.about %} · {{ text | escape }}{% endfor %}</nav>
{% endblock %}
"""
# With these limits, an index of 200 cards with a figure each has less than 1 MB.
FIGURE = (240, 160)
LARGEST = 2_400
WORDS = 240  # characters


def html(nb: NotebookNode, name: str, about: Sequence[str], up: str) -> str:
    """Return a notebook's page with all outputs and pictures inside, the facts in `about`, and a link to the index."""
    exporter = HTMLExporter(
        extra_loaders=[jinja2.DictLoader({"page.html.j2": TEMPLATE})], template_file="page.html.j2", embed_images=True
    )
    shown = title_of(nb) or name
    told = {"metadata": {"name": shown}, "about": list(about), "index": f"{up}index.html"}
    text: str = exporter.from_notebook_node(nb, resources=told)[0]
    return text


def title_of(nb: NotebookNode) -> str:
    return next(filter(None, map(title, cells.markdown(nb))), "")


def words(nb: NotebookNode) -> str:
    """Return the first paragraph of more than 5 words, shortened and without Markdown's markup."""
    for source in cells.markdown(nb):
        for paragraph in re.split(r"\n\s*\n", source):
            text = re.sub(r"\s+", " ", re.sub(r"[*_`]|\[|\]\([^)]*\)|<[^>]*>", "", paragraph)).strip()
            if not paragraph.lstrip().startswith(("#", "<", "|", "```")) and len(text.split()) > 5:
                return text if len(text) <= WORDS else text[:WORDS].rsplit(" ", 1)[0] + " …"
    return ""


def figure(nb: NotebookNode) -> str | None:
    """Return the first figure, made small, as a data URL."""
    for _, cell in cells.code(nb):
        for output in cell.outputs:
            for kind in ("image/png", "image/jpeg"):
                if kind in output.get("data", {}) and (small := thumbnail(output.data[kind])):
                    return small
    return None


def thumbnail(encoded: str) -> str | None:
    """Return a picture as a WebP data URL of at most some thousand bytes; None if it is no picture or stays larger."""
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGBA")
    except (OSError, ValueError, binascii.Error, Image.DecompressionBombError):
        return None
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture)
    flat = white.convert("RGB")
    flat.thumbnail(FIGURE)
    for quality in (60, 40, 20, 5):
        file = io.BytesIO()
        flat.save(file, "WEBP", quality=quality, method=6)
        if len(file.getvalue()) <= LARGEST:
            return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
    return None
