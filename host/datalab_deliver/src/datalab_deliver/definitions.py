# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The classes and functions of a notebook that its artifacts name, as a module of the project.

A pickle has the names of a class and of its module, but not the code of the class. So the code that computes an
artifact and the code that serves it import the class from one module, definitions.py. That module has to be the same
wherever and whenever it is imported: it has classes, functions, imports and constants, but nothing that cells compute.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from . import writer
from .calling import Problem, brings, of_code, of_state
from .effects import Analysis, Effect
from .pure import WITHOUT_NAME, Strict
from .scopes import declared, implicit, imported
from .sharing import root
from .source import Source, Statement
from .words import ASKS, FRESH_BUILTINS, SHARING_BUILTINS

MODULE = "definitions"
# Functions that return the same for the same arguments; of numpy, all but its random generators.
CONSTANT = re.compile(
    r"(re|math|cmath|collections|typing|decimal|fractions|enum|datetime|string|operator|functools|dataclasses|numpy)\."
)
# Methods that Python calls where code creates or alters an object, such as `a[0] = 1`: these may alter it.
TO_ALTER = set(
    """
    __init__ __new__ __post_init__ __set_name__ __init_subclass__ __setattr__ __delattr__ __setitem__ __delitem__
    __set__ __delete__ __setstate__ __iadd__ __isub__ __imul__ __itruediv__ __ior__ __iand__ __enter__ __exit__
    """.split()
)


