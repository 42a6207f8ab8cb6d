# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Recipes for parsed pages, templates and interactive plots."""

from __future__ import annotations

import importlib
from typing import Any

from .common import Recipe, Reduced


class _Last:
    """The elements of the last page in order, kept because a list may have thousands of elements of one page."""

    def __init__(self) -> None:
        self.page: Any = None
        self.elements: list[Any] = []
        self.places: dict[int, int] = {}

    def meet(self, page: Any) -> None:
        if page is not self.page:
            self.page, self.elements = page, list(page.descendants)
            self.places = {id(element): place for place, element in enumerate(self.elements)}


last = _Last()


def _element(element: Any, _: Any) -> Reduced:
    """Reduce an element of a page to its place in the page, which is parsed again."""
    page = element
    while page.parent is not None:
        page = page.parent
    if page is element or type(page).__name__ != "BeautifulSoup":
        return None
    last.meet(page)
    return _find, (page, last.places[id(element)], str(element))


def _find(page: Any, place: int, text: str) -> Any:
    last.meet(page)
    element = last.elements[place]
    if str(element) != text:
        raise ValueError("the page was changed after it had been parsed")
    return element


def _template(template: Any, _: Any) -> Reduced:
    space = template.root_render_func.__globals__
    parts = {name: space[name] for name in ("name", "blocks", "root", "debug_info")}
    return _make_template, (template.environment, parts, dict(template.globals.maps[0]))


def _make_template(environment: Any, parts: dict[str, Any], more: dict[str, Any]) -> Any:
    template = importlib.import_module("jinja2").Template
    return template._from_namespace(environment, {**parts, "__file__": "<template>"}, environment.make_globals(more))


def _figure(figure: Any, _: Any) -> Reduced:
    """Reduce a figure of plotly, whose own pickle holds arrays as text."""
    if hasattr(figure, "comm"):
        raise TypeError("a widget, which lives in the page")
    frames = [frame.to_plotly_json() for frame in figure.frames]
    return type(figure), (figure._data, figure._layout, frames)


ALWAYS: dict[Any, Recipe] = {
    "bs4.element.PageElement": _element,
    "jinja2.environment.Template": _template,
    "plotly.basedatatypes.BaseFigure": _figure,
}
