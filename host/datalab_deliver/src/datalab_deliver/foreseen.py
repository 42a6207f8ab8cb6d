# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the text of a notebook tells about its artifacts, so that nobody waits for two runs before a refusal.

Only what is certain counts, since a delivery that the runs would allow must not be refused. The runs tell the rest.
"""

from __future__ import annotations

import ast
import re

from .effects import Analysis, Effect
from .scopes import Function, declared, functions_and_classes, imported, stored
from .sharing import by_part

A_LAMBDA = "<lambda>"
# Objects of libraries that keep what they are made of.
HOLDERS = re.compile(
    r"functools\.partial$|sklearn\.(pipeline|compose)\.\w+$|sklearn\.preprocessing\.FunctionTransformer$"
    r"|sklearn\.model_selection\.\w+SearchCV$"
)
DISPLAYS = (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp)
KINDS = {"scalar", "flat", "own", ""}  # as kind_of in record.py returns them
# Decorators that return the same class; base classes of objects that are no numbers, and whose pickles name their
# class; methods that change that.
DECORATORS = {"dataclass", "dataclasses.dataclass", "total_ordering", "functools.total_ordering"}
BASES = re.compile(r"(sklearn\.base\.\w+|abc\.ABC|enum\.Enum|typing\.NamedTuple|torch\.nn\.Module)$")
OTHERWISE = {"__new__", "__reduce__", "__reduce_ex__"}


class Foreseen:
    """What is certain about the values of names at the end of a notebook."""

    def __init__(self, analysis: Analysis) -> None:
        self.names, self.nodes = analysis.names, analysis.nodes
        self.classes: dict[str, list[ast.ClassDef]] = {}  # each with its base classes
        self.displays: set[str] = set()
        self.objects: dict[str, str] = {}  # names, and the class of the notebook of which the value is an object
        self.insides: dict[str, set[str]] = {}  # names, and the functions and classes that the value has inside
        self.fixed: set[str] = set()  # names whose value has the same inside even if it is altered
        for node, effect in zip(self.nodes, analysis.effects()):
            self.follow(node, effect)
        for name in set().union(*map(declared, self.nodes)):
            self.forget(name)

    def named(self, name: str) -> set[str]:
        """Return the functions and classes that the pickle of a name's value names, and A_LAMBDA if it has one."""
        return self.insides.get(name, set())

    def kinds(self, name: str) -> set[str]:
        """Return the kinds of which the value may be."""
        if name in self.displays:
            return KINDS - {"scalar"}
        return {"own"} if name in self.objects else KINDS

    def follow(self, node: ast.stmt, effect: Effect) -> None:
        for name in effect.alters - self.fixed if not fits(node) else ():
            self.insides.pop(name, None)
        pairs = [(name, value, self.inside(value), self.object_of(value)) for name, value in assigned(node)]
        for name in effect.defines:
            self.forget(name)
        for name, value, inside, made in pairs:
            self.insides[name] = inside
            if made:
                self.objects[name] = made
            if made or isinstance(value, ast.Lambda):
                self.fixed.add(name)
            if isinstance(value, DISPLAYS):
                self.displays.add(name)
        for item in functions_and_classes(node):
            sure = item is node or item.name not in stored([node]) | imported(node).keys()
            if sure and is_itself(item):
                self.define(item)

    def define(self, item: Function | ast.ClassDef) -> None:
        self.insides[item.name] = {item.name}
        self.fixed.add(item.name)
        if isinstance(item, ast.ClassDef) and all(map(self.is_known, item.bases)):
            bases = [each for base in item.bases for each in self.classes.get(getattr(base, "id", ""), [])]
            self.classes[item.name] = [item, *bases]

    def is_known(self, base: ast.expr) -> bool:
        return getattr(base, "id", "") in {"object", *self.classes} or bool(BASES.match(self.names.path(base)))

    def forget(self, name: str) -> None:
        for known in (self.classes, self.objects, self.insides):
            known.pop(name, None)
        self.displays.discard(name)
        self.fixed.discard(name)

    def inside(self, value: ast.expr) -> set[str]:
        """Return the functions and classes that a value has inside."""
        if isinstance(value, ast.Lambda):
            return {A_LAMBDA}
        if isinstance(value, ast.Name):
            return self.named(value.id)
        made = self.object_of(value)
        return {made} if made else set().union(*map(self.inside, self.parts(value)))

    def parts(self, value: ast.expr) -> list[ast.expr]:
        """Return what a value keeps: the elements of a list, the steps of a pipeline."""
        if isinstance(value, (ast.List, ast.Tuple, ast.Set)):
            return value.elts
        if isinstance(value, ast.Dict):
            keys = [key for key in value.keys if key]
            return [*keys, *value.values] if len(keys) == len(value.values) else []
        if isinstance(value, ast.Starred):
            return [value.value]
        if isinstance(value, ast.Call) and HOLDERS.match(self.names.path(value.func)):
            return [*value.args, *(item.value for item in value.keywords)]
        fitted = base_of_fit(value)
        return [fitted] if fitted and not self.object_of(fitted) else []

    def object_of(self, value: ast.expr) -> str:
        """Return the class of the notebook of which a value is an object."""
        if isinstance(value, ast.Name):
            return self.objects.get(value.id, "")
        if fitted := base_of_fit(value):
            made = self.object_of(fitted)
            methods = [item for each in self.classes.get(made, []) for item in each.body if is_fit(item)]
            return made if methods and all(map(returns_itself, methods)) else ""
        name = getattr(value.func, "id", "") if isinstance(value, ast.Call) else ""
        return name if name in self.classes else ""


def assigned(node: ast.stmt) -> list[tuple[str, ast.expr]]:
    """Return the names to which a statement assigns values, with the values."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
    pairs = [pair for target in targets if value for pair in by_part(target, value)]
    return [(each.id, given) for each, given in pairs if isinstance(each, ast.Name) and isinstance(given, ast.expr)]


def base_of_fit(value: ast.AST | None) -> ast.expr | None:
    """Return what a call of `fit` fits, and mostly returns."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "fit":
        return value.func.value
    return None


def fits(node: ast.stmt) -> bool:
    """Return whether a statement only fits something: then it still has the same parts."""
    return base_of_fit(getattr(node, "value", None)) is not None


def is_itself(item: ast.AST) -> bool:
    """Return whether the name of a definition stands for it, and a class makes objects whose pickles name the class."""
    decorators = [each.func if isinstance(each, ast.Call) else each for each in getattr(item, "decorator_list", [])]
    if not isinstance(item, ast.ClassDef):
        return not decorators
    otherwise = OTHERWISE & {getattr(part, "name", "") for part in item.body}
    return not otherwise and not item.keywords and {ast.unparse(each) for each in decorators} <= DECORATORS


def is_fit(item: ast.AST) -> bool:
    return isinstance(item, ast.FunctionDef) and item.name == "fit"


def returns_itself(method: ast.stmt) -> bool:
    """Return whether a method ends with `return self`, and returns nothing else."""
    if not isinstance(method, ast.FunctionDef) or not method.args.args or method.decorator_list:
        return False
    values = [item.value for item in ast.walk(method) if isinstance(item, ast.Return)]
    same = all(getattr(value, "id", "") == method.args.args[0].arg for value in values)
    return same and isinstance(method.body[-1], ast.Return)