class Definitions:
    """The definitions that may go into the module, and those of them that the artifacts need."""

    def __init__(self, read: Source, inputs: Mapping[str, str]) -> None:
        self.read, self.inputs = read, inputs
        self.nodes = [statement.node for statement in read.statements]
        self.analysis = Analysis(read.statements)
        self.effects = self.analysis.effects()
        self.strict = Strict(self.analysis)
        self.numbers: set[int] = set()
        self.problems: list[Problem] = []

    def find(self, named: Iterable[str], others: Iterable[str]) -> None:
        """Add the named definitions with all that they need, and those of the others that have no problems."""
        for name in sorted(others):
            known = self.numbers.copy(), self.problems
            self.problems = []
            self.add(name)
            self.problems += self.serving([name])
            if self.problems:
                self.numbers = known[0]
            self.problems = known[1]
        for name in sorted(named):
            self.add(name)
        self.problems += [*self.serving(named), *of_code(self.analysis, self.numbers)]
        if self.numbers:
            self.numbers |= {n for n, node in enumerate(self.nodes) if getattr(node, "module", "") == "__future__"}

    def add(self, name: str, by: str = "") -> None:
        """Add a name that the artifacts use, or a definition that they need."""
        there = self.where(name)
        if not there and name not in self.read.parameters:
            if name not in dir(builtins):
                what = f"{by} uses {name}, which no cell defines"
                self.problems.append((self.where(by)[-1], what, "Define it in a cell"))
        elif name in self.read.parameters or not any(map(self.defines_only, there)):
            self.problems.append(self.computed(name, by))
        elif self.several(there):
            cells = ", ".join(dict.fromkeys(str(self.read.statements[n].cell) for n in there))
            what = f"{name}, which artifacts need, is defined more than once, in cell {cells}"
            self.problems.append((there[-1], what, "Give each another name"))
        elif there[0] not in self.numbers:
            self.numbers.add(there[0])
            self.problems += self.of_statement(there[0], name)
            for used in sorted(self.effects[there[0]].uses):
                if not used.startswith("<"):
                    self.add(used, name)

    def where(self, name: str) -> list[int]:
        return [number for number, effect in enumerate(self.effects) if name in effect.defines]

    def several(self, numbers: Sequence[int]) -> bool:
        """Return whether these are several definitions; two imports of the same thing count as one."""
        alike = len({ast.dump(self.nodes[number]) for number in numbers}) == 1
        return len(numbers) > 1 and not (alike and self.effects[numbers[0]].imports)

    def defines_only(self, number: int) -> bool:
        """Return whether a statement only defines something that is the same each time."""
        node, effect = self.nodes[number], self.effects[number]
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) or effect.imports:
            return True
        if any(brings(node, name) for name in effect.defines):
            return not effect.alters
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        return isinstance(target, ast.Name) and value is not None and len(effect.defines) == 1 and self.constant(value)

    def constant(self, value: ast.expr) -> bool:
        """Return whether a value consists of texts, numbers, names, and calls that always return the same."""
        if any(isinstance(item, (ast.Lambda, ast.Await, ast.JoinedStr)) for item in ast.walk(value)):
            return False
        calls = [item for item in ast.walk(value) if isinstance(item, ast.Call)]
        return all(map(self.makes_the_same, calls))

    def makes_the_same(self, call: ast.Call) -> bool:
        path = self.analysis.names.path(call.func)
        if path:
            return bool(CONSTANT.match(path)) and not path.startswith("numpy.random.")
        if isinstance(call.func, ast.Attribute):
            return call.func.attr in {"split", "join", "lower", "upper", "copy", "keys", "items"}
        name = getattr(call.func, "id", "")
        return name in (FRESH_BUILTINS | SHARING_BUILTINS) - {"id", "hash", "vars"} - self.analysis.assigned

    def computed(self, name: str, by: str) -> Problem:
        there = self.where(name)
        cell = f"cell {self.read.statements[there[-1]].cell}" if there else "a cell with the tag 'parameters'"
        users = self.where(by)
        at = users[-1] if users else there[-1] if there else 0
        if not by:
            what = f"artifacts need {name}, which {cell} defines inside of another statement, or computes"
            return at, what, f"Define {name} in a statement of its own, at the top of a cell"
        remedy = f"Pass it to {by} as an argument; a class can store it on self in __init__"
        return at, f"{by}, which artifacts need, uses {name}, which {cell} computes", remedy

    def of_statement(self, number: int, name: str) -> Iterator[Problem]:
        """Yield what may make a definition differ elsewhere, or later."""
        node, effect = self.nodes[number], self.effects[number]
        remedy = f"Do it where {name} is defined, or give the new value another name"
        altering = [n for n in self.strict.altering(name) if n != number and not effect.imports]
        for other in altering:
            yield other, f"it may alter {name}, which artifacts need", remedy
        inside = self.strict.altering_functions(name) or any(name in declared(each) for each in self.nodes)
        if inside and not altering:
            yield number, f"a function or a method may alter {name}, which artifacts need", "Let it return a new value"
        if isinstance(node, ast.ClassDef) and name not in self.strict.settled:
            what = f"{name}, which artifacts need, has class attributes that its objects may alter"
            yield number, what, "Set it for each object in __init__, or make it a tuple"
        if does := sorted(self.done_by(number) - {name}):
            what = f"{name}, which artifacts need, is defined in a statement that may also alter or read {does[0]}"
            yield number, what, "Do that in a statement of its own"
        if writer.mentions(node, self.inputs):
            yield number, f"{name}, which artifacts need, names an input or __name__", "Make it an argument"

    def done_by(self, number: int) -> set[str]:
        """Return what defining something alters, and which state without a name it reads."""
        effect, decorators = self.effects[number], getattr(self.nodes[number], "decorator_list", [])
        own = [self.analysis.known[root(each)].alters for each in decorators if root(each) in self.analysis.known]
        return self.strict.alters(number, []).union((effect.alters | effect.uses) & WITHOUT_NAME, *own)

    def serving(self, named: Iterable[str]) -> Iterator[Problem]:
        """Yield what makes an answer depend on earlier calls, although the served function does not mention it."""
        for number in sorted(self.numbers):
            node = self.nodes[number]
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name in named:
                yield from ((number, *problem) for problem in self.of_function(node.name))
            if isinstance(node, ast.ClassDef):
                methods = [item for item in ast.walk(node) if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))]
                asked = [item.name for item in methods if is_asked(item)]
                yield from ((number, *problem) for name in asked for problem in self.of_method(name, node.name))

    def of_function(self, name: str) -> Iterator[tuple[str, str]]:
        summary = self.analysis.known[name]
        yield from of_state(name, summary)
        for each in sorted(each for each in summary.alters if not each.startswith("<")):
            yield f"{name}, which artifacts need, may alter {each}", "Return a new value"

    def of_method(self, name: str, of_class: str) -> Iterator[tuple[str, str]]:
        yield from of_state(f"{of_class}.{name}", self.analysis.methods[name])
        if name in self.strict.altering_names:
            what = f"{of_class}.{name} may alter its object or its arguments"
            remedy = "Set attributes only in __init__ and fit, and return new values"
            yield f"{what}, so an answer would depend on the calls before it", remedy


def is_asked(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether a method runs without being called by its name in the notebook, and must not alter its object."""
    if any(isinstance(each, ast.Attribute) and each.attr in {"setter", "deleter"} for each in node.decorator_list):
        return False
    return (implicit(node) and node.name not in TO_ALTER) or node.name in ASKS


def without(
    statements: Sequence[Statement], effects: Sequence[Effect], there: Sequence[Statement], given: set[str]
) -> tuple[list[Statement], list[Effect]]:
    """Return the statements and effects of another module, which imports the definitions instead of having them."""
    inside = {id(statement) for statement in there if not imported(statement.node)}
    names = {name for each, effect in zip(statements, effects) if id(each) in inside for name in effect.defines} - given
    pairs = [(each, effect) for each, effect in zip(statements, effects) if id(each) not in inside]
    if names:
        text = f"from .{MODULE} import {', '.join(sorted(names))}"
        effect = Effect(set(), names, set(), binds=True, guards=False, imports=True)
        pairs.append((Statement(0, ast.parse(text).body[0], text), effect))
    return [each for each, _ in pairs], [effect for _, effect in pairs]
