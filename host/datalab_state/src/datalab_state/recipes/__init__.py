# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Recipes for kinds of objects that a pickle cannot hold, or holds wrongly.

A recipe returns a reduction like `__reduce_ex__`, or None for the usual way, or raises TypeError with the reason. It
must not change anything, not even in open files. It is found by the object's class or a base class; a class that may
not be installed is given by its name.
"""

from __future__ import annotations

from typing import Any

from . import aws, databases, files, functions, objects, pages, tensors, threads
from .common import Partly, Recipe, refuse

__all__ = ["KINDS", "OFF", "Partly", "Table"]

KINDS: dict[str, dict[Any, Recipe]] = {
    "files": files.RECIPES,
    "sqlite": databases.RECIPES,
    "engines": databases.WITH_PASSWORDS,
    "boto3": aws.RECIPES,
    "locks": threads.RECIPES,
    "generators": functions.RECIPES,
}
OFF = {
    "files": "an open file (the recipe `files` is off)",
    "sqlite": "a database (the recipe `sqlite` is off)",
    "boto3": "a client of AWS (the recipe `boto3` is off)",
}


class Table:
    """The active recipes, by class."""

    def __init__(self, kinds: frozenset[str]) -> None:
        self._recipes: dict[Any, Recipe] = {}
        for module in (files, databases, threads, functions, objects, pages, tensors):
            self._recipes.update(module.ALWAYS)
        for kind, recipes in KINDS.items():
            if kind in kinds:
                self._recipes.update(recipes)
            elif kind in OFF:
                self._recipes.update(dict.fromkeys(recipes, refuse(OFF[kind])))
        self._known: dict[type, Recipe | None] = {}

    def of(self, kind: type) -> Recipe | None:
        if kind not in self._known:
            self._known[kind] = self._find(kind)
        return self._known[kind]

    def _find(self, kind: type) -> Recipe | None:
        if issubclass(kind, type):
            return None
        for cls in kind.__mro__:
            recipe = self._recipes.get(cls) or self._recipes.get(f"{cls.__module__}.{cls.__qualname__}")
            if recipe:
                return recipe
        return None
